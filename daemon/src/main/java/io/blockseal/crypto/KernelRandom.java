package io.blockseal.crypto;

import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;

/**
 * The kernel's generator.
 *
 * <p>It must not be a generator of our own, seeded once: its state would be copied when a virtual machine is cloned, and
 * two volumes would then share their keys. The JDK's NativePRNG takes every byte from /dev/urandom and XORs a stream of
 * its own over it, which can only add.
 */
public final class KernelRandom implements RandomSource {
    private final SecureRandom device;

    /** A view of the kernel's generator; there may be many. */
    public KernelRandom() {
        try {
            device = SecureRandom.getInstance("NativePRNGNonBlocking");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JDK cannot read /dev/urandom, without which no key can be made", e);
        }
    }

    @Override
    public void fill(byte[] target) {
        device.nextBytes(target);
    }
}
