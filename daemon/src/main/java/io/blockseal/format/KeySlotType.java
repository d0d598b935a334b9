package io.blockseal.format;

/** Which kind of key source made a key slot: the number on disk and the word for people. */
public enum KeySlotType {
    /** A key file. */
    FILE(1, "file"),
    /** A passphrase. */
    PASSPHRASE(2, "passphrase"),
    /** The recovery key. */
    RECOVERY(3, "recovery"),
    /** Azure Key Vault or Managed HSM. */
    AZURE(4, "azure"),
    /** HashiCorp Vault or OpenBao transit. */
    TRANSIT(5, "transit"),
    /** An HSM by PKCS#11. */
    PKCS11(6, "pkcs11"),
    /** AWS KMS. */
    AWS(7, "aws"),
    /** Google Cloud KMS. */
    GCP(8, "gcp"),
    /** A program of the operator's. */
    EXEC(9, "exec"),
    /** A KMIP server. */
    KMIP(10, "kmip"),
    /** A Tang server. */
    TANG(11, "tang"),
    /** Several sources, all of which it takes. */
    ALL_OF(12, "all-of"),
    /** Anything else; the slot's reference says what. */
    OTHER(0xffff, "other");

    private final int code;
    private final String kind;

    KeySlotType(int code, String kind) {
        this.code = code;
        this.kind = kind;
    }

    /** The number on disk. */
    public int code() {
        return code;
    }

    /** What a key source calls itself. */
    public String kind() {
        return kind;
    }

    /** By the word; {@link #OTHER} for one that is not listed. */
    public static KeySlotType ofKind(String kind) {
        for (KeySlotType type : values()) {
            if (type.kind.equals(kind)) {
                return type;
            }
        }
        return OTHER;
    }

    /** By the number; {@link #OTHER} for one that is not listed. */
    public static KeySlotType ofCode(int code) {
        for (KeySlotType type : values()) {
            if (type.code == code) {
                return type;
            }
        }
        return OTHER;
    }
}
