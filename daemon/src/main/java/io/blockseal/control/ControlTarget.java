package io.blockseal.control;

import io.blockseal.job.JobOutcome;
import io.blockseal.job.Jobs;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** What the control socket governs. Called on its loop: nothing here may block. */
public interface ControlTarget {
    /** All volumes. */
    JobOutcome volumes();

    /**
     * Does something to a volume, elsewhere, and answers when it is done or refused; long work answers with its job.
     *
     * @param volume an export's name or a volume's UUID
     * @param acts whether it was an order, which is written down for auditors, and not a look
     * @param arguments closed by the target, whatever happens
     */
    CompletableFuture<ControlAnswer> call(String volume, String verb, Arguments arguments, Caller caller, boolean acts);

    /** Loads the configuration again, elsewhere, and answers when that is done. */
    CompletableFuture<ControlAnswer> reload(Caller caller);

    /** The jobs. */
    Jobs jobs();

    /** Where orders to jobs are done: they may write to a disk, and wait for no verb. */
    Executor orders();

    /** What a failure says, with its HTTP status. */
    ControlAnswer failure(Throwable failure);

    /** A caller was let in, or turned away, or gave an order. */
    void audit(Caller caller, boolean admitted, String what);
}
