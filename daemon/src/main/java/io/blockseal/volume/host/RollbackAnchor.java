package io.blockseal.volume.host;

import io.blockseal.format.RootBlock;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * A state of a volume's metadata: the number of its last commit and the sum of its table. Two states with one number
 * and different sums are two different histories.
 *
 * @param commitSeq number of the commit, from 1
 * @param tableRoot 32 bytes, as the root block holds them
 */
public record RollbackAnchor(long commitSeq, byte[] tableRoot) {
    private static final String FIRST_LINE = "blockseal anchor 1";
    private static final String SEQ = "commit-seq=";
    private static final String TABLE_ROOT = "table-root=";
    private static final int TABLE_ROOT_BYTES = 32;

    /** The state that a root describes. */
    static RollbackAnchor of(RootBlock root) {
        return new RollbackAnchor(root.commitSeq(), root.tableRoot());
    }

    /** Whether {@code other} may follow this one in the life of a volume, or is this one. */
    boolean mayBecome(RollbackAnchor other) {
        return other.commitSeq > commitSeq
                || (other.commitSeq == commitSeq && Arrays.equals(other.tableRoot, tableRoot));
    }

    /** As {@link #parse} reads it. */
    String text() {
        return FIRST_LINE + "\n" + SEQ + commitSeq + "\n" + TABLE_ROOT
                + HexFormat.of().formatHex(tableRoot);
    }

    /** @throws IllegalArgumentException if that is no anchor */
    static RollbackAnchor parse(String text) {
        String[] lines = text.split("\n", -1);
        if (lines.length != 3 || !lines[0].equals(FIRST_LINE) || !lines[1].startsWith(SEQ)) {
            throw new IllegalArgumentException("its lines are not those of an anchor");
        }
        long seq = Long.parseLong(lines[1].substring(SEQ.length()));
        if (seq < 1 || !lines[2].startsWith(TABLE_ROOT)) {
            throw new IllegalArgumentException("its lines are not those of an anchor");
        }
        byte[] tableRoot = HexFormat.of().parseHex(lines[2].substring(TABLE_ROOT.length()));
        if (tableRoot.length != TABLE_ROOT_BYTES) {
            throw new IllegalArgumentException("its table root has " + tableRoot.length + " bytes");
        }
        return new RollbackAnchor(seq, tableRoot);
    }
}
