package io.blockseal.fault;

import io.blockseal.suite.SuiteTable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One row of the suite: takes scenes, cuts the power at every moment of them, and holds what is found against the
 * {@link Model} and against what the case promises besides. States with the same bytes are looked at once, and judged
 * each by its own moment.
 */
final class CrashCase {
    /** What a case promises beyond the model. Throws {@link AssertionError} if it does not hold. */
    interface Promise {
        void check(PowerCut cut, Sight sight);
    }

    private static final int TOLD_MAX = 3;

    private final Lab lab;
    private final String id;
    private final String what;
    private final List<String> told = new ArrayList<>();
    private long states;
    private long failures;
    private int[] keys = {1};
    private PowerCuts.Tears tears = PowerCuts.Tears.SECTORS;
    private Look.Question question = (volume, disks) -> null;
    private boolean mayRefuse;
    private long seed = 20_261_124;

    CrashCase(Lab lab, String id, String what) {
        this.lab = lab;
        this.id = id;
        this.what = what;
    }

    CrashCase keys(int... numbers) {
        keys = numbers;
        return this;
    }

    CrashCase tears(PowerCuts.Tears newTears) {
        tears = newTears;
        return this;
    }

    CrashCase asking(Look.Question newQuestion) {
        question = newQuestion;
        return this;
    }

    CrashCase seed(long newSeed) {
        seed = newSeed;
        return this;
    }

    /** Not to open is for the promise to judge, not wrong by itself. */
    CrashCase mayRefuse() {
        mayRefuse = true;
        return this;
    }

    /** Every cut of the whole recording. */
    void cutEverywhere(Scene scene, Promise promise) {
        cutEverywhere(scene, scene.journal().position(), promise);
    }

    /** Every cut up to the operation of that number. */
    void cutEverywhere(Scene scene, int last, Promise promise) {
        Map<Long, Sight> seen = new HashMap<>();
        Look look = look(scene);
        for (PowerCut cut : PowerCuts.of(scene.journal(), tears, last, seed)) {
            FaultJournal found = scene.journal().after(cut);
            Sight sight = seen.computeIfAbsent(found.fingerprint(), any -> look.at(found));
            judge(scene, cut, sight, promise, cut.describe());
        }
    }

    /** Every cut, and in the repair of each state that was found, a second one. */
    void cutTwice(Scene scene) {
        Set<Long> repaired = new HashSet<>();
        Look look = look(scene);
        int last = scene.journal().position();
        for (PowerCut cut : PowerCuts.of(scene.journal(), PowerCuts.Tears.NONE, last, seed)) {
            FaultJournal found = scene.journal().after(cut);
            if (!repaired.add(found.fingerprint())) {
                continue;
            }
            Sight first = look.at(found);
            judge(scene, cut, first, (any, sight) -> {}, cut.describe());
            if (first.opened()) {
                cutRepair(scene, look, cut, found, first);
            }
        }
    }

    private void cutRepair(Scene scene, Look look, PowerCut cut, FaultJournal found, Sight first) {
        Map<Long, Sight> seen = new HashMap<>();
        for (PowerCut second : PowerCuts.few(found, first.openedAt(), seed)) {
            FaultJournal again = found.after(second);
            Sight sight = seen.computeIfAbsent(again.fingerprint(), any -> look.at(again));
            boolean wasOpen = second.count() >= first.openedAt();
            judge(
                    scene,
                    cut,
                    sight,
                    (any, now) -> {
                        if (wasOpen) {
                            requireTheSame(first, now);
                        }
                    },
                    cut.describe() + "; and then " + second.describe());
        }
    }

    /** What was seen once an opening was over stays true whatever happens then. */
    private static void requireTheSame(Sight first, Sight now) {
        if (!now.opened()) {
            return;
        }
        for (int range = 0; range < first.rangeCount(); range++) {
            if (now.generation(range) < first.generation(range)) {
                throw new AssertionError("range " + range + " was seen with generation " + first.generation(range)
                        + " and now has " + now.generation(range));
            }
        }
        for (int sector = 0; sector < first.sectors().length; sector++) {
            if (first.sectors()[sector] != now.sectors()[sector]) {
                throw new AssertionError("sector " + sector + " was read as " + first.sectors()[sector] + " and now as "
                        + now.sectors()[sector]);
            }
        }
    }

    private Look look(Scene scene) {
        return new Look(lab, scene.layout(), keys, scene.model().touchedRanges(), question);
    }

    /** Counts one state and whether it is as it must be. */
    void judge(Scene scene, PowerCut cut, Sight sight, Promise promise, String where) {
        states++;
        try {
            Invariant.check(scene, cut.count(), sight, mayRefuse);
            promise.check(cut, sight);
        } catch (AssertionError e) {
            fail(scene.layout() + ": " + where + ": " + e.getMessage());
        }
    }

    /** Counts a state that the case looked at by itself. */
    void count(boolean right, String where) {
        states++;
        if (!right) {
            fail(where);
        }
    }

    private void fail(String message) {
        failures++;
        if (told.size() < TOLD_MAX) {
            told.add(message);
        }
    }

    long states() {
        return states;
    }

    long failures() {
        return failures;
    }

    /** The first failures, for people. */
    String told() {
        return String.join("\n", told);
    }

    /** Writes the row; a failure ends the test. */
    void end(SuiteTable table) {
        table.add(id, what, states, failures);
        if (failures > 0) {
            throw new AssertionError(
                    id + " (" + what + "): " + failures + " of " + states + " states are wrong:\n" + told());
        }
    }
}
