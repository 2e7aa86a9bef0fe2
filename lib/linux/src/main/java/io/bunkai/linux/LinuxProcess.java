// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import io.bunkai.base.Deadline;
import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A process held by a pidfd, so that a signal never reaches a later process with the same number.
 *
 * <p>Closing lets go of the process and does not end it. Waiting parks the caller, virtual threads
 * included: one platform thread per awaited process sits in the kernel for it, from the first wait
 * to the process's end.
 *
 * @spec https://man7.org/linux/man-pages/man2/pidfd_open.2.html pidfd_open(2)
 */
public final class LinuxProcess implements AutoCloseable {
    private static final long WATCHER_STACK_BYTES = 128 * 1024;

    private final ProcessIdentity identity;
    private final Fd pidfd;
    private final boolean isChild;
    private final Object lock = new Object();
    private @Nullable CompletableFuture<ExitStatus> exit; // guarded by lock

    private LinuxProcess(ProcessIdentity identity, Fd pidfd, boolean isChild) {
        this.identity = identity;
        this.pidfd = pidfd;
        this.isChild = isChild;
    }

    /**
     * A child of this process that nobody else reaps: its number cannot have been given to another
     * yet.
     */
    static LinuxProcess child(int pid) throws ErrnoException {
        Fd pidfd = openPidfd(pid);
        ProcessIdentity identity =
                ProcessIdentity.of(pid)
                        .orElseThrow(() -> new ErrnoException("find child", Errno.ESRCH));
        return new LinuxProcess(identity, pidfd, true);
    }

    /**
     * {@return a handle on a process that somebody else started}
     *
     * @throws ErrnoException ESRCH if it has ended, even if its number belongs to another process
     *     now
     */
    public static LinuxProcess adopt(ProcessIdentity identity) throws ErrnoException {
        Fd pidfd = openPidfd(identity.pid());
        // The check comes after the open: if the identity still holds, the pidfd is this process's.
        if (!identity.isAlive()) {
            pidfd.close();
            throw new ErrnoException("find process " + identity.pid(), Errno.ESRCH);
        }
        return new LinuxProcess(identity, pidfd, false);
    }

    private static Fd openPidfd(int pid) throws ErrnoException {
        // int pidfd_open(pid_t pid, unsigned int flags);
        long fd = Native.syscall(SystemCall.PIDFD_OPEN, pid, 0, 0);
        return new Fd((int) ErrnoException.check("pidfd_open " + pid, fd));
    }

    /** {@return the kernel's number for it} */
    public int pid() {
        return identity.pid();
    }

    /** {@return what tells it from every other process of this boot} */
    public ProcessIdentity identity() {
        return identity;
    }

    /**
     * Sends a signal.
     *
     * @return whether there was a process to send it to
     * @throws ErrnoException EPERM if this process may not, EINVAL if there is no such signal
     */
    public boolean signal(int signal) throws ErrnoException {
        // int pidfd_send_signal(int pidfd, int sig, siginfo_t *info, unsigned int flags);
        long result = Native.syscall(SystemCall.PIDFD_SEND_SIGNAL, pidfd.number(), signal, 0, 0);
        if (result == -Errno.ESRCH) {
            return false;
        }
        ErrnoException.check("signal process " + pid(), result);
        return true;
    }

    /**
     * {@return how it ended, once it has} A child is reaped by this; of a process that is not a
     * child only the end can be seen.
     *
     * @throws InterruptedException if the waiting thread was interrupted
     */
    public ExitStatus await() throws InterruptedException {
        return await(Deadline.never()).orElse(ExitStatus.UNKNOWN);
    }

    /**
     * {@return how it ended; empty if it still runs when the deadline passes}
     *
     * @throws InterruptedException if the waiting thread was interrupted
     */
    public Optional<ExitStatus> await(Deadline deadline) throws InterruptedException {
        try {
            return Optional.of(onExit().get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException("waiting for process " + pid() + " failed", e);
        }
    }

    /** {@return completed with how the process ended, once it has} */
    public CompletableFuture<ExitStatus> onExit() {
        synchronized (lock) {
            if (exit == null) {
                exit = watched();
            }
            return exit.copy();
        }
    }

    private CompletableFuture<ExitStatus> watched() {
        CompletableFuture<ExitStatus> promise = new CompletableFuture<>();
        try {
            // The watcher's own descriptor is made before it runs: whoever asked may let go of the
            // other one at once, and a child has to be reaped all the same.
            Fd own = pidfd.duplicate();
            new Thread(
                            null,
                            () -> watch(own, promise),
                            "wait " + identity.pid(),
                            WATCHER_STACK_BYTES)
                    .start();
        } catch (ErrnoException e) {
            promise.completeExceptionally(e);
        }
        return promise;
    }

    private void watch(Fd own, CompletableFuture<ExitStatus> promise) {
        try (own;
                Arena arena = Arena.ofConfined()) {
            if (isChild) {
                promise.complete(Children.await(Children.P_PIDFD, own.number(), arena).status());
            } else {
                Poll.readable(own, -1);
                promise.complete(ExitStatus.UNKNOWN);
            }
        } catch (ErrnoException | RuntimeException e) {
            promise.completeExceptionally(e);
        }
    }

    /** Lets go of the process, which runs on. */
    @Override
    public void close() {
        pidfd.close();
    }

    @Override
    public String toString() {
        return "process " + identity.pid();
    }
}
