// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.ByteString;
import io.bunkai.fuse.FileAttributes;
import io.bunkai.fuse.FileName;
import io.bunkai.linux.FileCalls;
import io.bunkai.linux.FileSystemView;
import io.bunkai.linux.HandleCalls;
import io.bunkai.linux.Identity;
import io.bunkai.linux.IoVector;
import io.bunkai.linux.StatusView;
import io.bunkai.linux.ThreadUsage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * What a thread needs to serve requests, made once: memory for system calls, and whom it acts for.
 * Belongs to its thread, a platform thread, since the kernel keeps identities by thread.
 */
final class Worker {
    /** Where in {@link #memory} the one name stands. */
    static final long NAME = 0;

    /** Where the other name stands. */
    static final long OTHER = 256;

    /** Where the number of a descriptor stands, in digits. */
    static final long DIGITS = 512;

    /** A byte that is always NUL: the empty name. */
    static final long EMPTY = 540;

    /** Where the times of a file stand, a lock, or two offsets. */
    static final long STRUCT = 544;

    /** Where a name or a target of up to 4 KiB stands. */
    static final long TARGET = 1024;

    private static final long BYTES = TARGET + 4096;
    private static final int ENTRIES_BYTES = 64 * 1024;

    private static final ThreadLocal<Worker> CURRENT = ThreadLocal.withInitial(Worker::new);

    final MemorySegment memory = Arena.ofAuto().allocate(BYTES, 8);
    final MemorySegment struct = memory.asSlice(STRUCT, TARGET - STRUCT);
    final MemorySegment target = memory.asSlice(TARGET, 4096);
    final StatusView status = new StatusView();
    final FileSystemView fileSystem = new FileSystemView();
    final FileAttributes attributes = new FileAttributes();
    final IoVector vector = new IoVector();
    final ThreadUsage usage = new ThreadUsage();
    final HandleCalls.Buffer handle = new HandleCalls.Buffer();

    /** Where a lookup puts what it has found. */
    final Inode[] found = new Inode[1];

    /** How many requests are known to wait in the queue that this thread serves. */
    int backlog;

    /** How many requests were served that move data. */
    int served;

    private @Nullable MemorySegment entries;
    private @Nullable Identity identity;

    private Worker() {}

    /** {@return the calling thread's} */
    static Worker current() {
        return CURRENT.get();
    }

    /** {@return memory for entries of a directory or for a value, 64 KiB, made when first used} */
    MemorySegment large() {
        MemorySegment now = entries;
        if (now == null) {
            now = Arena.ofAuto().allocate(ENTRIES_BYTES, 8);
            entries = now;
        }
        return now;
    }

    /** {@return whom the thread acts for; it has lost its supplementary groups with that} */
    Identity identity(long permitted) {
        Identity now = identity;
        if (now == null) {
            now = new Identity(permitted);
            Identity.tryDropGroups();
            identity = now;
        }
        return now;
    }

    /** Puts a name, and a NUL behind it, at its place. */
    void put(long at, FileName name) {
        put(at, name.bytes());
    }

    /** Puts bytes, and a NUL behind them, at their place. */
    void put(long at, ByteString bytes) {
        bytes.copyTo(memory, at);
        memory.set(ValueLayout.JAVA_BYTE, at + bytes.length(), (byte) 0);
    }

    /** {@return memory for a lock} */
    MemorySegment lock() {
        return struct.asSlice(0, FileCalls.LOCK_BYTES);
    }
}
