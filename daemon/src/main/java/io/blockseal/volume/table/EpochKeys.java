package io.blockseal.volume.table;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;

/**
 * The children of one volume key: what wraps DEKs and what authenticates roots and pages (docs/format.md, "Keys"). A
 * volume key is known by its epoch, 1 for the first. The volume key itself is not kept. From any thread until closed.
 */
public final class EpochKeys implements AutoCloseable {
    /** Bytes that bind a wrapped DEK to its place: UUID, range, generation, suite, slot. */
    static final int AAD_BYTES = 16 + Long.BYTES + Integer.BYTES + Short.BYTES + Integer.BYTES;

    private static final String LABEL_PREFIX = "blockseal/v1/";
    private static final List<String> CHILDREN = List.of("dek-wrap", "root-mac", "page-mac", "table-root");
    private static final int IDENTITY_BYTES = 16;

    private final CryptoEngine engine;
    private final byte[] uuid;
    private final int epoch;
    private final Secret dekWrap;
    private final Secret rootMac;
    private final Secret pageMac;
    private final Secret tableRoot;
    private final byte[] identityTag;

    private EpochKeys(CryptoEngine engine, byte[] uuid, int epoch, List<Secret> children, byte[] identityTag) {
        this.engine = engine;
        this.uuid = uuid;
        this.epoch = epoch;
        this.dekWrap = children.get(0);
        this.rootMac = children.get(1);
        this.pageMac = children.get(2);
        this.tableRoot = children.get(3);
        this.identityTag = identityTag;
    }

    /** Derives all children; the caller wipes the volume key. */
    public static EpochKeys derive(CryptoEngine engine, byte[] uuid, int epoch, Secret volumeKey) {
        byte[] salt = uuid.clone();
        List<Secret> children = new ArrayList<>();
        try {
            for (String label : CHILDREN) {
                Secret child = Secret.empty(engine.keys());
                children.add(child);
                engine.derivation().hkdf(volumeKey.key(), salt, info(label), child.key());
            }
            byte[] tag = engine.derivation().hkdfPublic(volumeKey.key(), salt, info("identity"), IDENTITY_BYTES);
            return new EpochKeys(engine, salt, epoch, children, tag);
        } catch (RuntimeException | Error e) {
            // The arena is full, say: what was derived so far must not stay behind in it.
            children.forEach(Secret::close);
            throw e;
        }
    }

    /** Which volume key of the volume they are of. */
    public int epoch() {
        return epoch;
    }

    /** The tag by which anybody recognises this volume key for this volume. */
    public byte[] identityTag() {
        return identityTag.clone();
    }

    /** Whether both were derived from one volume key. */
    public boolean sameAs(EpochKeys other) {
        return engine.keys().same(rootMac.key(), other.rootMac.key());
    }

    /** By the MAC key of this epoch. */
    public byte[] mac(RootBlock root) {
        return engine.derivation().hmac(rootMac.key(), root.macInput());
    }

    /** Compares in constant time. */
    boolean verifies(RootBlock root) {
        return MessageDigest.isEqual(mac(root), root.mac());
    }

    /** By the MAC key of this epoch. */
    public byte[] mac(TablePage page) {
        List<ByteBuffer> pieces = new ArrayList<>();
        pieces.add(ByteBuffer.wrap(uuid));
        pieces.addAll(page.macInput());
        return engine.derivation().hmac(pageMac.key(), pieces);
    }

    /** Compares in constant time. */
    boolean verifies(TablePage page) {
        return MessageDigest.isEqual(mac(page), page.mac());
    }

    /** What a page adds to the root's table_root, by XOR. */
    public byte[] tableTerm(TablePage page) {
        ByteBuffer head = ByteBuffer.allocate(Integer.BYTES + Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        head.putInt(page.index()).putLong(page.commitSeq());
        return engine.derivation().hmac(tableRoot.key(), head.array(), page.mac());
    }

    /** A new array that begins with the UUID; {@link #bindDek} fills the rest. */
    byte[] newAad() {
        byte[] aad = new byte[AAD_BYTES];
        System.arraycopy(uuid, 0, aad, 0, uuid.length);
        return aad;
    }

    /** Fills in what a DEK is bound to. Allocates nothing. */
    public static void bindDek(byte[] aad, long rangeIndex, int generation, long slot) {
        int at = 16;
        at = putLittleEndian(aad, at, rangeIndex, Long.BYTES);
        at = putLittleEndian(aad, at, generation, Integer.BYTES);
        at = putLittleEndian(aad, at, RootBlock.SUITE_AES_256_XTS, Short.BYTES);
        putLittleEndian(aad, at, slot, Integer.BYTES);
    }

    /** Makes a DEK and wraps it into {@code wrapped}; the DEK itself is gone when this returns. */
    public void wrapNewDek(long rangeIndex, int generation, long slot, ByteBuffer wrapped) {
        byte[] aad = newAad();
        bindDek(aad, rangeIndex, generation, slot);
        try (Secret dek = Secret.random(engine.keys(), 64)) {
            wrapDek(rangeIndex, generation, aad, dek, wrapped);
        }
    }

    /** Wraps a DEK that there is already into {@code wrapped}; {@code aad} is bound by {@link #bindDek}. */
    void wrapDek(long rangeIndex, int generation, byte[] aad, Secret dek, ByteBuffer wrapped) {
        engine.wrap().wrapDek(dekWrap.key(), rangeIndex, generation, aad, dek.key(), wrapped, 0);
    }

    /** Unwraps what begins at {@code offset} into the handle {@code dek}; false if it was altered. Allocates nothing. */
    boolean unwrapDek(long rangeIndex, int generation, byte[] aad, ByteBuffer wrapped, int offset, int dek) {
        return engine.wrap().unwrapDek(dekWrap.key(), rangeIndex, generation, aad, wrapped, offset, dek);
    }

    @Override
    public void close() {
        dekWrap.close();
        rootMac.close();
        pageMac.close();
        tableRoot.close();
    }

    private static byte[] info(String label) {
        return (LABEL_PREFIX + label).getBytes(StandardCharsets.US_ASCII);
    }

    private static int putLittleEndian(byte[] target, int at, long value, int length) {
        for (int i = 0; i < length; i++) {
            target[at + i] = (byte) (value >>> (8 * i));
        }
        return at + length;
    }
}
