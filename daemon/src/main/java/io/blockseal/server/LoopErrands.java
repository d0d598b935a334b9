package io.blockseal.server;

import io.blockseal.block.HotPath;

/**
 * What a connection asks its loop to call later: its next turn, after the others had theirs, and a flush for all that
 * completes in the same turn. Each is asked for once until it comes. On the connection's loop.
 */
@HotPath("asked by bursts of requests and of completions")
final class LoopErrands {
    private final NettyIoLoop loop;
    private final Runnable afterTurn;
    private final Runnable turn;
    private final Runnable flush;
    private boolean turnAsked;
    private boolean flushAsked;

    LoopErrands(NettyIoLoop loop, Runnable onTurn, Runnable onFlush) {
        this.loop = loop;
        this.turn = () -> {
            turnAsked = false;
            onTurn.run();
        };
        // Two steps: a task that asks for itself again would otherwise run before the sockets are looked at.
        this.afterTurn = () -> loop.execute(turn);
        this.flush = () -> {
            flushAsked = false;
            onFlush.run();
        };
    }

    void askForTurn() {
        if (!turnAsked) {
            turnAsked = true;
            loop.executeAfterTurn(afterTurn);
        }
    }

    void askForFlush() {
        if (!flushAsked) {
            flushAsked = true;
            loop.execute(flush);
        }
    }
}
