// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.fuse.InitFlag;
import io.bunkai.fuse.Negotiation;
import io.bunkai.fuse.Opcode;
import io.bunkai.fuse.Structs;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.virtio.DriverQueue;
import io.bunkai.virtio.FrontEndMemory;
import io.bunkai.virtio.ProtocolFeatures;
import io.bunkai.virtio.VhostUserException;
import io.bunkai.virtio.VhostUserFrontEnd;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * A guest that is none, as far as a file system device can tell: it connects as a machine monitor
 * does, mounts, and asks what a test or a measurement wants to know. Calls wait for the answer and
 * use slot 0 of the first request queue; whoever wants more at once uses its lanes.
 */
final class GuestMount implements AutoCloseable {
    /** The root's node. */
    static final long ROOT = 1;

    private static final long GUEST = 0x1_0000_0000L;
    private static final int RING = 256;
    private static final int FLAGS2 = Structs.INIT_IN.offset("flags2");
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int ENTRY = Structs.ENTRY_OUT.bytes();

    private final Closer all;
    private final VhostUserFrontEnd frontEnd;
    private final List<Lane> lanes;

    private GuestMount(Closer all, VhostUserFrontEnd frontEnd, List<Lane> lanes) {
        this.all = all;
        this.frontEnd = frontEnd;
        this.lanes = lanes;
    }

    /** An answer that was an error. */
    static final class Refused extends IOException {
        private static final long serialVersionUID = 1L;

        private final int errno;

        Refused(Opcode opcode, int errno) {
            super(opcode + " was answered " + Errno.describe(errno));
            this.errno = errno;
        }

        int errno() {
            return errno;
        }
    }

    /** What LOOKUP and its kind answer. */
    record Entry(long node, long inode, long size, int mode, int links, int uid, int gid) {}

    /**
     * Connects, and starts the queues; nothing is mounted yet.
     *
     * @param connection owned by the mount from now on
     * @param requestQueues how many queues for requests
     * @param slots how many requests can be under way in each
     */
    static GuestMount connect(Fd connection, int requestQueues, int slots) throws IOException {
        try (Closer undo = new Closer()) {
            VhostUserFrontEnd frontEnd = undo.own(new VhostUserFrontEnd(connection));
            long features =
                    frontEnd.negotiate(
                            ~0L,
                            ProtocolFeatures.MQ
                                    | ProtocolFeatures.REPLY_ACK
                                    | ProtocolFeatures.CONFIGURE_MEM_SLOTS);
            long ringBytes = DriverQueue.bytes(RING) + 4095 & -4096;
            long laneBytes = ringBytes + (long) Lane.SLOT_BYTES * slots;
            FrontEndMemory memory =
                    undo.own(FrontEndMemory.create(GUEST, laneBytes * (1 + requestQueues)));
            frontEnd.share(List.of(memory));
            List<Lane> lanes = new ArrayList<>();
            for (int i = 0; i <= requestQueues; i++) {
                long at = laneBytes * i;
                DriverQueue queue = new DriverQueue(memory, at, RING, features);
                lanes.add(undo.own(new Lane(memory, queue, at + ringBytes, slots)));
                frontEnd.start(i, queue);
            }
            return new GuestMount(undo.release(), frontEnd, List.copyOf(lanes));
        }
    }

    /** {@return the queue for what is not to wait} */
    Lane priority() {
        return lanes.getFirst();
    }

    /** {@return a queue for requests, from 0 on} */
    Lane lane(int index) {
        return lanes.get(1 + index);
    }

    VhostUserFrontEnd frontEnd() {
        return frontEnd;
    }

    /** Mounts, as a kernel with these features. */
    long init(Set<InitFlag> flags) throws IOException {
        return init(InitFlag.word(flags) | InitFlag.INIT_EXT.mask());
    }

    /** Mounts, as a kernel with these features, bits of {@link InitFlag}. */
    long init(long word) throws IOException {
        MemorySegment arguments = lane(0).arguments(0);
        arguments.asSlice(0, Structs.INIT_IN.bytes()).fill((byte) 0);
        arguments.set(INT, 0, Negotiation.MAJOR);
        arguments.set(INT, 4, 38);
        arguments.set(INT, 8, 1 << 20);
        arguments.set(INT, 12, (int) word);
        arguments.set(INT, FLAGS2, (int) (word >>> 32));
        MemorySegment reply = call(Opcode.INIT, 0, Structs.INIT_IN.bytes(), 0, 64, 0);
        long low = Integer.toUnsignedLong(reply.get(INT, 12));
        return low | (long) reply.get(INT, Structs.INIT_OUT.offset("flags2")) << 32;
    }

    /** Mounts as a kernel that can do all that the tables know. */
    long init() throws IOException {
        return init(Set.of(InitFlag.values()));
    }

    /**
     * Sends what stands in the arguments of slot 0, and waits.
     *
     * @return the reply's body, until the next call
     * @throws Refused if the answer is an error
     */
    MemorySegment call(Opcode opcode, long node, int arguments, int dataOut, int reply, int dataIn)
            throws IOException {
        Lane lane = lane(0);
        lane.send(0, opcode, node, arguments, dataOut, reply, dataIn);
        lane.submit();
        int slot;
        while ((slot = lane.take()) == Lane.NONE) {
            lane.await();
        }
        if (lane.error(slot) != 0) {
            throw new Refused(opcode, lane.error(slot));
        }
        return lane.reply(slot);
    }

    /** {@return the bytes of the last reply that were received as data} */
    byte[] data(int length) {
        return lane(0).data(0).asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
    }

    /** Puts numbers and names into the arguments of slot 0; {@return how many bytes they take} */
    int put(Object... parts) {
        MemorySegment arguments = lane(0).arguments(0);
        long at = 0;
        for (Object part : parts) {
            switch (part) {
                case Integer number -> {
                    arguments.set(INT, at, number);
                    at += Integer.BYTES;
                }
                case Long number -> {
                    arguments.set(LONG, at, number);
                    at += Long.BYTES;
                }
                case String text -> {
                    byte[] name = text.getBytes(StandardCharsets.UTF_8);
                    MemorySegment.copy(name, 0, arguments, ValueLayout.JAVA_BYTE, at, name.length);
                    arguments.set(ValueLayout.JAVA_BYTE, at + name.length, (byte) 0);
                    at += name.length + 1;
                }
                case byte[] raw -> {
                    MemorySegment.copy(raw, 0, arguments, ValueLayout.JAVA_BYTE, at, raw.length);
                    at += raw.length;
                }
                default -> throw new IllegalArgumentException("no part of a request: " + part);
            }
        }
        return (int) at;
    }

    // --- what a guest asks --------------------------------------------------------------------

    Entry lookup(long directory, String name) throws IOException {
        return entry(call(Opcode.LOOKUP, directory, put(name), 0, ENTRY, 0));
    }

    static Entry entry(MemorySegment reply) {
        return entry(reply, 0, Structs.ENTRY_OUT.offset("attr"));
    }

    private static Entry entry(MemorySegment reply, long nodeAt, long attr) {
        return new Entry(
                reply.get(LONG, nodeAt),
                reply.get(LONG, attr + Structs.ATTR.offset("ino")),
                reply.get(LONG, attr + Structs.ATTR.offset("size")),
                reply.get(INT, attr + Structs.ATTR.offset("mode")),
                reply.get(INT, attr + Structs.ATTR.offset("nlink")),
                reply.get(INT, attr + Structs.ATTR.offset("uid")),
                reply.get(INT, attr + Structs.ATTR.offset("gid")));
    }

    Entry getattr(long node) throws IOException {
        MemorySegment reply =
                call(Opcode.GETATTR, node, put(0, 0, 0L), 0, Structs.ATTR_OUT.bytes(), 0);
        return entry(reply, 0, Structs.ATTR_OUT.offset("attr"));
    }

    long open(long node, int flags) throws IOException {
        return call(Opcode.OPEN, node, put(flags, 0), 0, Structs.OPEN_OUT.bytes(), 0).get(LONG, 0);
    }

    long opendir(long node) throws IOException {
        return call(Opcode.OPENDIR, node, put(0, 0), 0, Structs.OPEN_OUT.bytes(), 0).get(LONG, 0);
    }

    void release(long node, long handle) throws IOException {
        call(Opcode.RELEASE, node, put(handle, 0, 0, 0L), 0, 0, 0);
    }

    void releasedir(long node, long handle) throws IOException {
        call(Opcode.RELEASEDIR, node, put(handle, 0, 0, 0L), 0, 0, 0);
    }

    /** What CREATE answers. */
    record Created(Entry entry, long handle) {}

    Created create(long directory, String name, int flags, int mode) throws IOException {
        MemorySegment reply =
                call(
                        Opcode.CREATE,
                        directory,
                        put(flags, mode, 0, 0, name),
                        0,
                        ENTRY + Structs.OPEN_OUT.bytes(),
                        0);
        return new Created(entry(reply), reply.get(LONG, ENTRY));
    }

    Entry mkdir(long directory, String name, int mode) throws IOException {
        return entry(call(Opcode.MKDIR, directory, put(mode, 0, name), 0, ENTRY, 0));
    }

    Entry symlink(long directory, String name, String target) throws IOException {
        return entry(call(Opcode.SYMLINK, directory, put(name, target), 0, ENTRY, 0));
    }

    void unlink(long directory, String name) throws IOException {
        call(Opcode.UNLINK, directory, put(name), 0, 0, 0);
    }

    int write(long node, long handle, long offset, byte[] bytes) throws IOException {
        MemorySegment.copy(bytes, 0, lane(0).data(0), ValueLayout.JAVA_BYTE, 0, bytes.length);
        int arguments = put(handle, offset, bytes.length, 0, 0L, 0, 0);
        return call(Opcode.WRITE, node, arguments, bytes.length, Structs.WRITE_OUT.bytes(), 0)
                .get(INT, 0);
    }

    byte[] read(long node, long handle, long offset, int size) throws IOException {
        call(Opcode.READ, node, put(handle, offset, size, 0, 0L, 0, 0), 0, 0, size);
        return data(lane(0).length(0));
    }

    /** Forgets on the queue for what is not to wait; nobody answers. */
    void forget(long node, long count) throws IOException {
        Lane lane = priority();
        lane.arguments(0).set(LONG, 0, count);
        lane.send(0, Opcode.FORGET, node, Long.BYTES, 0, -1, 0);
        lane.submit();
        while (lane.take() == Lane.NONE) {
            lane.await();
        }
    }

    /** Stops the queues, as a machine monitor does before it goes. */
    void stop() throws VhostUserException, ErrnoException {
        for (int i = 0; i < lanes.size(); i++) {
            frontEnd.stop(i);
        }
    }

    @Override
    public void close() {
        all.close();
    }
}
