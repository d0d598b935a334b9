package io.blockseal.it;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where the Java heap of a process lies, as its virtual machine says: all that is reserved for it. */
record JavaHeap(long from, long to) {
    private static final Pattern GENERATION =
            Pattern.compile("total .*\\[0x([0-9a-f]+), 0x[0-9a-f]+, 0x([0-9a-f]+)\\)");

    static JavaHeap of(long pid) {
        String info = Tool.run("jcmd", pid, "GC.heap_info").ok().out();
        Matcher generation = GENERATION.matcher(info);
        long from = Long.MAX_VALUE;
        long to = 0;
        while (generation.find()) {
            from = Math.min(from, Long.parseUnsignedLong(generation.group(1), 16));
            to = Math.max(to, Long.parseUnsignedLong(generation.group(2), 16));
        }
        if (to == 0) {
            throw new AssertionError("no addresses in " + info);
        }
        return new JavaHeap(from, to);
    }

    boolean holds(long address) {
        return address >= from && address < to;
    }
}
