package io.blockseal.fault;

import io.blockseal.block.BlockRequest;
import io.blockseal.volume.VolumeShredder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A guest that does whatever a seed says, power cuts at many moments of that, and the same again from one of the states
 * that were found, several times over. The property {@code blockseal.crash.seed} plays one seed again, with
 * {@code blockseal.crash.rounds} rounds of it.
 */
final class RandomCases {
    private static final int PER_RANGE = Layout.SECTORS_PER_RANGE;
    private static final long FIRST_SEED = 20_261_124;
    private static final int SEEDS = 8;
    private static final int LIVES = 4;
    private static final int STEPS = 20;
    private static final int CUTS = 60;

    private final Lab lab;

    RandomCases(Lab lab) {
        this.lab = lab;
    }

    CrashCase random() throws Exception {
        CrashCase random = new CrashCase(
                lab, Mutation.NONE, "random", "writes, FUA, flush, trim, zeroes, shred by seed; four lives in a row");
        long seed = Long.getLong("blockseal.crash.seed", FIRST_SEED);
        int seeds = Integer.getInteger("blockseal.crash.rounds", SEEDS);
        for (int i = 0; i < seeds; i++) {
            play(random, seed + i);
        }
        return random;
    }

    private void play(CrashCase crashCase, long seed) throws Exception {
        Random random = new Random(seed);
        Layout layout = Layout.ALL.get((int) Math.floorMod(seed, (long) Layout.ALL.size()));
        Scene scene = new Scene(lab, layout);
        try {
            for (int life = 0; life < LIVES; life++) {
                crashCase.record(scene);
                for (int step = 0; step < STEPS; step++) {
                    step(scene, random);
                }
                List<PowerCut> cuts = new ArrayList<>(PowerCuts.all(scene.journal(), PowerCuts.Tears.SECTORS));
                Collections.shuffle(cuts, random);
                String where = "seed " + seed + " life " + life;
                List<PowerCut> tried = cuts.subList(0, Math.min(CUTS, cuts.size()));
                CrashCase.Found next = crashCase.cutSome(scene, tried, where);
                if (next == null) {
                    return;
                }
                Scene before = scene;
                scene = crashCase.liveOn(before, next);
                before.close();
            }
        } finally {
            scene.close();
        }
    }

    private static void step(Scene scene, Random random) throws Exception {
        int ranges = scene.layout().ranges();
        int range = random.nextInt(4) == 0 ? random.nextInt(ranges) : random.nextInt(3);
        int count = 1 + random.nextInt(20);
        int sector = range * PER_RANGE + random.nextInt(PER_RANGE - Look.SECTORS_WRITTEN_AFTER - count);
        int fua = random.nextInt(5) == 0 ? BlockRequest.FUA : 0;
        Guest guest = scene.guest();
        switch (random.nextInt(12)) {
            case 0, 1, 2, 3, 4, 5 -> guest.write(sector, count, fua);
            case 6, 7 -> guest.flush();
            case 8 -> guest.trim(sector, count, fua);
            case 9 -> guest.writeZeroes(sector, count, fua);
            case 10 -> guest.writeZeroes(sector, count, fua | BlockRequest.NO_HOLE);
            default -> {
                scene.disconnect();
                int begun = scene.journal().position();
                VolumeShredder.shred(scene.volume(), range, 1);
                scene.model().shredded(range, begun, scene.journal().position());
                scene.connect();
            }
        }
    }
}
