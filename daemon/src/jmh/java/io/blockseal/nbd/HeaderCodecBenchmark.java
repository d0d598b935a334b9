package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The headers of a request and its reply, which every request has whatever it is about. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class HeaderCodecBenchmark {
    private static final int SLOT_BYTES = 32;
    private static final int SLOTS = 64;

    private final NbdRequestHeader header = new NbdRequestHeader();
    private final ByteBuf compact = Unpooled.directBuffer(SLOTS * SLOT_BYTES);
    private final ByteBuf extended = Unpooled.directBuffer(SLOTS * SLOT_BYTES);
    private final ByteBuf out = Unpooled.directBuffer(64);
    private int slot;
    private long cookie;

    /** Requests of different kinds and places, as one gulp from a socket holds them. */
    @Setup
    public void fill() {
        for (int i = 0; i < SLOTS; i++) {
            int at = i * SLOT_BYTES;
            int type = i % 3 == 0 ? NbdCommand.WRITE.code() : NbdCommand.READ.code();
            NbdRequestHeader.encode(NbdReplyStyle.STRUCTURED, compact, at, 0, type, i, i * 8192L, 4096);
            NbdRequestHeader.encode(NbdReplyStyle.EXTENDED, extended, at, 0, type, i, i * 8192L, 4096);
        }
    }

    /** Frees the buffers. */
    @TearDown
    public void close() {
        compact.release();
        extended.release();
        out.release();
    }

    /** 28 bytes, as the kernel and all clients without extended headers send them. */
    @Benchmark
    public long decodeCompact() {
        return decode(NbdReplyStyle.STRUCTURED, compact);
    }

    /** 32 bytes. */
    @Benchmark
    public long decodeExtended() {
        return decode(NbdReplyStyle.EXTENDED, extended);
    }

    /** The reply to a WRITE, as the kernel's client gets it. */
    @Benchmark
    public int encodeSimple() {
        return NbdReplyWriter.simpleReply(out, 0, 0, ++cookie);
    }

    /** What precedes the data of a READ in structured replies. */
    @Benchmark
    public int encodeStructuredData() {
        return offsetData(NbdReplyStyle.STRUCTURED);
    }

    /** The same with extended headers. */
    @Benchmark
    public int encodeExtendedData() {
        return offsetData(NbdReplyStyle.EXTENDED);
    }

    private long decode(NbdReplyStyle style, ByteBuf in) {
        slot = (slot + 1) & (SLOTS - 1);
        if (!header.decode(style, in, slot * SLOT_BYTES)) {
            throw new IllegalStateException("no request in slot " + slot);
        }
        return header.offset() + header.length() + header.type() + header.cookie();
    }

    private int offsetData(NbdReplyStyle style) {
        long offset = ++cookie << 12;
        return NbdReplyWriter.offsetData(style, out, 0, NbdReplyFlags.DONE, cookie, offset, offset, 4096);
    }
}
