// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.fuse.FileSystemStatistics;
import io.bunkai.linux.Directories;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileCalls;
import io.bunkai.linux.NameCalls;
import io.bunkai.linux.StatusView;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Counts what a shared directory takes, and keeps it below a limit. A file takes what the kernel
 * says that is allocated for it, as {@code du} counts; the same file under several names counts
 * once, and a file without a name until its last descriptor is closed. Files of other file systems,
 * mounted below, do not count.
 *
 * <p>Whoever is about to change something claims before what it may take at worst, and settles
 * afterwards what it has taken. A claim that does not fit waits until nothing else is under way. A
 * range of a file is then looked at, hole by hole, and gets all that is left, alone. Who has a
 * claim never asks for another, so that all claims end.
 *
 * <p>Where a file system keeps a map of a file's pieces in blocks of their own, as ext4 does, and
 * makes one only when it writes to the disk, or for the last piece that fitted, that block is
 * counted when it is seen, and may be more than the limit.
 */
final class Quota {
    private static final System.Logger LOG = System.getLogger(Quota.class.getName());

    /** An offset that stands for the end of the file, wherever that is. */
    static final long APPEND = -1;

    /** A directory that gets a name may be split, with its index. */
    private static final int DIRECTORY_UNITS = 3;

    /** What a file may need at once to find its pieces. */
    private static final int MAP_UNITS = 2;

    private static final int BLOCK_BYTES = 512;
    private static final int TYPE = 0170000;
    private static final int DIRECTORY = 0040000;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;

    private final SpaceLimit limit;
    private final long device;
    private final long unit; // what the file system allocates at a time

    /** Held while names change, so that what they stand for is known; taken before the other. */
    private final ReentrantLock names = new ReentrantLock();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final StatusView status = new StatusView(); // guarded by lock, as all below
    private final Charges charges = new Charges();
    private final Set<Long> nameless = new HashSet<>();
    private long usedBytes;
    private long claimedBytes;
    private long claimedInodes;
    private int underWay;
    private int wantToBeAlone;
    private boolean alone;

    /**
     * The right to change something.
     *
     * @param bytes what it may take at most
     * @param length how many bytes of a range may be written
     * @param alone whether nothing else changes meanwhile
     */
    record Claim(long bytes, long inodes, long length, boolean alone) {}

    private Quota(SpaceLimit limit, StatusView root) {
        this.limit = limit;
        this.device = root.device();
        this.unit = Math.max(BLOCK_BYTES, root.blockBytes());
    }

    // --- counting what is there ---------------------------------------------------------------

    /** A directory that is being counted, and what in it is still to be. */
    private record Level(Fd directory, Deque<byte[]> left) {}

    /**
     * Counts a shared directory.
     *
     * @throws ErrnoException if it cannot be read
     * @throws Fault if a file cannot be told from another one by its number, or as {@link
     *     CountableFileSystem#require(long)}
     */
    static Quota count(Share share, SpaceLimit limit) throws ErrnoException {
        StatusView status = new StatusView();
        ErrnoException.check("statx", FileCalls.tryStatus(share.root(), status));
        CountableFileSystem.require(status.mount());
        Quota quota = new Quota(limit, status);
        quota.account(status);
        quota.countBelow(share, status.mount());
        LOG.log(
                System.Logger.Level.INFO,
                "counted bytes={0} inodes={1}",
                Long.toString(quota.usedBytes),
                Integer.toString(quota.charges.count()));
        if (quota.usedBytes > limit.bytes() || quota.charges.count() > limit.inodes()) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the directory takes more than it may: nothing can be added until files are"
                            + " removed");
        }
        return quota;
    }

    private void countBelow(Share share, long mount) throws ErrnoException {
        Worker worker = Worker.current();
        Deque<Level> levels = new ArrayDeque<>();
        try {
            share.root().putDigits(worker.memory, Worker.DIGITS);
            int root =
                    NameCalls.tryReopen(
                            share.links(),
                            worker.memory,
                            Worker.DIGITS,
                            Fd.O_RDONLY | Fd.O_DIRECTORY);
            levels.push(level(Fd.adopt((int) ErrnoException.check("open the directory", root))));
            while (!levels.isEmpty()) {
                Level level = levels.element();
                byte[] name = level.left.poll();
                if (name == null) {
                    levels.pop().directory.close();
                } else if (countOne(level.directory, name, mount, worker)) {
                    int below =
                            NameCalls.tryOpen(
                                    level.directory,
                                    worker.memory,
                                    Worker.NAME,
                                    Fd.O_RDONLY | Fd.O_DIRECTORY,
                                    0);
                    if (below != -Errno.ENOENT) { // it was removed meanwhile
                        ErrnoException.check("open a directory", below);
                        levels.push(level(Fd.adopt(below)));
                    }
                }
            }
        } finally {
            levels.forEach(level -> level.directory.close());
        }
    }

    private static Level level(Fd directory) throws ErrnoException {
        try (Closer undo = new Closer()) {
            undo.own(directory);
            Deque<byte[]> left = new ArrayDeque<>();
            Directories.list(directory, (name, _) -> left.add(name));
            undo.release();
            return new Level(directory, left);
        }
    }

    /** {@return whether it is a directory to go on with} */
    private boolean countOne(Fd directory, byte[] name, long mount, Worker worker)
            throws ErrnoException {
        MemorySegment.copy(name, 0, worker.memory, ValueLayout.JAVA_BYTE, Worker.NAME, name.length);
        worker.memory.set(ValueLayout.JAVA_BYTE, Worker.NAME + name.length, (byte) 0);
        int result = NameCalls.tryStatus(directory, worker.memory, Worker.NAME, worker.status);
        if (result == -Errno.ENOENT) {
            return false; // it was removed meanwhile
        }
        ErrnoException.check("statx", result);
        if (worker.status.device() != device) {
            if (worker.status.mount() == mount) {
                throw Fault.unimplemented(
                        "the shared directory cannot be counted: its file system gives files of"
                                + " several devices, whose numbers may be the same");
            }
            return false;
        }
        account(worker.status);
        return isDirectory(worker.status);
    }

    private static boolean isDirectory(StatusView status) {
        return (status.mode() & TYPE) == DIRECTORY;
    }

    /** Counts a file anew. Under the lock, or before anybody else knows this. */
    private void account(StatusView now) {
        if (now.device() != device) {
            return;
        }
        long number = now.inode();
        usedBytes += (now.blocks() - Math.max(0, charges.get(number))) * BLOCK_BYTES;
        charges.put(number, now.blocks());
        if (now.links() == 0) {
            nameless.add(number);
        } else {
            nameless.remove(number);
        }
    }

    // --- claims -------------------------------------------------------------------------------

    private boolean fits(long bytes, long inodes) {
        return (bytes == 0 || bytes <= limit.bytes() - usedBytes - claimedBytes)
                && (inodes == 0 || inodes <= limit.inodes() - charges.count() - claimedInodes);
    }

    private Claim take(long bytes, long inodes, long length, boolean asTheOnlyOne) {
        claimedBytes += bytes;
        claimedInodes += inodes;
        underWay++;
        alone = asTheOnlyOne;
        return new Claim(bytes, inodes, length, asTheOnlyOne);
    }

    private void awaitTurn() {
        while (alone || wantToBeAlone > 0) {
            changed.awaitUninterruptibly();
        }
    }

    private void awaitAlone() {
        wantToBeAlone++;
        while (alone || underWay > 0) {
            changed.awaitUninterruptibly();
        }
        wantToBeAlone--;
        changed.signalAll();
    }

    /** {@return a claim for something that takes nothing, but may give something back} */
    Claim claimNothing() {
        lock.lock();
        try {
            awaitTurn();
            return take(0, 0, 0, false);
        } finally {
            lock.unlock();
        }
    }

    /** {@return a claim, or null if there is not so much left} */
    @Nullable Claim claim(long bytes, long inodes) {
        lock.lock();
        try {
            awaitTurn();
            if (!fits(bytes, inodes)) {
                awaitAlone();
            }
            return fits(bytes, inodes) ? take(bytes, inodes, 0, false) : null;
        } finally {
            lock.unlock();
        }
    }

    /** {@return a claim for an attribute, which may need a unit of its own and one to find it} */
    @Nullable Claim claimAttribute(long length) {
        return claim((Math.ceilDiv(length, unit) + 1) * unit, 0);
    }

    /**
     * Claims what a range of a file may take.
     *
     * @param offset where it begins, or {@link #APPEND}
     * @param shortened whether a first part of it is of use
     * @return a claim for the range or a first part of it; null if not even for that is room
     */
    @Nullable Claim claimRange(Fd file, long offset, long length, boolean shortened) {
        lock.lock();
        try {
            boolean counted = FileCalls.tryStatus(file, status) == 0 && status.device() == device;
            awaitTurn();
            if (!counted || length <= 0 || offset < APPEND) { // the kernel tells what is wrong
                return take(0, 0, length, false);
            }
            if (offset > Long.MAX_VALUE - length - unit) {
                return null;
            }
            long worst = worst(offset, length);
            if (fits(worst, 0)) {
                return take(worst, 0, length, false);
            }
            awaitAlone();
            FileCalls.tryStatus(file, status);
            long at = offset == APPEND ? status.size() : offset;
            if (at > Long.MAX_VALUE - length - unit) {
                return null;
            }
            long fitting = fitting(file, at, length);
            return fitting == length || (shortened && fitting > 0)
                    ? take(0, 0, fitting, true)
                    : null;
        } finally {
            lock.unlock();
        }
    }

    private long worst(long offset, long length) {
        long units =
                offset == APPEND
                        ? Math.ceilDiv(length, unit) + 1
                        : Math.ceilDiv(offset + length, unit) - offset / unit;
        return units < Long.MAX_VALUE / unit - MAP_UNITS
                ? (units + MAP_UNITS) * unit
                : Long.MAX_VALUE;
    }

    /** {@return how many bytes of a range can be written with what is left} */
    private long fitting(Fd file, long offset, long length) {
        long left = Math.max(0, limit.bytes() - usedBytes) / unit;
        long end = offset + length;
        long at = offset / unit * unit;
        while (at < end) {
            long hole = FileCalls.trySeek(file, at, SEEK_HOLE);
            // Behind the end all is a hole, but for the rest of the last unit.
            long begin = Math.ceilDiv(hole < 0 ? at : hole, unit) * unit;
            if (begin >= end) {
                return length;
            }
            long data = FileCalls.trySeek(file, begin, SEEK_DATA);
            long until = data < 0 ? end : Math.min(data, end);
            long units = Math.ceilDiv(until - begin, unit);
            if (units > left) {
                return Math.max(0, begin + left * unit - offset);
            }
            left -= units;
            at = begin + units * unit;
        }
        return length;
    }

    /** Gives back what is left of a claim; what was changed is settled before. */
    void end(Claim claim) {
        lock.lock();
        try {
            claimedBytes -= claim.bytes();
            claimedInodes -= claim.inodes();
            underWay--;
            if (claim.alone()) {
                alone = false;
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    // --- names --------------------------------------------------------------------------------

    /**
     * Begins to change names. Until {@link #endNames} nobody else does.
     *
     * @param directory which gets a name; null if none does
     * @param units what a new file may take itself
     * @param inodes how many new files there are
     * @return a claim, or null if there is not so much left; nothing has begun then
     */
    @Nullable Claim beginNames(@Nullable Fd directory, int units, int inodes) {
        names.lock();
        Claim claim =
                directory == null
                        ? claimNothing()
                        : claim((units(directory) + units) * unit, inodes);
        if (claim == null) {
            names.unlock();
        }
        return claim;
    }

    /** Some file systems keep names where they take nothing. */
    private int units(Fd directory) {
        lock.lock();
        try {
            boolean takes = FileCalls.tryStatus(directory, status) == 0 && status.blocks() > 0;
            return takes ? DIRECTORY_UNITS : 0;
        } finally {
            lock.unlock();
        }
    }

    void endNames(Claim claim) {
        end(claim);
        names.unlock();
    }

    // --- settling -----------------------------------------------------------------------------

    /** Counts what a file takes now. */
    void settle(Fd file) {
        lock.lock();
        try {
            if (FileCalls.tryStatus(file, status) == 0) {
                account(status);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Counts what a file takes now, by its name. */
    void settle(Fd directory, MemorySegment name, long at) {
        lock.lock();
        try {
            if (NameCalls.tryStatus(directory, name, at, status) == 0) {
                account(status);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Tells that a name was removed.
     *
     * @param before what it stood for, when it was there
     * @param known whether somebody may have the file open; asked after it is marked, so that
     *     either this or {@link #closing} finds it
     */
    void removed(StatusView before, Known known) {
        if (before.device() != device || (before.links() > 1 && !isDirectory(before))) {
            return;
        }
        lock.lock();
        try {
            nameless.add(before.inode());
        } finally {
            lock.unlock();
        }
        if (!known.isKnown(before.inode())) {
            closing(before.inode());
        }
    }

    /** Whether a file is among those that the guest knows. */
    @FunctionalInterface
    interface Known {
        boolean isKnown(long number);
    }

    /** Tells that the last descriptor of a file is about to be closed. */
    void closing(long number) {
        lock.lock();
        try {
            if (nameless.remove(number)) {
                usedBytes -= Math.max(0, charges.get(number)) * BLOCK_BYTES;
                charges.remove(number);
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** {@return whether a file counts} */
    boolean counts(StatusView file) {
        return file.device() == device;
    }

    // --- telling ------------------------------------------------------------------------------

    /** {@return the limit and what is left of it, but never more than the file system has} */
    FileSystemStatistics within(FileSystemStatistics real) {
        long fragment = Math.max(1, real.fragmentBytes());
        lock.lock();
        try {
            long blocks = Math.min(real.blocks(), limit.bytes() / fragment);
            long free = Math.max(0, limit.bytes() - usedBytes) / fragment;
            boolean counted = limit.inodes() != SpaceLimit.NO_LIMIT;
            long files = counted ? limit.inodes() : real.files();
            long filesFree =
                    counted ? Math.max(0, limit.inodes() - charges.count()) : real.filesFree();
            boolean endless = real.files() == 0; // how some file systems say that they have no end
            return new FileSystemStatistics(
                    blocks,
                    Math.min(real.blocksFree(), free),
                    Math.min(real.blocksAvailable(), free),
                    endless ? files : Math.min(real.files(), files),
                    endless ? filesFree : Math.min(real.filesFree(), filesFree),
                    real.blockBytes(),
                    real.nameBytes(),
                    real.fragmentBytes());
        } finally {
            lock.unlock();
        }
    }

    /** {@return bytes that are taken} */
    long usedBytes() {
        lock.lock();
        try {
            return usedBytes;
        } finally {
            lock.unlock();
        }
    }

    /** {@return how many files there are, of all kinds} */
    long usedInodes() {
        lock.lock();
        try {
            return charges.count();
        } finally {
            lock.unlock();
        }
    }
}
