package io.blockseal.fault;

import io.blockseal.volume.Volume;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A volume with a guest, on stores that remember everything: first what is there before, then {@link #record}, then what
 * is to be cut short. On one thread.
 */
final class Scene implements AutoCloseable {
    private final Lab lab;
    private final Layout layout;
    private final FaultJournal journal;
    private final Model model;
    private @Nullable Volume volume;
    private @Nullable Guest guest;

    /** Formats and opens. */
    Scene(Lab lab, Layout layout) throws Exception {
        this.lab = lab;
        this.layout = layout;
        this.journal = layout.newStores();
        this.model = new Model(layout.unitBytes());
        lab.create(layout, journal);
        open();
    }

    /** Opens what a crash left. */
    Scene(Lab lab, Layout layout, FaultJournal found, Model model) throws Exception {
        this.lab = lab;
        this.layout = layout;
        this.journal = found;
        this.model = model;
        open();
    }

    /** Opens again, with key 1 if none is named. */
    void open(int... keys) throws Exception {
        volume = lab.open(layout, journal, keys.length == 0 ? new int[] {1} : keys);
        guest = new Guest(lab.loop(), volume, journal, model);
    }

    /** From here on everything may be cut short; what was done before is durable. */
    void record() {
        journal.restart();
        model.restart();
    }

    Layout layout() {
        return layout;
    }

    FaultJournal journal() {
        return journal;
    }

    Model model() {
        return model;
    }

    Volume volume() {
        return Objects.requireNonNull(volume);
    }

    Guest guest() {
        return Objects.requireNonNull(guest);
    }

    FaultStore data() {
        return layout.data(journal);
    }

    FaultStore metadata() {
        return layout.metadata(journal);
    }

    /** Ends the guest's connection; operations that want the volume for themselves may run. */
    void disconnect() {
        if (guest != null) {
            guest.close();
            guest = null;
        }
    }

    void connect() {
        guest = new Guest(lab.loop(), volume(), journal, model);
    }

    /** Closes the volume in order. */
    @Override
    public void close() {
        disconnect();
        if (volume != null) {
            volume.close();
            volume = null;
        }
    }
}
