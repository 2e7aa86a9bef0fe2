// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Pages of a file in this process's address space, readable and writable, shared with whoever else
 * has mapped them.
 *
 * <p>Closing it unmaps, and whoever then accesses {@link #memory} gets an {@link
 * IllegalStateException} instead of a fault. That holds for accesses through the segment only: a
 * system call that was given the address of these pages must have returned before. A file that is
 * made shorter by another process leaves a hole here: an access to it is an {@link InternalError}.
 *
 * @spec https://man7.org/linux/man-pages/man2/mmap.2.html mmap(2)
 */
public final class SharedMemory implements AutoCloseable {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;
    private static final int MAP_NORESERVE = 0x4000;
    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_ALLOW_SEALING = 2;
    private static final int F_ADD_SEALS = 1033;
    private static final int F_SEAL_SEAL = 1;
    private static final int F_SEAL_SHRINK = 2;
    private static final int F_SEAL_GROW = 4;
    private static final int F_SEAL_WRITE = 8;
    private static final long PAGE_BYTES = 4096;

    private final Arena arena;
    private final MemorySegment memory;

    // This module is the one that is granted native access; the arena is closed with this object.
    @SuppressWarnings({"restricted", "MustBeClosedChecker"})
    private SharedMemory(long address, long mapped, long skip, long bytes) {
        arena = Arena.ofShared();
        memory =
                MemorySegment.ofAddress(address)
                        .reinterpret(mapped, arena, SharedMemory::unmap)
                        .asSlice(skip, bytes);
    }

    /**
     * {@return a file without a name, of zeros, that lives as long as somebody has it open or
     * mapped}
     *
     * @param name shown by /proc, for people
     * @throws ErrnoException EMFILE if no descriptor is left, EFBIG or ENOMEM for an impossible
     *     size
     * @spec https://man7.org/linux/man-pages/man2/memfd_create.2.html memfd_create(2)
     */
    public static Fd createFile(String name, long bytes) throws ErrnoException {
        return createFile(name, bytes, MFD_CLOEXEC);
    }

    /**
     * {@return as {@link #createFile}, one that can be {@linkplain #seal sealed}}
     *
     * @throws ErrnoException as {@link #createFile}
     */
    public static Fd createSealableFile(String name, long bytes) throws ErrnoException {
        return createFile(name, bytes, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }

    /**
     * Makes that neither content nor length of a file can ever be changed by anybody, by writing,
     * by a mapping, or by punching a hole. Private mappings may be written to as before.
     *
     * @throws ErrnoException EBUSY if it is mapped for writing somewhere; EPERM if it cannot be
     *     sealed
     * @spec https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html fcntl(2), file sealing
     */
    public static void seal(Fd file) throws ErrnoException {
        // int fcntl(int fd, F_ADD_SEALS, int seals);
        long result =
                Native.syscall(
                        SystemCall.FCNTL,
                        file.number(),
                        F_ADD_SEALS,
                        F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
        ErrnoException.check("seal", result);
    }

    private static Fd createFile(String name, long bytes, int flags) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            // int memfd_create(const char *name, unsigned int flags);
            long number =
                    Native.syscall(
                            SystemCall.MEMFD_CREATE,
                            Native.cString(arena, name).address(),
                            flags,
                            0);
            Fd file = new Fd((int) ErrnoException.check("memfd_create " + name, number));
            // int ftruncate(int fd, off_t length);
            long result = Native.syscall(SystemCall.FTRUNCATE, file.number(), bytes, 0);
            if (result < 0) {
                file.close();
                throw new ErrnoException("ftruncate " + name, (int) -result);
            }
            return file;
        }
    }

    /**
     * Maps a part of a file. The descriptor is not needed afterwards.
     *
     * @param offset of the first byte, which need not be the first of a page
     * @param bytes more than 0
     * @throws ErrnoException EINVAL, EACCES, ENODEV if the file cannot be mapped, ENOMEM if there
     *     is no address space left
     */
    public static SharedMemory map(Fd file, long offset, long bytes) throws ErrnoException {
        // Files of huge pages are mapped in whole ones, and their page size is their block size.
        long block = FileStatus.blockSize(file);
        long page = Long.bitCount(block) == 1 ? Math.max(PAGE_BYTES, block) : PAGE_BYTES;
        long start = offset & -page;
        long end = offset + bytes + page - 1 & -page;
        if (bytes <= 0 || offset < 0 || end - start < bytes) {
            throw new ErrnoException("map " + bytes + " bytes at " + offset, Errno.EINVAL);
        }
        // void *mmap(void *, size_t length, int prot, int flags, int fd, off_t offset);
        long address =
                Native.syscall(
                        SystemCall.MMAP,
                        0,
                        end - start,
                        PROT_READ_WRITE,
                        MAP_SHARED | MAP_NORESERVE,
                        file.number(),
                        start);
        ErrnoException.check("mmap", address);
        return new SharedMemory(address, end - start, offset - start, bytes);
    }

    private static void unmap(MemorySegment pages) {
        // int munmap(void *addr, size_t length); cannot fail for what mmap gave
        Native.syscall(SystemCall.MUNMAP, pages.address(), pages.byteSize(), 0);
    }

    /** {@return the bytes that were asked for} Any thread may access them until this is closed. */
    public MemorySegment memory() {
        return memory;
    }

    /** Unmaps. Idempotent. Waits until no thread is in the middle of an access. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
