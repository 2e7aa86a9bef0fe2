// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Work that Ctrl-C and SIGTERM interrupt; the process waits until it has cleaned up. */
final class Interruptible {
    private static final long CLEANUP_SECONDS = 20;

    private Interruptible() {}

    /** Something that may be interrupted. */
    interface Work {
        void run() throws Exception;
    }

    static void run(Work work) throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        Thread builder = Thread.currentThread();
        AtomicBoolean ending = new AtomicBoolean();
        Thread hook =
                new Thread(
                        () -> {
                            ending.set(true);
                            builder.interrupt();
                            await(done);
                        },
                        "interrupt the build");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            work.run();
        } catch (IOException | RuntimeException e) {
            // Whatever fails while the process is ending fails because of that.
            throw ending.get() ? interrupted(e) : e;
        } finally {
            done.countDown();
            removeHook(hook);
        }
    }

    private static InterruptedException interrupted(Exception cause) {
        InterruptedException interruption = new InterruptedException("the build was interrupted");
        interruption.initCause(cause);
        return interruption;
    }

    private static void await(CountDownLatch done) {
        try {
            if (!done.await(CLEANUP_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("guest image: gave up waiting for the cleanup");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is ending already: the hook is what ended the build.
        }
    }
}
