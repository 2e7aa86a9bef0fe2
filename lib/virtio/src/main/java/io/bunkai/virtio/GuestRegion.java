// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileStatus;
import io.bunkai.linux.FileType;
import io.bunkai.linux.SharedMemory;
import java.lang.foreign.MemorySegment;

/** A piece of the guest's memory that is mapped here. Held by each {@link GuestMemory} it is in. */
final class GuestRegion extends Held {
    private final MemoryRegion description;
    private final SharedMemory mapping;

    private GuestRegion(MemoryRegion description, SharedMemory mapping) {
        this.description = description;
        this.mapping = mapping;
    }

    /**
     * Maps a region. The descriptor stays the caller's.
     *
     * @throws VhostUserException if the file does not hold it or cannot be mapped
     */
    static GuestRegion map(MemoryRegion region, Fd file) throws VhostUserException {
        if (!region.isPossible()) {
            throw new VhostUserException("there can be no memory region of " + region);
        }
        try {
            FileStatus status = FileStatus.of(file);
            // A page that the file lacks would kill whoever touches it.
            if (status.type() == FileType.REGULAR_FILE
                    && status.size() < region.fileOffset() + region.size()) {
                throw new VhostUserException(
                        "the file of memory region %s has %d bytes, and it begins at byte %d"
                                .formatted(region, status.size(), region.fileOffset()));
            }
            return new GuestRegion(
                    region, SharedMemory.map(file, region.fileOffset(), region.size()));
        } catch (ErrnoException e) {
            throw new VhostUserException(
                    ("memory region %s was not mapped; the machine's memory has to be shared"
                                    + " (QEMU: memory-backend-memfd,share=on)")
                            .formatted(region),
                    e);
        }
    }

    MemoryRegion description() {
        return description;
    }

    MemorySegment memory() {
        return mapping.memory();
    }

    @Override
    void free() {
        mapping.close();
    }
}
