package io.blockseal.fault;

import io.blockseal.store.StoreException;

/**
 * Stands between whoever uses a {@link FaultStore} and the store: may let an operation pass, fail it, swallow it, alter
 * it, keep it for later or repeat it. So a disk that fails or lies is told to the store, and a program that forgets a
 * flush can be played without a switch in the program.
 */
public interface Disturbance {
    /** Carries operations out. */
    interface Disk {
        void perform(Operation operation) throws StoreException;
    }

    /** Everything passes. */
    Disturbance NONE = (operation, disk) -> disk.perform(operation);

    /** Deals with one operation; returning means that the caller is told of success. */
    void meet(Operation operation, Disk disk) throws StoreException;
}
