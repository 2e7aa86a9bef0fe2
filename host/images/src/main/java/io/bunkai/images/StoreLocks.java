// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Locks by name that hold among the threads of this process and among all processes that use the
 * same store. Among processes a name is one byte of the lock file, so that no file is left per
 * name; two names that share a byte wait for each other, which is harmless.
 *
 * <p>The kernel forgets a process's locks on a file when it closes any descriptor of it, so there
 * is one channel per file in the process, open as long as one name is locked.
 */
final class StoreLocks {
    private static final Map<Path, StoreLocks> ALL = new ConcurrentHashMap<>();

    /** How often another process's lock is tried: the kernel cannot wait with a deadline. */
    private static final long POLL_MILLIS = 20;

    private final Path file;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition released = lock.newCondition();
    private final Set<Long> held = new HashSet<>(); // guarded by lock
    private @Nullable FileChannel channel; // guarded by lock

    private StoreLocks(Path file) {
        this.file = file;
    }

    /** {@return the locks of this file, the same object for the same path} */
    static StoreLocks of(Path file) {
        return ALL.computeIfAbsent(file, StoreLocks::new);
    }

    /** A name that is locked until this is closed. */
    final class Held implements AutoCloseable {
        private final long position;
        private final FileLock fileLock;

        private Held(long position, FileLock fileLock) {
            this.position = position;
            this.fileLock = fileLock;
        }

        @Override
        public void close() throws IOException {
            lock.lock();
            try {
                fileLock.release();
            } finally {
                letGo(position);
                lock.unlock();
            }
        }
    }

    /**
     * Locks a name, waiting for others that have it.
     *
     * @throws Fault DEADLINE_EXCEEDED if it is not free in time, CANCELLED if interrupted
     */
    Held acquire(String name, Deadline deadline) throws IOException {
        lock.lock();
        try {
            while (true) {
                Optional<Held> mine = tryLocked(positionOf(name));
                if (mine.isPresent()) {
                    return mine.get();
                }
                deadline.check("waiting for another process that makes the same image");
                released.await(POLL_MILLIS, TimeUnit.MILLISECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.of(FaultCode.CANCELLED, "waiting for an image was interrupted").causedBy(e);
        } finally {
            lock.unlock();
        }
    }

    /** Locks a name if nobody has it. */
    Optional<Held> tryAcquire(String name) throws IOException {
        lock.lock();
        try {
            return tryLocked(positionOf(name));
        } finally {
            lock.unlock();
        }
    }

    private Optional<Held> tryLocked(long position) throws IOException {
        if (!held.add(position)) {
            return Optional.empty();
        }
        FileLock got = null;
        try {
            got = openChannel().tryLock(position, 1, false);
        } finally {
            if (got == null) {
                letGo(position);
            }
        }
        return Optional.ofNullable(got).map(fileLock -> new Held(position, fileLock));
    }

    private FileChannel openChannel() throws IOException {
        if (channel == null) {
            channel =
                    FileChannel.open(
                            file,
                            Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                            PosixFilePermissions.asFileAttribute(
                                    PosixFilePermissions.fromString("rw-------")));
        }
        return channel;
    }

    private void letGo(long position) throws IOException {
        held.remove(position);
        released.signalAll();
        if (held.isEmpty() && channel != null) {
            FileChannel unused = channel;
            channel = null;
            unused.close();
        }
    }

    private static long positionOf(String name) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < name.length(); i++) {
            hash = (hash ^ name.charAt(i)) * 0x100000001b3L;
        }
        return hash >>> 2; // beyond 62 bits a range of one byte could overflow
    }
}
