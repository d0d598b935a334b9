package io.blockseal.fault;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.blockseal.device.TurnLoop;
import io.blockseal.keysource.KeySource;
import io.blockseal.memory.BufferBudget;
import io.blockseal.volume.EngineHere;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.LoggerFactory;

/**
 * What all cases of a crash suite share: the engine, a loop that the test turns, and silence: a volume that is opened
 * ten thousand times after a crash has much to say. On one thread.
 */
final class Lab implements AutoCloseable {
    private static final OpenOptions FEW_KEYS = OpenOptions.DEFAULT.forLoops(OpenOptions.DEK_CACHE_KEYS_TOTAL / 8);

    private final EngineHere here = EngineHere.open();
    private final VolumeFixture fixture = new VolumeFixture(here.engine(), here.memory());
    private final TurnLoop loop = new TurnLoop(0, new BufferBudget(16L << 20), here.memory());
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.blockseal.volume");
    private final Level levelBefore = logger.getLevel();
    private final ArrayDeque<Runnable> later = new ArrayDeque<>();

    Lab() {
        logger.setLevel(Level.OFF);
    }

    VolumeFixture fixture() {
        return fixture;
    }

    TurnLoop loop() {
        return loop;
    }

    /** Formats the stores; key 1 opens them. */
    void create(Layout layout, FaultJournal journal) throws Exception {
        fixture.creator().create(layout.stores(journal), List.of(fixture.key(1)), layout.options());
    }

    /** Opens with the keys of those numbers. */
    Volume open(Layout layout, FaultJournal journal, int... keys) throws Exception {
        List<KeySource> sources = new ArrayList<>();
        for (int key : keys) {
            sources.add(fixture.key(key));
        }
        later.clear();
        return fixture.opener((delayMillis, task) -> later.add(task)).open(layout.stores(journal), sources, FEW_KEYS);
    }

    /** What a volume that was opened last wanted to be done later is due. */
    void timePasses() {
        for (int due = later.size(); due > 0; due--) {
            later.remove().run();
        }
    }

    @Override
    public void close() {
        logger.setLevel(levelBefore);
        here.engine().close();
    }
}
