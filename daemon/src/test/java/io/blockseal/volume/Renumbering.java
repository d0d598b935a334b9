package io.blockseal.volume;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.fault.Disturbance;
import io.blockseal.fault.FaultStore;
import io.blockseal.fault.Operation;
import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.store.StoreException;
import io.blockseal.volume.slot.KeySlotCodec;
import io.blockseal.volume.table.EpochKeys;
import io.blockseal.volume.table.TableRoot;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A planted bug: every commit gets the number of the one before it, as if the sequence were not counted up. Knows the
 * volume's keys, so that each block is as authentic as the real one.
 */
public final class Renumbering implements Disturbance, AutoCloseable {
    private final EpochKeys keys;
    /** What each page that was renumbered adds to the table root. */
    private final Map<Integer, byte[]> corrections = new HashMap<>();

    /** Reads the volume key from the store by {@code source}. */
    public Renumbering(CryptoEngine engine, FaultStore metadata, KeySource source) throws Exception {
        RootBlock root = RootBlock.decode(metadata.peek(0, MetadataLayout.BLOCK_BYTES), "root");
        KeySlot slot = Objects.requireNonNull(
                KeySlotArea.decode(metadata.peek(MetadataLayout.keySlotAreaOffset(0), KeySlotArea.AREA_BYTES))
                        .slot(0));
        try (Secret volumeKey =
                source.unwrap(Objects.requireNonNull(KeySlotCodec.toWrapped(slot)), new Binding(root.uuid()))) {
            keys = EpochKeys.derive(engine, root.uuidBytes(), root.vkEpoch(), volumeKey);
        }
    }

    @Override
    public void meet(Operation operation, Disk disk) throws StoreException {
        disk.perform(altered(operation));
    }

    private Operation altered(Operation operation) {
        boolean block = operation.kind() == Operation.Kind.WRITE && operation.length() == MetadataLayout.BLOCK_BYTES;
        if (!block || operation.offset() >= MetadataLayout.EXTENT_BYTES) {
            return operation;
        }
        try {
            boolean root = operation.offset() == MetadataLayout.rootOffset(0)
                    || operation.offset() == MetadataLayout.rootOffset(1);
            return operation.withData(root ? root(operation.data()) : page(operation));
        } catch (MalformedVolumeException e) {
            throw new AssertionError("neither a root nor a page: " + operation.describe(), e);
        }
    }

    private byte[] page(Operation operation) throws MalformedVolumeException {
        long inCopy = (operation.offset() - MetadataLayout.FIRST_PAGES_OFFSET) / MetadataLayout.BLOCK_BYTES;
        int index = (int) (inCopy % MetadataLayout.FIRST_EXTENT_PAGES);
        TablePage page = TablePage.decode(operation.data(), index, "page");
        byte[] honest = keys.tableTerm(page);
        page.commitSeq(page.commitSeq() - 1);
        page.seal(keys.mac(page));
        corrections.put(
                index, new TableRoot(honest).toggle(keys.tableTerm(page)).bytes());
        return page.image();
    }

    private byte[] root(byte[] image) throws MalformedVolumeException {
        RootBlock root = RootBlock.decode(image, "root").copy();
        TableRoot sum = new TableRoot(root.tableRoot());
        corrections.values().forEach(sum::toggle);
        root.commitSeq(root.commitSeq() - 1).tableRoot(sum.bytes());
        root.seal(keys.mac(root));
        return root.image();
    }

    @Override
    public void close() {
        keys.close();
    }
}
