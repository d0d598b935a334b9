package io.blockseal.volume;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.block.Errno;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.fuzz.Draw;
import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Patches;
import io.blockseal.fuzz.Seeds;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.table.EpochKeys;
import java.util.List;

/**
 * A whole volume is opened after somebody with write access to the store, and maybe with its keys, was there. First byte:
 * which volume, and how it is opened. Then what was done to it ({@link Intruder}).
 *
 * <p>A refusal is one of the declared exceptions and leaves the store as it was. What opens can be read everywhere,
 * takes a commit, and opens again.
 */
public final class VolumeOpenFuzz implements FuzzTarget {
    private static final int READ_ONLY = 4;
    private static final int ACCEPT_ROLLBACK = 8;
    private static final int COMMIT = 16;

    private final VolumeFixture fixture = new VolumeFixture();
    private final List<MemoryStore> volumes;
    private final List<EpochKeys> keys;

    /** Makes two volumes: one of three table pages in use, one as it was created. */
    public VolumeOpenFuzz() {
        try {
            MemoryStore used = fixture.create(70);
            try (Volume volume = fixture.open(used)) {
                fixture.write(volume, 0, 1);
                fixture.write(volume, 40 * 16, 2);
                fixture.write(volume, 69 * 16, 3);
            }
            MemoryStore fresh = fixture.create(5);
            volumes = List.of(used, fresh);
            keys = List.of(Intruder.keys(fixture, used), Intruder.keys(fixture, fresh));
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public Seeds seeds() {
        byte[] write = {0};
        byte[] commit = {COMMIT};
        return new Seeds()
                .add("untouched", write)
                .add("untouched-commit", commit)
                .add("fresh-commit", new byte[] {COMMIT | 1})
                .add("read-only", new byte[] {READ_ONLY})
                .add("root-flipped", write, new byte[] {0, 0, 0}, Patches.encode(0x48, (byte) 17))
                .add("root-crc", write, new byte[] {0, 0, 1}, Patches.encode(0x48, (byte) 17))
                .add("roots-forged", commit, new byte[] {0, 0, 2}, Patches.encode(0x2d0, (byte) 'x'), new byte[] {
                    3, 1, 0
                })
                .add("root-seq-forged", commit, new byte[] {0, 1, 2}, Patches.encode(0x20, (byte) 9))
                .add("page-altered", write, new byte[] {2, 0, 0, 1}, Patches.encode(132, (byte) 7))
                .add("page-forged", commit, new byte[] {2, 0, 0, 3}, Patches.encode(136, (byte) 1), new byte[] {
                    7, 0, 3, 1, 0
                })
                .add("page-orphan", commit, new byte[] {2, 1, 1, 2}, Patches.encode(8, (byte) 99))
                .add("page-old", new byte[] {ACCEPT_ROLLBACK | COMMIT, 5, 4, 5, 5})
                .add("page-swapped", write, new byte[] {3, 4, 6})
                .add("root-spoiled", commit, new byte[] {4, 0, 4, 5})
                .add("both-roots-erased", write, new byte[] {5, 0, 5, 1})
                .add("key-slots-altered", write, new byte[] {1, 0, 0}, Patches.encode(0x200, (byte) 1))
                .add("key-slots-forged", commit, new byte[] {1, 0, 3}, Patches.encode(0x3f0, (byte) 1), new byte[] {
                    3, 1, 0
                })
                .add("truncated", write, new byte[] {6, 0, 0x40});
    }

    @Override
    public void run(byte[] input) throws Exception {
        Draw draw = new Draw(input);
        int how = draw.u8();
        int which = how % volumes.size();
        MemoryStore store = volumes.get(which).copy();
        Intruder intruder = new Intruder(store, keys.get(which));
        while (draw.hasMore()) {
            intruder.act(draw);
        }
        OpenOptions options = OpenOptions.DEFAULT;
        options = (how & READ_ONLY) != 0 ? options.forReading() : options;
        options = (how & ACCEPT_ROLLBACK) != 0 ? options.acceptingRollback() : options;
        String before = store.fingerprint();
        Volume volume = open(store, options);
        if (volume == null || options.readOnly()) {
            promise(before.equals(store.fingerprint()), "who does not open for writing changes nothing");
        }
        if (volume != null) {
            use(volume, (how & COMMIT) != 0 && !options.readOnly());
            Volume again = open(store, options);
            promise(again != null, "what was open once does not open again");
            again.close();
        }
    }

    /** The volume, or null if it is refused. */
    private Volume open(MemoryStore store, OpenOptions options) {
        try {
            return fixture.open(store, options);
        } catch (StoreException
                | MalformedVolumeException
                | VolumeRefusedException
                | KeySourceException
                | WrongKeyException declared) {
            promise(declared.getMessage() != null && !declared.getMessage().isBlank(), "refused without a reason");
            promise(!store.isClosed(), "a refusal closes the caller's store");
            return null;
        } catch (RuntimeException accident) {
            throw accident;
        } catch (Exception undeclared) {
            throw new AssertionError("refused by accident", undeclared);
        }
    }

    private void use(Volume volume, boolean commit) throws StoreException {
        try (volume) {
            VolumeShape shape = volume.shape();
            long step = Math.max(1, shape.rangeCount() / 8);
            for (long range = 0; range < shape.rangeCount(); range += step) {
                fixture.read(volume, range << (shape.rangeShift() - Integer.numberOfTrailingZeros(shape.unitBytes())));
            }
            if (commit) {
                Errno errno = VolumeFixture.allocate(volume, shape.rangeCount() - 1);
                promise(errno == Errno.OK || errno == Errno.EIO || errno == Errno.ENOSPC, "a commit ends in " + errno);
            }
        }
    }
}
