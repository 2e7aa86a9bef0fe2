// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Work that Ctrl-C and SIGTERM end in good order. */
final class Interruptible {
    private static final long CLEANUP_SECONDS = 30;

    private Interruptible() {}

    /**
     * Does the work. When the process is told to end, this thread is interrupted, and the process
     * waits until the work has cleaned up after itself.
     *
     * @throws InterruptedException if that happened
     */
    static <T> T run(Callable<T> work) throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        Thread worker = Thread.currentThread();
        AtomicBoolean ending = new AtomicBoolean();
        Thread hook =
                new Thread(
                        () -> {
                            ending.set(true);
                            worker.interrupt();
                            await(done);
                        },
                        "interrupt the build");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            return work.call();
        } catch (Exception e) {
            // Whatever fails while the process is ending fails because of that.
            if (ending.get() && !(e instanceof InterruptedException)) {
                InterruptedException interrupted = new InterruptedException("interrupted");
                interrupted.initCause(e);
                throw interrupted;
            }
            throw e;
        } finally {
            done.countDown();
            removeHook(hook);
        }
    }

    private static void await(CountDownLatch done) {
        try {
            if (!done.await(CLEANUP_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("guest kernel: gave up waiting for the cleanup");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is ending already: the hook is what ended the work.
        }
    }
}
