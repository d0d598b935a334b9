package io.blockseal.fault;

import io.blockseal.suite.SuiteTable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

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

    /** A look of the case's own at what was found: what is wrong, or nothing. */
    interface Trial {
        String look(FaultJournal found) throws Exception;
    }

    /** Nothing beyond the model. */
    static final Promise THE_MODEL = (cut, sight) -> {};

    private static final int TOLD_MAX = 3;

    private final Lab lab;
    private final Mutation mutation;
    private final String id;
    private final String what;
    private final List<String> told = new ArrayList<>();
    private long states;
    private long failures;
    private int[] keys = {1};
    private Look.Question question = (volume, disks) -> null;
    private boolean mayRefuse;

    CrashCase(Lab lab, Mutation mutation, String id, String what) {
        this.lab = lab;
        this.mutation = mutation;
        this.id = id;
        this.what = what;
    }

    /** With which keys what is found is opened; key 1 by default. */
    CrashCase keys(int... numbers) {
        keys = numbers;
        return this;
    }

    CrashCase asking(Look.Question newQuestion) {
        question = newQuestion;
        return this;
    }

    /** Not to open is for the promise to judge, not wrong by itself. */
    CrashCase mayRefuse() {
        mayRefuse = true;
        return this;
    }

    /** From here on the scene may be cut, and the planted bug is at work. */
    void record(Scene scene) throws Exception {
        scene.record();
        mutation.whileRecording(scene);
    }

    /** Every cut of the whole recording, writes torn at each 512 bytes. */
    void cutEverywhere(Scene scene, Promise promise) {
        cut(scene, PowerCuts.all(scene.journal(), PowerCuts.Tears.SECTORS), promise);
    }

    void cut(Scene scene, List<PowerCut> cuts, Promise promise) {
        Map<Long, Sight> seen = new HashMap<>();
        Look look = look(scene);
        for (PowerCut cut : cuts) {
            FaultJournal found = scene.journal().after(cut);
            Sight sight = seen.computeIfAbsent(found.fingerprint(), any -> look.at(found));
            judge(scene, cut, sight, promise, cut.describe());
        }
    }

    /** Every cut, and in the repair of each state that was found, a second one. */
    void cutTwice(Scene scene) {
        Set<Long> repaired = new HashSet<>();
        Look look = look(scene);
        for (PowerCut cut : PowerCuts.all(scene.journal(), PowerCuts.Tears.NONE)) {
            FaultJournal found = scene.journal().after(cut);
            if (!repaired.add(found.fingerprint())) {
                continue;
            }
            Sight first = look.at(found);
            judge(scene, cut, first, THE_MODEL, cut.describe());
            if (first.opened()) {
                cutRepair(scene, look, cut, found, first);
            }
        }
    }

    private void cutRepair(Scene scene, Look look, PowerCut cut, FaultJournal found, Sight first) {
        Map<Long, Sight> seen = new HashMap<>();
        for (PowerCut second : PowerCuts.few(found, first.openedAt())) {
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
        first.ranges().forEach((range, before) -> {
            if (now.generation(range) < first.generation(range)) {
                throw new AssertionError("range " + range + " was seen with generation " + first.generation(range)
                        + " and now has " + now.generation(range));
            }
            for (int i = 0; i < before.sectors().length; i++) {
                int sector = range * Layout.SECTORS_PER_RANGE + i;
                if (before.sectors()[i] != now.content(sector)) {
                    throw new AssertionError("sector " + i + " of range " + range + " was read as "
                            + Invariant.name(before.sectors()[i]) + " and now as "
                            + Invariant.name(now.content(sector)));
                }
            }
        });
    }

    /** A state that was found, and what was seen of it: where another life can begin. */
    record Found(PowerCut cut, Sight sight) {}

    /** Those cuts; returns the latest of them from which a guest can go on knowing each sector, or null. */
    @Nullable
    Found cutSome(Scene scene, List<PowerCut> cuts, String where) {
        Look look = look(scene);
        @Nullable Found latest = null;
        for (PowerCut cut : cuts) {
            Sight sight = look.at(scene.journal().after(cut));
            judge(scene, cut, sight, THE_MODEL, where + ": " + cut.describe());
            boolean known = sight.opened() && !sight.hasTornHoles();
            if (known && (latest == null || latest.cut().count() < cut.count())) {
                latest = new Found(cut, sight);
            }
        }
        return latest;
    }

    /** The same volume with the same guest after that cut. */
    Scene liveOn(Scene scene, Found found) throws Exception {
        Model model = scene.model().after(found.sight());
        return new Scene(lab, scene.layout(), scene.journal().after(found.cut()), model);
    }

    /** A state that the case made of the scene as it is now, held against the model. */
    void judge(Scene scene, FaultJournal found, String where) {
        PowerCut now = new PowerCut(scene.journal().position(), 0, List.of(), 0);
        judge(scene, now, look(scene).at(found), THE_MODEL, where);
    }

    /** Those cuts, each looked at by the case itself. */
    void cutAndTry(Scene scene, List<PowerCut> cuts, Trial trial) {
        Map<Long, String> seen = new HashMap<>();
        for (PowerCut cut : cuts) {
            FaultJournal found = scene.journal().after(cut);
            String wrong = seen.computeIfAbsent(found.fingerprint(), any -> {
                mutation.whileOpening(scene.layout(), found);
                return outcome(trial, found);
            });
            count(wrong, scene.layout() + ": " + cut.describe());
        }
    }

    private static String outcome(Trial trial, FaultJournal found) {
        try {
            return trial.look(found);
        } catch (Exception e) {
            return e.toString();
        }
    }

    private Look look(Scene scene) {
        return new Look(lab, scene, keys, question, mutation);
    }

    private void judge(Scene scene, PowerCut cut, Sight sight, Promise promise, String where) {
        String wrong = "";
        try {
            Invariant.check(scene.model(), cut.count(), sight, mayRefuse);
            promise.check(cut, sight);
        } catch (AssertionError e) {
            wrong = String.valueOf(e.getMessage());
        }
        count(wrong, scene.layout() + ": " + where);
    }

    /** Counts one state, or ends the case if a planted bug shows in it; {@code wrong} says what is, or nothing. */
    void count(String wrong, String where) {
        states++;
        if (!wrong.isEmpty()) {
            failures++;
            if (mutation != Mutation.NONE) {
                throw new CaughtException(where + ": " + wrong);
            }
            if (told.size() < TOLD_MAX) {
                told.add(where + ": " + wrong);
            }
        }
    }

    /** What another case tried counts as tried by this one. */
    void add(CrashCase other) {
        states += other.states;
        failures += other.failures;
        told.addAll(other.told);
    }

    /** Writes the row; a failure ends the test. */
    void end(SuiteTable table) {
        table.add(id, what, states, failures);
        if (failures > 0) {
            throw new AssertionError(id + " (" + what + "): " + failures + " of " + states + " states are wrong:\n"
                    + String.join("\n", told));
        }
    }
}
