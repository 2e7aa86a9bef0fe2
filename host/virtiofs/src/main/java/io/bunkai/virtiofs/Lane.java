// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.Opcode;
import io.bunkai.fuse.Structs;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.virtio.DriverQueue;
import io.bunkai.virtio.FrontEndMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * One queue of a guest that is none: requests of FUSE, each in a slot of its own, sent and awaited
 * by one thread. Data lie in pieces of a page, as a guest's memory has it.
 */
final class Lane implements AutoCloseable {
    /** The most data of one request. */
    static final int DATA_BYTES = 1 << 20;

    /** What {@link #take} answers if nothing has come back. */
    static final int NONE = -1;

    private static final int PAGE = 4096;
    private static final int HEAD_AT = 0;
    private static final int REPLY_AT = PAGE;
    private static final int TABLE_AT = 2 * PAGE;
    private static final int DATA_AT = 4 * PAGE;

    /** What a slot takes. */
    static final int SLOT_BYTES = DATA_AT + DATA_BYTES;

    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int IN = Structs.IN_HEADER.bytes();
    private static final int OUT = Structs.OUT_HEADER.bytes();
    private static final int PATIENCE_MILLIS = 30_000;

    private final DriverQueue queue;
    private final FrontEndMemory memory;
    private final MemorySegment bytes;
    private final long slotsAt;
    private final int slots;
    private final int[] slotOf;
    private long unique;
    private int uid;
    private int gid;

    Lane(FrontEndMemory memory, DriverQueue queue, long slotsAt, int slots) {
        this.memory = memory;
        this.bytes = memory.bytes();
        this.queue = queue;
        this.slotsAt = slotsAt;
        this.slots = slots;
        this.slotOf = new int[queue.size()];
    }

    /** {@return how many requests can be under way} */
    int slots() {
        return slots;
    }

    DriverQueue queue() {
        return queue;
    }

    /** In whose name requests are sent from now on. */
    void actAs(int newUid, int newGid) {
        uid = newUid;
        gid = newGid;
    }

    private long at(int slot) {
        return slotsAt + (long) SLOT_BYTES * slot;
    }

    /** {@return memory for the arguments of a slot's next request} */
    MemorySegment arguments(int slot) {
        return bytes.asSlice(at(slot) + HEAD_AT + IN, PAGE - IN);
    }

    /** {@return what a slot's last reply has behind its header, data excepted} */
    MemorySegment reply(int slot) {
        return bytes.asSlice(at(slot) + REPLY_AT + OUT, PAGE - OUT);
    }

    /** {@return data of a slot, sent or received} */
    MemorySegment data(int slot) {
        return bytes.asSlice(at(slot) + DATA_AT, DATA_BYTES);
    }

    /** {@return what ended the slot's last request: 0, or an error number} */
    int error(int slot) {
        return -bytes.get(INT, at(slot) + REPLY_AT + Structs.OUT_HEADER.offset("error"));
    }

    /** {@return how long the slot's last reply says that it is, its header not counted} */
    int length(int slot) {
        return bytes.get(INT, at(slot) + REPLY_AT) - OUT;
    }

    /**
     * Puts a request into the queue; {@link #submit} shows it.
     *
     * @param arguments how many bytes of {@link #arguments}
     * @param dataOut how many bytes of {@link #data} follow them
     * @param reply how many bytes of reply there is room for, -1 for none at all
     * @param dataIn room for so many bytes of data behind them
     */
    void send(
            int slot, Opcode opcode, long node, int arguments, int dataOut, int reply, int dataIn) {
        header(slot, opcode.number(), node, IN + arguments + dataOut);
        long base = memory.region().guestAddress() + at(slot);
        queue.beginIndirect(base + TABLE_AT);
        queue.readable(base + HEAD_AT, IN + arguments);
        for (int done = 0; done < dataOut; done += PAGE) {
            queue.readable(base + DATA_AT + done, Math.min(PAGE, dataOut - done));
        }
        if (reply >= 0) {
            bytes.set(INT, at(slot) + REPLY_AT, 0);
            queue.writable(base + REPLY_AT, OUT + reply);
            for (int done = 0; done < dataIn; done += PAGE) {
                queue.writable(base + DATA_AT + done, Math.min(PAGE, dataIn - done));
            }
        }
        slotOf[queue.end()] = slot;
    }

    private void header(int slot, int opcode, long node, int length) {
        long head = at(slot) + HEAD_AT;
        unique++;
        bytes.set(INT, head, length);
        bytes.set(INT, head + Structs.IN_HEADER.offset("opcode"), opcode);
        bytes.set(LONG, head + Structs.IN_HEADER.offset("unique"), unique);
        bytes.set(LONG, head + Structs.IN_HEADER.offset("nodeid"), node);
        bytes.set(INT, head + Structs.IN_HEADER.offset("uid"), uid);
        bytes.set(INT, head + Structs.IN_HEADER.offset("gid"), gid);
        bytes.set(INT, head + Structs.IN_HEADER.offset("pid"), 1);
        bytes.set(INT, head + Structs.IN_HEADER.offset("total_extlen"), 0);
    }

    /**
     * {@return a slot's whole request, header and all, for whoever does not keep to the protocol}
     */
    MemorySegment raw(int slot) {
        return bytes.asSlice(at(slot) + HEAD_AT, PAGE);
    }

    /** {@return where the guest has a slot's request} */
    long rawAddress(int slot) {
        return memory.region().guestAddress() + at(slot) + HEAD_AT;
    }

    /** Puts a request into the queue as it stands in {@link #raw}. */
    void sendRaw(int slot, int readable, int writable) {
        bytes.asSlice(at(slot) + REPLY_AT, PAGE).fill((byte) 0);
        queue.begin();
        if (readable > 0) {
            queue.readable(rawAddress(slot), readable);
        }
        if (writable > 0) {
            queue.writable(rawAddress(slot) + REPLY_AT - HEAD_AT, writable);
        }
        slotOf[queue.end()] = slot;
    }

    void submit() {
        queue.submit();
    }

    /** {@return the slot of a request that has come back, or {@link #NONE}} */
    int take() {
        int chain = queue.take();
        return chain == DriverQueue.NONE ? NONE : slotOf[chain];
    }

    /**
     * Waits until something has come back.
     *
     * @throws ErrnoException ETIMEDOUT if nothing does
     */
    void await() throws ErrnoException {
        if (!queue.await(PATIENCE_MILLIS)) {
            throw new ErrnoException("wait for a reply", Errno.ETIMEDOUT);
        }
    }

    @Override
    public void close() {
        queue.close();
    }
}
