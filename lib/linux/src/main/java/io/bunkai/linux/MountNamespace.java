// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Work in another mount namespace than the caller's. What it mounts nobody else sees but the
 * processes that it starts, and it vanishes with the last of them. What is mounted outside later,
 * beneath a mount that is shared there, appears inside, too.
 *
 * @spec https://man7.org/linux/man-pages/man7/mount_namespaces.7.html mount_namespaces(7)
 */
public final class MountNamespace {
    private static final int CLONE_FS = 0x00000200;
    private static final int CLONE_NEWNS = 0x00020000;

    private MountNamespace() {}

    /** What is done in a namespace. */
    @FunctionalInterface
    public interface Work<T> {
        T run() throws ErrnoException;
    }

    /**
     * {@return what {@code work} returns, which runs in a thread of its own, in a new namespace: a
     * namespace is a thread's, not a process's}
     *
     * @throws ErrnoException EPERM without CAP_SYS_ADMIN, and what the work throws
     */
    public static <T> T call(Work<T> work) throws ErrnoException {
        return callIn(MountNamespace::enterNew, work);
    }

    /**
     * {@return what {@code work} returns, which runs in a thread of its own, in the namespace of
     * another process}
     *
     * @throws ErrnoException EPERM without CAP_SYS_ADMIN, ESRCH if the process has ended, and what
     *     the work throws
     */
    public static <T> T callIn(LinuxProcess process, Work<T> work) throws ErrnoException {
        return callIn(() -> enter(process), work);
    }

    private static <T> T callIn(Entrance entrance, Work<T> work) throws ErrnoException {
        CompletableFuture<T> done = new CompletableFuture<>();
        Thread.ofPlatform()
                .name("mounts")
                .daemon()
                .start(() -> {
                    try {
                        entrance.enter();
                        done.complete(work.run());
                    } catch (ErrnoException | RuntimeException | Error e) {
                        done.completeExceptionally(e);
                    }
                });
        try {
            return done.join();
        } catch (CompletionException e) {
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

    @FunctionalInterface
    private interface Entrance {
        void enter() throws ErrnoException;
    }

    private static void enterNew() throws ErrnoException {
        // int unshare(int flags);
        ErrnoException.check(
                "unshare the mount namespace", Native.syscall(SystemCall.UNSHARE, CLONE_NEWNS));
        Mounts.mount("none", Path.of("/"), "none", Mounts.MS_SLAVE | Mounts.MS_REC, "");
    }

    private static void enter(LinuxProcess process) throws ErrnoException {
        // int unshare(int flags); a root and a folder to work in of one's own, or setns refuses
        ErrnoException.check("unshare the root", Native.syscall(SystemCall.UNSHARE, CLONE_FS));
        Path file = Path.of("/proc", Integer.toString(process.pid()), "ns/mnt");
        try (Fd namespace = Fd.open(file, Fd.O_RDONLY)) {
            if (!process.identity().isAlive()) {
                throw new ErrnoException("find process " + process.pid(), Errno.ESRCH);
            }
            // int setns(int fd, int nstype);
            ErrnoException.check(
                    "enter the mount namespace of " + process.pid(),
                    Native.syscall(SystemCall.SETNS, namespace.number(), CLONE_NEWNS, 0));
        }
    }
}
