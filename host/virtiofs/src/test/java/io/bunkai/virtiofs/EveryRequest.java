// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.Flags;
import io.bunkai.fuse.Opcode;
import io.bunkai.fuse.Structs;
import io.bunkai.linux.Fd;
import java.io.IOException;

/** All that a guest can ask, once: what makes a server use each of its system calls. */
final class EveryRequest {
    private static final int ENTRY = Structs.ENTRY_OUT.bytes();
    private static final int UID = 1000;
    private static final int GID = 2000;
    private static final int LISTING = 4096;
    private static final int DEPTH = 8;
    private static final long BURST_NANOS = 20_000_000;
    private static final int SEEK_HOLE = 4;

    private final GuestMount guest;

    private EveryRequest(GuestMount guest) {
        this.guest = guest;
    }

    /** Asks for everything, on a share that {@link Exercises#fillSmall} has filled. */
    static void ask(GuestMount guest) throws IOException {
        EveryRequest all = new EveryRequest(guest);
        all.tree();
        all.data();
        all.attributes();
        all.extendedAttributes();
        for (Exercises.Preparation exercise : Exercises.all().values()) {
            Exercises.drive(guest.lane(0), exercise.with(guest, DEPTH), DEPTH, BURST_NANOS);
        }
    }

    private void tree() throws IOException {
        long directory = guest.mkdir(GuestMount.ROOT, "directory", 0777).node();
        guest.lane(0).actAs(UID, GID);
        guest.create(directory, "theirs", Fd.O_RDWR, 0100600);
        guest.lane(0).actAs(0, 0);
        long link = guest.symlink(directory, "link", "target").node();
        guest.call(Opcode.READLINK, link, 0, 0, 0, 100);
        guest.call(Opcode.MKNOD, directory, guest.put(0010600, 0, 0, 0, "pipe"), 0, ENTRY, 0);
        long theirs = guest.lookup(directory, "theirs").node();
        guest.call(Opcode.LINK, directory, guest.put(theirs, "other"), 0, ENTRY, 0);
        guest.call(Opcode.RENAME2, directory, guest.put(directory, 0, 0, "other", "new"), 0, 0, 0);
        long handle = guest.opendir(directory);
        list(Opcode.READDIR, directory, handle);
        list(Opcode.READDIRPLUS, directory, handle);
        guest.call(Opcode.FSYNCDIR, directory, guest.put(handle, 0, 0), 0, 0, 0);
        guest.releasedir(directory, handle);
        for (String name : new String[] {"link", "pipe", "new", "theirs"}) {
            guest.unlink(directory, name);
        }
        guest.call(Opcode.RMDIR, GuestMount.ROOT, guest.put("directory"), 0, 0, 0);
        guest.call(Opcode.STATFS, GuestMount.ROOT, 0, 0, Structs.STATFS_OUT.bytes(), 0);
        guest.call(Opcode.SYNCFS, GuestMount.ROOT, guest.put(0L), 0, 0, 0);
    }

    private void list(Opcode opcode, long directory, long handle) throws IOException {
        int arguments = guest.put(handle, 0L, LISTING, 0, 0L, 0, 0);
        guest.call(opcode, directory, arguments, 0, 0, LISTING);
    }

    private void data() throws IOException {
        GuestMount.Created made = guest.create(GuestMount.ROOT, "file", Fd.O_RDWR, 0100600);
        GuestMount.Created copy = guest.create(GuestMount.ROOT, "copy", Fd.O_RDWR, 0100600);
        long node = made.entry().node();
        long handle = made.handle();
        guest.write(node, handle, 0, new byte[LISTING]);
        guest.read(node, handle, 0, LISTING);
        int killing = guest.put(handle, 0L, 1, Flags.WRITE_KILL_SUIDGID, 0L, 0, 0);
        guest.call(Opcode.WRITE, node, killing, 1, Structs.WRITE_OUT.bytes(), 0);
        guest.call(Opcode.FALLOCATE, node, guest.put(handle, 0L, 8192L, 0, 0), 0, 0, 0);
        guest.call(
                Opcode.LSEEK,
                node,
                guest.put(handle, 0L, SEEK_HOLE, 0),
                0,
                Structs.LSEEK_OUT.bytes(),
                0);
        guest.call(
                Opcode.COPY_FILE_RANGE,
                node,
                guest.put(handle, 0L, copy.entry().node(), copy.handle(), 0L, 100L, 0L),
                0,
                Structs.WRITE_OUT.bytes(),
                0);
        guest.call(Opcode.FSYNC, node, guest.put(handle, 0, 0), 0, 0, 0);
        guest.call(Opcode.FSYNC, node, guest.put(handle, Flags.FSYNC_FDATASYNC, 0), 0, 0, 0);
        guest.call(Opcode.FLUSH, node, guest.put(handle, 0, 0, 0L), 0, 0, 0);
        guest.release(node, handle);
        guest.release(copy.entry().node(), copy.handle());
        guest.forget(copy.entry().node(), 1);
    }

    private void attributes() throws IOException {
        long node = guest.lookup(GuestMount.ROOT, "file").node();
        set(node, Flags.FATTR_MODE);
        set(node, Flags.FATTR_UID | Flags.FATTR_GID);
        set(node, Flags.FATTR_SIZE);
        set(node, Flags.FATTR_ATIME | Flags.FATTR_MTIME);
        guest.call(Opcode.ACCESS, node, guest.put(4, 0), 0, 0, 0);
    }

    private void set(long node, int valid) throws IOException {
        int arguments =
                guest.put(valid, 0, 0L, 100L, 0L, 1L, 1L, 1L, 0, 0, 0, 0100600, 0, UID, GID, 0);
        guest.call(Opcode.SETATTR, node, arguments, 0, Structs.ATTR_OUT.bytes(), 0);
    }

    private void extendedAttributes() throws IOException {
        long node = guest.lookup(GuestMount.ROOT, "file").node();
        guest.call(Opcode.SETXATTR, node, guest.put(2, 0, 0, 0, "user.x", new byte[2]), 0, 0, 0);
        guest.call(Opcode.GETXATTR, node, guest.put(0, 0, "user.x"), 0, 8, 0);
        guest.call(Opcode.LISTXATTR, node, guest.put(100, 0), 0, 100, 0);
        guest.call(Opcode.REMOVEXATTR, node, guest.put("user.x"), 0, 0, 0);
    }
}
