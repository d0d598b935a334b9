package io.blockseal.volume;

import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.StoreException;
import io.blockseal.volume.slot.KeySlotCodec;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the key slots of an open volume at the newest version of their KEKs: a version that was made at the source, by
 * hand or by its own schedule, is taken at the next look, so that the older ones may be disabled there. Says what stands in
 * the way once, until it works again. On key-source threads, one look at a time.
 */
public final class KekWatch {
    private static final Logger LOG = LoggerFactory.getLogger(KekWatch.class);

    private final Volume volume;
    private final List<KeySource> sources;
    private boolean complained;

    /** The slots that {@code sources} open; those of other sources stay as they are. */
    public KekWatch(Volume volume, List<KeySource> sources) {
        this.volume = volume;
        this.sources = List.copyOf(sources);
    }

    /** Whether any of the sources has versions at all: if none has, there is nothing to look at, ever. */
    public boolean isOfUse() {
        for (KeySource source : sources) {
            try {
                if (!source.newestVersion().isEmpty()) {
                    return true;
                }
            } catch (KeySourceException e) {
                // It has versions, and cannot be asked just now.
                return true;
            }
        }
        return false;
    }

    /**
     * Asks the sources, and wraps anew what is of an older version. Whatever fails is tried at the next look.
     *
     * @return how many slots were wrapped anew
     */
    public int look() {
        int rewrapped = 0;
        Exception trouble = null;
        KeySlotArea area = volume.keySlotArea();
        for (int index = 0; index < KeySlotArea.SLOTS; index++) {
            KeySlot slot = area.slot(index);
            try {
                KeySource source = slot == null ? null : olderThanItsSource(slot);
                if (source != null) {
                    volume.keySlots().rewrap(index, List.of(source), source);
                    rewrapped++;
                }
            } catch (KeySourceException | WrongKeyException | VolumeRefusedException | StoreException e) {
                // The source of another slot may be well.
                trouble = trouble == null ? e : trouble;
            }
        }
        if (trouble == null && complained) {
            LOG.info("volume={}: the versions of its keys can be looked at again", volume.logName());
        } else if (trouble != null && !complained) {
            LOG.warn(
                    "volume={}: a newer version of its key could not be taken, and is tried again: {}",
                    volume.logName(),
                    trouble.getMessage());
        }
        complained = trouble != null;
        return rewrapped;
    }

    private @Nullable KeySource olderThanItsSource(KeySlot slot) throws KeySourceException {
        WrappedKey wrapped = KeySlotCodec.toWrapped(slot);
        for (KeySource source : sources) {
            if (wrapped != null && source.mayOpen(wrapped) && source.isOutdated(wrapped)) {
                return source;
            }
        }
        return null;
    }
}
