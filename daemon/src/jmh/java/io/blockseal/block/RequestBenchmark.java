package io.blockseal.block;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** What a request costs that does nothing: from the pool, down through three layers, up again, back into the pool. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RequestBenchmark {
    private final RequestPool pool = new RequestPool(64);
    private final Layer aligner = new Layer();
    private final Layer encryption = new Layer();
    private final Top top = new Top();
    private long offset;

    /** A layer that only passes on. */
    private static final class Layer implements Completion {
        @Override
        public void onComplete(BlockRequest request, long token) {
            request.complete(request.errno());
        }
    }

    /** Who made the request. */
    private final class Top implements Completion {
        private long completed;

        @Override
        public void onComplete(BlockRequest request, long token) {
            completed += token;
            pool.release(request);
        }
    }

    /** All of it. */
    @Benchmark
    public long downAndUp() {
        offset += 4096;
        BlockRequest request = pool.lease().set(Command.READ, 0, offset, 4096);
        request.push(top, offset);
        request.push(aligner, 0);
        request.push(encryption, 0);
        request.complete(Errno.OK);
        return top.completed;
    }

    /** The pool alone. */
    @Benchmark
    public BlockRequest leaseAndRelease() {
        BlockRequest request = pool.lease();
        pool.release(request);
        return request;
    }
}
