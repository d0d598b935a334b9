package io.blockseal.keysource.pkcs11;

import io.blockseal.shim.OffHeap;
import java.util.ArrayList;
import java.util.List;

/** Attributes that an object has to have to be found, as a {@code CK_ATTRIBUTE} array. On one thread. */
final class Template {
    static final long CLASS = 0;
    static final long LABEL = 3;
    static final long KEY_TYPE = 0x100;
    static final long ID = 0x102;
    static final long SENSITIVE = 0x103;
    static final long ENCRYPT = 0x104;
    static final long DECRYPT = 0x105;
    static final long VALUE_LEN = 0x161;
    static final long EXTRACTABLE = 0x162;

    static final long OBJECT_SECRET_KEY = 4;
    static final long KEY_AES = 0x1f;

    /** Type, address of the value, its length. */
    static final int ATTRIBUTE_BYTES = 3 * Long.BYTES;

    private final List<Long> types = new ArrayList<>();
    private final List<OffHeap> values = new ArrayList<>();

    Template number(long type, long value) {
        return value(type, OffHeap.allocate(Long.BYTES).putLong(0, value));
    }

    Template bytes(long type, byte[] value) {
        return value(type, OffHeap.allocate(value.length).put(0, value));
    }

    private Template value(long type, OffHeap value) {
        types.add(type);
        values.add(value);
        return this;
    }

    int count() {
        return types.size();
    }

    /** The array; it is good for as long as this template is alive. */
    OffHeap memory() {
        OffHeap array = OffHeap.allocate(count() * ATTRIBUTE_BYTES);
        for (int i = 0; i < count(); i++) {
            OffHeap value = values.get(i);
            array.putLong(i * ATTRIBUTE_BYTES, types.get(i))
                    .putLong(i * ATTRIBUTE_BYTES + Long.BYTES, value.address())
                    .putLong(i * ATTRIBUTE_BYTES + 2 * Long.BYTES, value.length());
        }
        return array;
    }
}
