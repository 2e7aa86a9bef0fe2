// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.Opcode;
import io.bunkai.fuse.Structs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What is done again and again in a measurement: one or several requests, one after the other, in a
 * slot of its own.
 */
abstract class Exercise {
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int ENTRY = Structs.ENTRY_OUT.bytes();
    private static final int OPEN = Structs.OPEN_OUT.bytes();
    private static final int ENOENT = 2;

    /** Sends the first request. */
    abstract void begin(Lane lane, int slot);

    /**
     * Looks at the reply.
     *
     * @return whether one more request was sent
     */
    boolean goesOn(Lane lane, int slot) {
        expect(lane, slot, 0);
        return false;
    }

    static void expect(Lane lane, int slot, int error) {
        if (lane.error(slot) != error) {
            throw new IllegalStateException(
                    "a request was answered " + lane.error(slot) + " instead of " + error);
        }
    }

    /** Asks for attributes. */
    static Exercise getattr(long node) {
        return new Exercise() {
            @Override
            void begin(Lane lane, int slot) {
                MemorySegment arguments = lane.arguments(slot);
                arguments.set(LONG, 0, 0);
                arguments.set(LONG, 8, 0);
                lane.send(slot, Opcode.GETATTR, node, 16, 0, Structs.ATTR_OUT.bytes(), 0);
            }
        };
    }

    /** Looks names up, one of them after the other. */
    static Exercise lookup(long directory, String prefix, int names) {
        byte[][] all = new byte[names][];
        for (int i = 0; i < names; i++) {
            all[i] = name(prefix + i);
        }
        return new Exercise() {
            private int next;

            @Override
            void begin(Lane lane, int slot) {
                byte[] name = all[next++ % names];
                lane.send(slot, Opcode.LOOKUP, directory, put(lane, slot, 0, name), 0, ENTRY, 0);
            }
        };
    }

    /** Looks a name up that is not there. */
    static Exercise missing(long directory) {
        byte[] name = name("there is no such file");
        return new Exercise() {
            @Override
            void begin(Lane lane, int slot) {
                lane.send(slot, Opcode.LOOKUP, directory, put(lane, slot, 0, name), 0, ENTRY, 0);
            }

            @Override
            boolean goesOn(Lane lane, int slot) {
                if (lane.error(slot) != 0 || lane.reply(slot).get(LONG, 0) != 0) {
                    expect(lane, slot, ENOENT);
                }
                return false;
            }
        };
    }

    /** Reads a file, or writes it, from its beginning to its end and again. */
    static Exercise transfer(boolean writes, long node, long handle, int size, long fileBytes) {
        return new Exercise() {
            private long offset;

            @Override
            void begin(Lane lane, int slot) {
                MemorySegment arguments = lane.arguments(slot);
                arguments.set(LONG, 0, handle);
                arguments.set(LONG, 8, offset);
                arguments.set(INT, 16, size);
                arguments.set(INT, 20, 0);
                arguments.set(LONG, 24, 0);
                arguments.set(LONG, 32, 0);
                offset = offset + 2L * size > fileBytes ? 0 : offset + size;
                if (writes) {
                    lane.send(slot, Opcode.WRITE, node, 40, size, Structs.WRITE_OUT.bytes(), 0);
                } else {
                    lane.send(slot, Opcode.READ, node, 40, 0, 0, size);
                }
            }

            @Override
            boolean goesOn(Lane lane, int slot) {
                expect(lane, slot, 0);
                int done = writes ? lane.reply(slot).get(INT, 0) : lane.length(slot);
                if (done != size) {
                    throw new IllegalStateException(done + " bytes were moved instead of " + size);
                }
                return false;
            }
        };
    }

    /** Opens a file and closes it. */
    static Exercise open(long node) {
        return new Exercise() {
            private final boolean[] opened = new boolean[256];

            @Override
            void begin(Lane lane, int slot) {
                opened[slot] = false;
                lane.arguments(slot).set(LONG, 0, 0);
                lane.send(slot, Opcode.OPEN, node, 8, 0, OPEN, 0);
            }

            @Override
            boolean goesOn(Lane lane, int slot) {
                expect(lane, slot, 0);
                if (opened[slot]) {
                    return false;
                }
                opened[slot] = true;
                release(lane, slot, node, lane.reply(slot).get(LONG, 0));
                return true;
            }
        };
    }

    /** Makes a file, closes it, removes it, and lets the server forget it. */
    static Exercise create(GuestMount mount, long directory, int mode) {
        return new Exercise() {
            private static final int CREATED = 1;
            private static final int RELEASED = 2;
            private final int[] step = new int[256];
            private final long[] node = new long[256];
            private int count;

            @Override
            void begin(Lane lane, int slot) {
                step[slot] = 0;
                MemorySegment arguments = lane.arguments(slot);
                arguments.set(INT, 0, 0x8042); // O_RDWR, O_CREAT, O_LARGEFILE
                arguments.set(INT, 4, mode);
                arguments.set(LONG, 8, 0);
                int length = put(lane, slot, 16, name(lane, slot));
                lane.send(slot, Opcode.CREATE, directory, length, 0, ENTRY + OPEN, 0);
            }

            private byte[] name(Lane lane, int slot) {
                return Exercise.name("new-" + lane.hashCode() + "-" + slot);
            }

            @Override
            boolean goesOn(Lane lane, int slot) {
                expect(lane, slot, 0);
                step[slot]++;
                switch (step[slot]) {
                    case CREATED -> {
                        node[slot] = lane.reply(slot).get(LONG, 0);
                        release(lane, slot, node[slot], lane.reply(slot).get(LONG, ENTRY));
                    }
                    case RELEASED ->
                            lane.send(
                                    slot,
                                    Opcode.UNLINK,
                                    directory,
                                    put(lane, slot, 0, name(lane, slot)),
                                    0,
                                    0,
                                    0);
                    default -> {
                        forget(slot);
                        return false;
                    }
                }
                return true;
            }

            // As a kernel does it: on the other queue, and without an answer.
            private void forget(int slot) {
                Lane priority = mount.priority();
                while (priority.take() != Lane.NONE) {
                    count--;
                }
                while (count >= priority.slots()) {
                    awaitOne(priority);
                }
                int own = slot % priority.slots();
                priority.arguments(own).set(LONG, 0, 1);
                priority.send(own, Opcode.FORGET, node[slot], Long.BYTES, 0, -1, 0);
                priority.submit();
                count++;
                while (count > 0) { // a slot is its own buffer: it is not used before it is back
                    awaitOne(priority);
                }
            }

            private void awaitOne(Lane priority) {
                try {
                    priority.await();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                while (priority.take() != Lane.NONE) {
                    count--;
                }
            }
        };
    }

    /** Lists a directory from its beginning to its end, with attributes. */
    static Exercise readdirplus(long node, long[] handles, int size) {
        return new Exercise() {
            @Override
            void begin(Lane lane, int slot) {
                list(lane, slot, 0);
            }

            private void list(Lane lane, int slot, long offset) {
                MemorySegment arguments = lane.arguments(slot);
                arguments.set(LONG, 0, handles[slot]);
                arguments.set(LONG, 8, offset);
                arguments.set(INT, 16, size);
                arguments.set(INT, 20, 0);
                arguments.set(LONG, 24, 0);
                arguments.set(LONG, 32, 0);
                lane.send(slot, Opcode.READDIRPLUS, node, 40, 0, 0, size);
            }

            @Override
            boolean goesOn(Lane lane, int slot) {
                expect(lane, slot, 0);
                int length = lane.length(slot);
                if (length == 0) {
                    return false;
                }
                MemorySegment entries = lane.data(slot);
                long next = 0;
                for (int at = 0; at < length; ) {
                    next = entries.get(LONG, at + ENTRY + Structs.DIRENT.offset("off"));
                    int name = entries.get(INT, at + ENTRY + Structs.DIRENT.offset("namelen"));
                    at += (ENTRY + Structs.DIRENT.bytes() + name + 7) & -8;
                }
                list(lane, slot, next);
                return true;
            }
        };
    }

    private static void release(Lane lane, int slot, long node, long handle) {
        MemorySegment arguments = lane.arguments(slot);
        arguments.set(LONG, 0, handle);
        arguments.set(LONG, 8, 0);
        arguments.set(LONG, 16, 0);
        lane.send(slot, Opcode.RELEASE, node, 24, 0, 0, 0);
    }

    private static byte[] name(String name) {
        return (name + "\0").getBytes(StandardCharsets.UTF_8);
    }

    private static int put(Lane lane, int slot, int at, byte[] name) {
        MemorySegment.copy(name, 0, lane.arguments(slot), ValueLayout.JAVA_BYTE, at, name.length);
        return at + name.length;
    }
}
