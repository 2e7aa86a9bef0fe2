// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import io.bunkai.base.Deadline;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Waits for what nobody announces: states of other processes and of the kernel. Where something can
 * be waited for (an exit, an event, the end of a stream), wait for that instead.
 */
public final class Await {
    private static final Duration PAUSE = Duration.ofMillis(10);

    private Await() {}

    /**
     * Asks again and again until {@code condition} holds.
     *
     * @param what what is awaited, as a noun phrase: "the end of QEMU"
     * @throws AssertionError if it does not hold in time
     */
    public static void until(String what, Deadline deadline, BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            if (deadline.hasPassed()) {
                throw new AssertionError("waited in vain for " + what);
            }
            LockSupport.parkNanos(PAUSE.toNanos());
            if (Thread.currentThread().isInterrupted()) {
                throw new AssertionError("interrupted while waiting for " + what);
            }
        }
    }
}
