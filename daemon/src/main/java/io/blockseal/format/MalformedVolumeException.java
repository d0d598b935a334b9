package io.blockseal.format;

import org.jspecify.annotations.Nullable;

/** Bytes on a volume are wrong: says which block, which field, what was found and what was expected. */
public final class MalformedVolumeException extends Exception {
    private final String block;
    private final String field;

    /** {@code block} as an operator finds it ("root A", "table page 12 copy B"), {@code field} as docs/format.md names it. */
    public MalformedVolumeException(String block, String field, String message) {
        this(block, field, block + ": " + field + ": " + message, null);
    }

    private MalformedVolumeException(String block, String field, String whole, @Nullable Throwable cause) {
        super(whole, cause);
        this.block = block;
        this.field = field;
    }

    /** The same bytes are wrong, and {@code more} is said after it; this is its cause. */
    public MalformedVolumeException with(String more) {
        return new MalformedVolumeException(block, field, getMessage() + more, this);
    }

    /** Which block: "root A", "key slot area B", "table page 12". */
    public String block() {
        return block;
    }

    /** Which field of it, by its name in docs/format.md. */
    public String field() {
        return field;
    }
}
