package io.blockseal.app.served;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Lets orders to a served volume through side by side, until somebody wants the volume for itself to end its service. From
 * any thread but a loop's; who closes the gate opens it, or ends it, on the same thread.
 */
public final class OrderGate {
    /** Whether orders are let through. */
    public enum State {
        /** All are. */
        OPEN,
        /** None is: the volume is being erased, or taken out of service. */
        CLOSED,
        /** None is but to erase it once more: that failed half way. */
        HALF_ERASED,
        /** None is, for ever. */
        ERASED,
        /** None is: the daemon does not serve it any more. */
        REMOVED
    }

    /** What is let through. */
    public interface Order<T> {
        /** Does it. */
        T give() throws Exception;
    }

    private final String name;
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private volatile State state = State.OPEN;
    private volatile String closing = "";

    /** Open, for the volume of that name. */
    OrderGate(String name) {
        this.name = name;
    }

    public State state() {
        return state;
    }

    /** Gives an order, unless the volume's service ends. */
    public <T> T pass(Order<T> order) throws Exception {
        if (!lock.readLock().tryLock()) {
            throw refusal(State.CLOSED);
        }
        try {
            if (state != State.OPEN) {
                throw refusal(state);
            }
            return order.give();
        } finally {
            lock.readLock().unlock();
        }
    }

    private CommandException refusal(State why) {
        return switch (why) {
            case OPEN, CLOSED -> new CommandException(ExitCode.IN_USE, name + ": " + closing + ".");
            case HALF_ERASED ->
                new CommandException(
                        ExitCode.IN_USE,
                        name + ": was to be erased, which failed half way; it is out of service.\n"
                                + "  Erase it again: blockseal erase.");
            case ERASED -> new CommandException(ExitCode.IN_USE, name + ": is erased.");
            case REMOVED -> new CommandException(ExitCode.IN_USE, name + ": is not served any more.");
        };
    }

    /** Refuses to erase what is being erased, or is erased. */
    void requireErasable() throws CommandException {
        if (state == State.CLOSED || state == State.ERASED || state == State.REMOVED) {
            throw refusal(state);
        }
    }

    /**
     * Lets no order through from now on; those that were have not ended yet. What it was before.
     *
     * @param doing what callers hear after the name: "is being erased"
     */
    synchronized State close(String doing) throws CommandException {
        requireErasable();
        State before = state;
        closing = doing;
        state = State.CLOSED;
        return before;
    }

    /** Waits for all orders that were let through. */
    boolean becomesEmpty(Duration patience) throws InterruptedException {
        return lock.writeLock().tryLock(patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** What becomes of the volume after {@link #close}. */
    synchronized void become(State next) {
        state = next;
        if (lock.isWriteLockedByCurrentThread()) {
            lock.writeLock().unlock();
        }
        notifyAll();
    }

    /** Waits until nobody is between {@link #close} and {@link #become}. */
    synchronized void awaitDecision() {
        boolean interrupted = false;
        while (state == State.CLOSED) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
