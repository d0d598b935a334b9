package io.blockseal.export;

import io.blockseal.block.ExtentMap;

/**
 * A metadata context that an export has beside {@code base:allocation}.
 *
 * @param name with its namespace, such as {@code blockseal:dek-generation}
 * @param map what BLOCK_STATUS answers
 */
public record ExportContext(String name, ExtentMap map) {
    /** Refuses a name without a namespace. */
    public ExportContext {
        if (name.indexOf(':') <= 0) {
            throw new IllegalArgumentException("a metadata context is NAMESPACE:LEAF, not " + name);
        }
    }

    /** The part up to the colon and with it, as a query for all of a namespace has it. */
    public String namespace() {
        return name.substring(0, name.indexOf(':') + 1);
    }
}
