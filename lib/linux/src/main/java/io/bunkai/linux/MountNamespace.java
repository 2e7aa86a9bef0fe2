// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Work in a mount namespace of its own. What it mounts nobody else sees but the processes that it
 * starts, and it vanishes with the last of them. What is mounted outside later, beneath a mount
 * that is shared there, appears inside, too.
 *
 * @spec https://man7.org/linux/man-pages/man7/mount_namespaces.7.html mount_namespaces(7)
 */
public final class MountNamespace {
    private static final int CLONE_NEWNS = 0x00020000;

    private MountNamespace() {}

    /** What is done in a namespace. */
    @FunctionalInterface
    public interface Work<T> {
        T run() throws ErrnoException;
    }

    /**
     * {@return what {@code work} returns, which runs in a thread of its own: a namespace is a
     * thread's, not a process's}
     *
     * @throws ErrnoException EPERM without CAP_SYS_ADMIN, and what the work throws
     * @throws InterruptedException if the calling thread is interrupted; the work goes on
     */
    public static <T> T call(Work<T> work) throws ErrnoException, InterruptedException {
        CompletableFuture<T> done = new CompletableFuture<>();
        Thread.ofPlatform()
                .name("mounts")
                .daemon()
                .start(() -> {
                    try {
                        enterNew();
                        done.complete(work.run());
                    } catch (ErrnoException | RuntimeException | Error e) {
                        done.completeExceptionally(e);
                    }
                });
        try {
            return done.get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof ErrnoException failure) {
                throw failure;
            }
            if (cause instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException(e);
        }
    }

    private static void enterNew() throws ErrnoException {
        // int unshare(int flags);
        ErrnoException.check(
                "unshare the mount namespace", Native.syscall(SystemCall.UNSHARE, CLONE_NEWNS));
        Mounts.mount("none", Path.of("/"), "none", Mounts.MS_SLAVE | Mounts.MS_REC, "");
    }
}
