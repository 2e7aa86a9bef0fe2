// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.SharedMemory;
import java.lang.foreign.MemorySegment;

/**
 * Memory that a front-end shares with a back-end as the guest's: a file without a name, mapped
 * here. Owned by whoever made it.
 */
public final class FrontEndMemory implements AutoCloseable {
    private final MemoryRegion region;
    private final Fd file;
    private final SharedMemory mapping;

    private FrontEndMemory(MemoryRegion region, Fd file, SharedMemory mapping) {
        this.region = region;
        this.file = file;
        this.mapping = mapping;
    }

    /**
     * {@return memory of zeros}
     *
     * @param guestAddress where the guest would see it
     * @throws ErrnoException if there is no memory or no descriptor left
     */
    public static FrontEndMemory create(long guestAddress, long bytes) throws ErrnoException {
        Fd file = SharedMemory.createFile("guest-memory", bytes);
        try {
            SharedMemory mapping = SharedMemory.map(file, 0, bytes);
            long userAddress = mapping.memory().address();
            return new FrontEndMemory(
                    new MemoryRegion(guestAddress, bytes, userAddress, 0), file, mapping);
        } catch (ErrnoException e) {
            file.close();
            throw e;
        }
    }

    /** {@return where it is} */
    public MemoryRegion region() {
        return region;
    }

    /** {@return the file that holds it, owned by this} */
    public Fd file() {
        return file;
    }

    /** {@return its bytes} */
    public MemorySegment bytes() {
        return mapping.memory();
    }

    @Override
    public void close() {
        mapping.close();
        file.close();
    }
}
