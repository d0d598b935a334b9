package io.blockseal.server;

import io.blockseal.block.HotPath;
import java.util.ArrayDeque;

/** One loop's idle operations. Grows when it must and never shrinks. */
@HotPath("every command of every client takes one")
final class OperationPool {
    private final ArrayDeque<Operation> idle;
    private int leased;

    OperationPool(int initialCount) {
        idle = new ArrayDeque<>(initialCount + 1);
        for (int i = 0; i < initialCount; i++) {
            idle.push(new Operation());
        }
    }

    Operation lease() {
        leased++;
        Operation operation = idle.poll();
        return operation != null ? operation : grow();
    }

    void release(Operation operation) {
        leased--;
        idle.push(operation);
    }

    int leasedCount() {
        return leased;
    }

    private static Operation grow() {
        return new Operation();
    }
}
