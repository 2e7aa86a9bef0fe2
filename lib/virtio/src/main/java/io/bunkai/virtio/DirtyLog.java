// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.EventFd;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileStatus;
import io.bunkai.linux.SharedMemory;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The bitmap in which a device marks the pages that it has written to, one bit for each 4096 bytes
 * of guest addresses from 0 on. The front-end reads and clears it at the same time, so a page is
 * marked <em>after</em> it was written: marked before, its old content could be copied and the mark
 * be cleared in between.
 *
 * <p>Pages beyond the log's end are not marked: whoever made the log too small knows no such pages.
 *
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user, Migration
 */
final class DirtyLog extends Held {
    private static final int PAGE_SHIFT = 12;

    private final SharedMemory mapping;
    private final MemorySegment bitmap;
    private final long pages;
    private @Nullable EventFd changed; // guarded by this, so that it is not closed while signalled

    private DirtyLog(SharedMemory mapping) {
        this.mapping = mapping;
        this.bitmap = mapping.memory();
        this.pages = bitmap.byteSize() * Byte.SIZE;
    }

    /**
     * Maps a log. The descriptor stays the caller's.
     *
     * @throws VhostUserException if the file does not hold it or cannot be mapped
     */
    static DirtyLog map(Fd file, long size, long offset) throws VhostUserException {
        // Marks are made eight bytes at a time, so a log that does not end at such a place is cut.
        long whole = size & -Long.BYTES;
        if (whole <= 0 || offset < 0 || (offset & Long.BYTES - 1) != 0) {
            throw new VhostUserException(
                    "there can be no log of %d bytes at %d".formatted(size, offset));
        }
        try {
            if (FileStatus.of(file).size() - offset < size) {
                throw new VhostUserException(
                        "the log of %d bytes at %d is longer than its file"
                                .formatted(size, offset));
            }
            return new DirtyLog(SharedMemory.map(file, offset, whole));
        } catch (ErrnoException e) {
            throw new VhostUserException("the log was not mapped", e);
        }
    }

    /** Sets what is signalled after something was marked; owned by the caller. */
    synchronized void onChange(@Nullable EventFd event) {
        changed = event;
    }

    /** Marks all pages that a range of guest addresses touches. Safe for any thread. */
    void mark(long guestAddress, long length) {
        if (length <= 0) {
            return;
        }
        long page = guestAddress >>> PAGE_SHIFT;
        long last = (guestAddress + length - 1) >>> PAGE_SHIFT;
        while (page <= last && page < pages) {
            long at = page / Long.SIZE * Long.BYTES;
            long bit = 1L << page; // the shift takes the lowest six bits
            if (((long) LittleEndian.LONG.getOpaque(bitmap, at) & bit) == 0) {
                // Atomic: the front-end takes the bits out with an exchange at the same time.
                LittleEndian.LONG.getAndBitwiseOr(bitmap, at, bit);
            }
            page++;
        }
    }

    /** Tells the front-end, if it wants to know. */
    synchronized void tell() {
        if (changed != null) {
            changed.trySignal();
        }
    }

    @Override
    void free() {
        mapping.close();
    }
}
