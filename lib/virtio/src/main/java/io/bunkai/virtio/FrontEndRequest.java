// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.Fd;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request of the front-end, decoded: sizes, counts and descriptors are as the protocol wants
 * them, values are not checked. Descriptors belong to the {@link Frame} that they came with.
 *
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user, Front-end message
 *     types
 */
sealed interface FrontEndRequest {
    /** Which feature bits are offered? */
    record GetFeatures() implements FrontEndRequest {}

    /** These feature bits are used. */
    record SetFeatures(long features) implements FrontEndRequest {}

    /** Which features of the protocol are offered? */
    record GetProtocolFeatures() implements FrontEndRequest {}

    /** These features of the protocol are used. */
    record SetProtocolFeatures(long features) implements FrontEndRequest {}

    /** The front-end owns the session. */
    record SetOwner() implements FrontEndRequest {}

    /** Means nothing any more. */
    record ResetOwner() implements FrontEndRequest {}

    /** These regions are the guest's memory, and no others; a file for each. */
    record SetMemTable(List<MemoryRegion> regions, List<Fd> files) implements FrontEndRequest {
        public SetMemTable {
            regions = List.copyOf(regions);
            files = List.copyOf(files);
        }
    }

    /** This region is the guest's memory, too. */
    record AddMemReg(MemoryRegion region, Fd file) implements FrontEndRequest {}

    /** This region is no more; where it was in its file does not matter. */
    record RemMemReg(MemoryRegion region) implements FrontEndRequest {}

    /** How many regions of memory may there be? */
    record GetMaxMemSlots() implements FrontEndRequest {}

    /** Here is the log of dirty pages. */
    record SetLogBase(long size, long offset, Fd file) implements FrontEndRequest {}

    /** This is signalled when something is marked. */
    record SetLogFd(Fd event) implements FrontEndRequest {}

    /** How many queues are there? */
    record GetQueueNum() implements FrontEndRequest {}

    /** A queue has so many descriptors. */
    record SetVringNum(int queue, int size) implements FrontEndRequest {}

    /** A queue's ring is there. */
    record SetVringAddr(int queue, RingAddresses addresses) implements FrontEndRequest {}

    /** A queue goes on at this index. */
    record SetVringBase(int queue, int base) implements FrontEndRequest {}

    /** A queue stops; at which index? */
    record GetVringBase(int queue) implements FrontEndRequest {}

    /** This wakes a queue; null if the queue has to look by itself. */
    record SetVringKick(int queue, @Nullable Fd event) implements FrontEndRequest {}

    /** This calls the guest; null if the guest looks by itself. */
    record SetVringCall(int queue, @Nullable Fd event) implements FrontEndRequest {}

    /** This tells that a queue is broken; null if nobody wants to know. */
    record SetVringErr(int queue, @Nullable Fd event) implements FrontEndRequest {}

    /** A queue may be served, or may not. */
    record SetVringEnable(int queue, boolean enable) implements FrontEndRequest {}

    /** Here the back-end may send requests. */
    record SetBackendReqFd(Fd socket) implements FrontEndRequest {}

    /** What is in the configuration space? */
    record GetConfig(int offset, int size, int flags) implements FrontEndRequest {}

    /** This is to be in the configuration space. */
    final class SetConfig implements FrontEndRequest {
        /** Set from another device's, in a migration; not by the guest. */
        static final int MIGRATION = 1;

        private final int offset;
        private final int flags;
        private final byte[] data;

        SetConfig(int offset, int flags, byte[] data) {
            this.offset = offset;
            this.flags = flags;
            this.data = data.clone();
        }

        int offset() {
            return offset;
        }

        int flags() {
            return flags;
        }

        byte[] data() {
            return data.clone();
        }
    }

    /** Where could be recorded what is in flight? */
    record GetInflightFd(int queues, int size) implements FrontEndRequest {}

    /** Here is recorded what is in flight. */
    record SetInflightFd(long bytes, long offset, int queues, int size, Fd file)
            implements FrontEndRequest {}

    /** The device begins anew. */
    record ResetDevice() implements FrontEndRequest {}

    /** This is the device status. */
    record SetStatus(long status) implements FrontEndRequest {}

    /** What is the device status? */
    record GetStatus() implements FrontEndRequest {}

    /** The device's state goes (or comes, with {@code load}) this way. */
    record SetDeviceStateFd(boolean load, Fd pipe) implements FrontEndRequest {}

    /** Did the device's state arrive? */
    record CheckDeviceState() implements FrontEndRequest {}

    /** One that this module does not know. */
    record Unknown(int number) implements FrontEndRequest {}
}
