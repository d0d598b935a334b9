package io.blockseal.fault;

import io.blockseal.block.BlockRequest;
import io.blockseal.job.JobControl;
import io.blockseal.rotation.Rotations;
import io.blockseal.store.StoreException;
import io.blockseal.suite.SuiteTable;
import io.blockseal.volume.Patience;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeKeyRotation;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeShredder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Everything that changes a volume, in any order, by a seed: guests, shredding, new DEKs, another volume key, key slots;
 * one operation of a store after the other fails meanwhile, the daemon recovers or has not come to it yet, and then the
 * power fails. What is found lives on. The cases of {@link CrashSuiteTest} fail one operation at a time.
 *
 * <p>The property {@code blockseal.storm.seed} plays one seed again, {@code blockseal.storm.rounds} more of them.
 */
class FailureStormTest {
    private static final long FIRST_SEED = 20_261_127;
    private static final int SEEDS = 2;
    private static final int LIVES = 3;
    private static final int STEPS = 24;
    private static final int CUTS = 60;
    private static final int PER_RANGE = Layout.SECTORS_PER_RANGE;
    private static final List<Layout> LAYOUTS = List.of(
            Layout.SMALL_UNITS,
            Layout.DETACHED.withMirror(),
            Layout.NO_PROMISE,
            Layout.IN_BAND,
            Layout.DETACHED,
            Layout.IN_BAND.withMirror());

    private final Lab lab = new Lab();

    @AfterEach
    void close() {
        lab.close();
    }

    /** What was acknowledged as durable is there, nothing is noise, and the volume opens and goes on. */
    @Test
    void whateverFailsAndWheneverThePowerDoesNothingAcknowledgedIsLost() throws Exception {
        long first = Long.getLong("blockseal.storm.seed", FIRST_SEED);
        int rounds = Integer.getInteger("blockseal.storm.rounds", SEEDS);
        System.out.println("FailureStormTest seed " + first + " rounds " + rounds);
        CrashCase storm = new CrashCase(lab, Mutation.NONE, "storm", "failures in a row, and power cuts");
        for (int i = 0; i < rounds; i++) {
            play(storm, first + i);
        }
        storm.end(new SuiteTable("storm"));
    }

    private void play(CrashCase storm, long seed) throws Exception {
        Random random = new Random(seed);
        Layout layout = LAYOUTS.get((int) Math.floorMod(seed, (long) LAYOUTS.size()));
        Scene scene = new Scene(lab, layout);
        try {
            for (int life = 0; life < LIVES; life++) {
                String where = "seed " + seed + " life " + life;
                scene.journal().losesAll();
                storm.record(scene);
                for (int step = 0; step < STEPS; step++) {
                    live(scene, random);
                }
                calm(scene);
                storm.judge(scene, scene.journal().fork(), where + " at its end");
                List<PowerCut> cuts = new ArrayList<>(PowerCuts.all(scene.journal(), PowerCuts.Tears.SECTORS));
                Collections.shuffle(cuts, random);
                CrashCase.Found next = storm.cutSome(scene, cuts.subList(0, Math.min(CUTS, cuts.size())), where);
                if (next == null) {
                    return;
                }
                Scene before = scene;
                scene = storm.liveOn(before, next);
                before.close();
            }
        } finally {
            scene.close();
        }
    }

    private void live(Scene scene, Random random) throws Exception {
        if (random.nextInt(3) == 0) {
            disturb(scene, random);
        }
        try {
            step(scene, random);
        } catch (StoreException | VolumeRefusedException e) {
            // That is what a failure looks like; what has become of it, the model leaves open.
        }
        if (random.nextInt(2) == 0) {
            scene.journal().stores().forEach(store -> store.disturb(Disturbance.NONE));
        }
        if (random.nextInt(2) == 0) {
            lab.timePasses();
        }
    }

    private static void disturb(Scene scene, Random random) {
        FailureCases.Failure[] all = FailureCases.Failure.values();
        FailureCases.Failure failure = all[random.nextInt(all.length)];
        FaultStore victim = scene.journal()
                .stores()
                .get(random.nextInt(scene.journal().stores().size()));
        // Half of a data unit that was never written is noise, and once it was copied nobody can tell why any more.
        boolean tearsUnits = failure == FailureCases.Failure.SHORT
                && victim == scene.data()
                && scene.layout().unitBytes() > 512;
        victim.disturb((tearsUnits ? FailureCases.Failure.EIO : failure).at(random.nextInt(10)));
    }

    /** The storage is well again, and the daemon has found that out. */
    private void calm(Scene scene) {
        scene.journal().stores().forEach(store -> store.disturb(Disturbance.NONE));
        for (int i = 0; i < 3; i++) {
            lab.timePasses();
        }
        scene.guest().flush();
        scene.guest().flush();
    }

    /** Who waits in vain for the guest waits for the storage; it is well again after a while. */
    private Patience turning(Scene scene) {
        return quiet -> {
            scene.guest().turn();
            if (quiet.getCount() > 0) {
                scene.journal().stores().forEach(store -> store.disturb(Disturbance.NONE));
                lab.timePasses();
                scene.guest().turn();
            }
            return quiet.getCount() == 0;
        };
    }

    private void step(Scene scene, Random random) throws Exception {
        int ranges = scene.layout().ranges();
        int range = random.nextInt(4) == 0 ? random.nextInt(ranges) : random.nextInt(3);
        // Even, so that half of a write is whole sectors.
        int count = 2 + 2 * random.nextInt(10);
        int sector = range * PER_RANGE + random.nextInt(PER_RANGE - Look.SECTORS_WRITTEN_AFTER - count);
        int fua = random.nextInt(5) == 0 ? BlockRequest.FUA : 0;
        Guest guest = scene.guest();
        Volume volume = scene.volume();
        switch (random.nextInt(20)) {
            case 0, 1, 2, 3, 4, 5 -> guest.write(sector, count, fua);
            case 6, 7, 8 -> guest.flush();
            case 9 -> guest.trim(sector, count, fua);
            case 10 -> guest.writeZeroes(sector, count, fua);
            case 11 -> guest.writeZeroes(sector, count, fua | BlockRequest.NO_HOLE);
            case 12, 13 -> shred(scene, range);
            case 14, 15, 16 -> Rotations.rotate(volume, range, turning(scene));
            case 17 ->
                volume.keySlots()
                        .add(List.of(lab.fixture().key(1)), lab.fixture().key(2), "second");
            case 18 -> volume.keySlots().remove(1 + random.nextInt(2), false);
            default -> rotateVolumeKey(volume, random.nextBoolean());
        }
    }

    private void shred(Scene scene, int range) throws Exception {
        int begun = scene.journal().position();
        boolean done = false;
        try {
            VolumeShredder.shred(scene.volume(), range, 1, turning(scene));
            done = true;
        } finally {
            if (done) {
                scene.model().shredded(range, begun, scene.journal().position());
            } else {
                scene.model().failed(range * PER_RANGE, PER_RANGE, SectorContent.ZEROS, begun);
            }
        }
    }

    private void rotateVolumeKey(Volume volume, boolean wholly) throws Exception {
        VolumeKeyRotation rotation = volume.volumeKeyRotation().inGroupsOf(1);
        if (!rotation.standing().underWay()) {
            rotation.begin(List.of(lab.fixture().key(1), lab.fixture().key(2)), Set.of());
        }
        if (wholly) {
            rotation.goOn(JobControl.ALONE);
        }
    }
}
