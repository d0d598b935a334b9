package io.blockseal.volume;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.slot.KeySlotCodec;
import io.blockseal.volume.table.EpochKeys;
import io.blockseal.volume.table.TableRoot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/** An attacker who can write to the store: recomputes CRCs always, and MACs where the test lets the keys leak. */
public final class Forger implements AutoCloseable {
    private final MemoryStore store;
    private final EpochKeys keys;

    public Forger(CryptoEngine engine, MemoryStore store, KeySource source) throws Exception {
        this.store = store;
        RootBlock root = root(0);
        KeySlot slot = Objects.requireNonNull(
                KeySlotArea.decode(store.peek(MetadataLayout.keySlotAreaOffset(0), KeySlotArea.AREA_BYTES))
                        .slot(0));
        try (Secret volumeKey =
                source.unwrap(Objects.requireNonNull(KeySlotCodec.toWrapped(slot)), new Binding(root.uuid()))) {
            keys = EpochKeys.derive(engine, root.uuidBytes(), root.vkEpoch(), volumeKey);
        }
    }

    /** The entry with another generation and slot. */
    public static TableEntry changed(TableEntry e, int generation, long slot) {
        return new TableEntry(
                e.state(),
                e.suite(),
                generation,
                slot,
                e.createdSeconds(),
                e.lastCommit(),
                e.encryptedBytes(),
                e.wrappedDek());
    }

    RootBlock root(int copy) throws Exception {
        return RootBlock.decode(store.peek(MetadataLayout.rootOffset(copy), 4096), "root");
    }

    /** Changes both roots; the MAC stays as it was, the CRC is right. */
    void changeRoots(Consumer<RootBlock> change) throws Exception {
        RootBlock root = root(0).copy();
        change.accept(root);
        root.seal(root.mac());
        putRoots(root);
    }

    /** Changes both roots with the MAC key known. */
    void forgeRoots(Consumer<RootBlock> change) throws Exception {
        RootBlock root = root(0).copy();
        change.accept(root);
        root.seal(keys.mac(root));
        putRoots(root);
    }

    /** Changes both copies of a page with all MAC keys known, and the root to suit. */
    public void forgePage(int index, Consumer<TablePage> change) throws Exception {
        RootBlock root = root(0);
        TablePage before = page(index, 0);
        TablePage after = before.copy();
        change.accept(after);
        after.seal(keys.mac(after));
        for (int copy = 0; copy < 2; copy++) {
            store.poke(root.pageOffset(index, copy), after.image());
        }
        byte[] sum = new TableRoot(root.tableRoot())
                .toggle(keys.tableTerm(before))
                .toggle(keys.tableTerm(after))
                .bytes();
        forgeRoots(changed -> changed.tableRoot(sum));
    }

    /** Gives a range a new DEK in that slot, as a rotation would. */
    public void rekey(long range, int generation, long slot) throws Exception {
        int entry = TablePage.entryOf(range);
        forgePage(TablePage.pageOf(range), page -> {
            page.entry(
                    entry,
                    new TableEntry(
                            TableEntry.ACTIVE,
                            RootBlock.SUITE_AES_256_XTS,
                            generation,
                            slot,
                            1,
                            1,
                            0,
                            new byte[TableEntry.WRAPPED_DEK_BYTES]));
            keys.wrapNewDek(range, generation, slot, page.wrappedDek(entry));
        });
    }

    /** Puts the right MAC and CRC into whatever a root says; a root that no reader would look at gets the CRC alone. */
    public byte[] sealed(byte[] rootImage) {
        try {
            RootBlock root = RootBlock.decode(withCrc(rootImage), "root").copy();
            root.seal(keys.mac(root));
            return root.image();
        } catch (MalformedVolumeException e) {
            return withCrc(rootImage);
        }
    }

    /** Puts the right MAC into whatever a page says, as far as a reader would look at it. */
    public byte[] sealedPage(byte[] pageImage) {
        int index = ByteBuffer.wrap(pageImage).order(ByteOrder.LITTLE_ENDIAN).getInt(4);
        try {
            TablePage page = TablePage.decode(pageImage, index, "page");
            page.seal(keys.mac(page));
            return page.image();
        } catch (MalformedVolumeException e) {
            return pageImage.clone();
        }
    }

    TablePage page(int index, int copy) throws Exception {
        return TablePage.decode(store.peek(root(0).pageOffset(index, copy), 4096), index, "page");
    }

    /** Flips a bit and puts the right CRC behind it. */
    static byte[] flipped(byte[] rootImage, int bit) {
        byte[] image = rootImage.clone();
        image[bit / 8] ^= (byte) (1 << (bit % 8));
        return withCrc(image);
    }

    /** Puts the right CRC behind whatever a root says. */
    public static byte[] withCrc(byte[] rootImage) {
        byte[] image = rootImage.clone();
        CRC32C crc = new CRC32C();
        crc.update(image, 0, 4092);
        ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN).putInt(4092, (int) crc.getValue());
        return image;
    }

    private void putRoots(RootBlock root) {
        for (int copy = 0; copy < 2; copy++) {
            store.poke(MetadataLayout.rootOffset(copy), root.image());
        }
    }

    @Override
    public void close() {
        keys.close();
    }
}
