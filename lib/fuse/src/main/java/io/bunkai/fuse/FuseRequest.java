// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.util.List;

/**
 * A request, decoded and checked: whoever holds one never looks at the peer's memory again, but for
 * the data of {@link Write} and {@link NotifyReply}, which stay where they are.
 *
 * <p>Numbers that come from a system call ({@code flags} of open(2), {@code mode}, and so on) are
 * the peer's, and are not checked. Sizes are never negative, offsets and lengths neither, and their
 * sums fit into 63 bits. Node numbers, handles and cookies are what the server has once given, or
 * whatever a hostile kernel makes up.
 */
public sealed interface FuseRequest {
    /** {@return what it begins with} */
    RequestHeader header();

    /** {@return the same request as a record; the view may then be used for the next one} */
    static FuseRequest of(RequestView view) {
        return RequestRecords.of(view);
    }

    /**
     * Decodes one request.
     *
     * @param message its readable part
     * @throws FuseProtocolException if it is not what the protocol allows
     */
    static FuseRequest decode(Ranges message, Agreement agreement) throws FuseProtocolException {
        RequestView view = new RequestView();
        view.decode(message, agreement);
        return of(view);
    }

    /** Look {@code name} up in the directory. Only here it may be "." or "..". */
    record Lookup(RequestHeader header, FileName name) implements FuseRequest {}

    /** {@code count} is subtracted from the node's lookup count. No reply. */
    record Forget(RequestHeader header, long count) implements FuseRequest {}

    /** Many of them at once; the header's node means nothing. No reply. */
    record BatchForget(RequestHeader header, List<Item> items) implements FuseRequest {
        public BatchForget {
            items = List.copyOf(items);
        }

        /** One node, and what is subtracted from its count. */
        public record Item(long node, long count) {}
    }

    /**
     * What is this file?
     *
     * @param flags {@link Flags#GETATTR_FH}: the handle is one
     */
    record Getattr(RequestHeader header, int flags, long handle) implements FuseRequest {}

    /**
     * Change attributes.
     *
     * @param valid which of the others count, bits of {@code Flags.FATTR_*}
     */
    record Setattr(
            RequestHeader header,
            int valid,
            long handle,
            long size,
            long lockOwner,
            Time accessed,
            Time modified,
            Time changed,
            int mode,
            int uid,
            int gid)
            implements FuseRequest {
        /** A moment: seconds since 1970, and nanoseconds below a second if the moment counts. */
        public record Time(long seconds, int nanos) {}

        /** {@return whether any of these {@code Flags.FATTR_*} is set} */
        public boolean has(int fields) {
            return (valid & fields) != 0;
        }
    }

    /** Where does this symbolic link lead? */
    record Readlink(RequestHeader header) implements FuseRequest {}

    /** Make a symbolic link; the target is any bytes but NUL, at most 4,095. */
    record Symlink(RequestHeader header, FileName name, ByteString target, Extensions extensions)
            implements FuseRequest {}

    /** Make a file, a device, a pipe or a socket. */
    record Mknod(
            RequestHeader header,
            FileName name,
            int mode,
            int device,
            int umask,
            Extensions extensions)
            implements FuseRequest {}

    /** Make a directory. */
    record Mkdir(RequestHeader header, FileName name, int mode, int umask, Extensions extensions)
            implements FuseRequest {}

    /** Remove a name of anything but a directory. */
    record Unlink(RequestHeader header, FileName name) implements FuseRequest {}

    /** Remove an empty directory. */
    record Rmdir(RequestHeader header, FileName name) implements FuseRequest {}

    /**
     * Give a file another name: RENAME and RENAME2.
     *
     * @param flags RENAME_NOREPLACE 1, RENAME_EXCHANGE 2, RENAME_WHITEOUT 4, or none
     */
    record Rename(RequestHeader header, FileName name, long newParent, FileName newName, int flags)
            implements FuseRequest {}

    /** Give {@code node} one more name, in the directory that the header names. */
    record Link(RequestHeader header, long node, FileName name) implements FuseRequest {}

    /**
     * Open a file.
     *
     * @param flags of open(2), without O_CREAT, O_EXCL, O_NOCTTY, and O_TRUNC unless ATOMIC_O_TRUNC
     *     was agreed on
     * @param openFlags {@link Flags#OPEN_KILL_SUIDGID}
     */
    record Open(RequestHeader header, int flags, int openFlags) implements FuseRequest {}

    /**
     * Read.
     *
     * @param readFlags {@link Flags#READ_LOCKOWNER}: the owner is one
     * @param flags of open(2)
     */
    record Read(
            RequestHeader header,
            long handle,
            long offset,
            int size,
            int readFlags,
            long lockOwner,
            int flags)
            implements FuseRequest {}

    /**
     * Write.
     *
     * @param data {@code size} bytes in the peer's memory, valid until the request is answered
     * @param writeFlags bits of {@code Flags.WRITE_*}
     * @param flags of open(2)
     */
    record Write(
            RequestHeader header,
            long handle,
            long offset,
            int size,
            int writeFlags,
            long lockOwner,
            int flags,
            Ranges data)
            implements FuseRequest {}

    /** What is this file system? */
    record Statfs(RequestHeader header) implements FuseRequest {}

    /**
     * An open file is used by nobody any more.
     *
     * @param releaseFlags bits of {@code Flags.RELEASE_*}
     */
    record Release(RequestHeader header, long handle, int flags, int releaseFlags, long lockOwner)
            implements FuseRequest {}

    /**
     * Make a file durable.
     *
     * @param flags {@link Flags#FSYNC_FDATASYNC}
     */
    record Fsync(RequestHeader header, long handle, int flags) implements FuseRequest {}

    /**
     * Set an extended attribute.
     *
     * @param flags XATTR_CREATE 1, XATTR_REPLACE 2
     * @param setxattrFlags {@link Flags#SETXATTR_ACL_KILL_SGID}
     */
    record Setxattr(
            RequestHeader header, XattrName name, ByteString value, int flags, int setxattrFlags)
            implements FuseRequest {}

    /**
     * Get an extended attribute.
     *
     * @param size how many bytes the answer may have; 0 asks for that number
     */
    record Getxattr(RequestHeader header, XattrName name, int size) implements FuseRequest {}

    /**
     * The names of the extended attributes.
     *
     * @param size how many bytes the answer may have; 0 asks for that number
     */
    record Listxattr(RequestHeader header, int size) implements FuseRequest {}

    /** Remove an extended attribute. */
    record Removexattr(RequestHeader header, XattrName name) implements FuseRequest {}

    /** One of the descriptors of an open file is being closed. */
    record Flush(RequestHeader header, long handle, long lockOwner) implements FuseRequest {}

    /**
     * Agree on version and features.
     *
     * @param flags all 64 bits of {@link InitFlag}
     */
    record Init(RequestHeader header, int major, int minor, int maxReadahead, long flags)
            implements FuseRequest {}

    /** Open a directory. */
    record Opendir(RequestHeader header, int flags, int openFlags) implements FuseRequest {}

    /**
     * Entries of an open directory, READDIR and READDIRPLUS.
     *
     * @param offset where to go on: 0, or what came with the last entry that the kernel has used
     * @param size the most bytes of the answer
     */
    record Readdir(RequestHeader header, long handle, long offset, int size, boolean plus)
            implements FuseRequest {}

    /** An open directory is used by nobody any more. */
    record Releasedir(RequestHeader header, long handle, int flags, int releaseFlags)
            implements FuseRequest {}

    /** Make a directory durable. */
    record Fsyncdir(RequestHeader header, long handle, int flags) implements FuseRequest {}

    /** Is there a lock in the way of this one? */
    record Getlk(RequestHeader header, long handle, long owner, FileLock lock, int lockFlags)
            implements FuseRequest {}

    /**
     * Lock or unlock: SETLK and SETLKW.
     *
     * @param lockFlags {@link Flags#LK_FLOCK}
     * @param waiting whether the caller waits for the lock
     */
    record Setlk(
            RequestHeader header,
            long handle,
            long owner,
            FileLock lock,
            int lockFlags,
            boolean waiting)
            implements FuseRequest {}

    /** May the caller do this? {@code mask} has the bits of access(2). */
    record Access(RequestHeader header, int mask) implements FuseRequest {}

    /** Make a file if there is none, and open it. */
    record Create(
            RequestHeader header,
            FileName name,
            int flags,
            int mode,
            int umask,
            int openFlags,
            Extensions extensions)
            implements FuseRequest {}

    /** Make a file without a name in this directory, and open it. */
    record Tmpfile(
            RequestHeader header,
            int flags,
            int mode,
            int umask,
            int openFlags,
            Extensions extensions)
            implements FuseRequest {}

    /** The caller of request {@code target} does not want to wait for it. */
    record Interrupt(RequestHeader header, long target) implements FuseRequest {}

    /** Where on the disk is a block of the file? */
    record Bmap(RequestHeader header, long block, int blockBytes) implements FuseRequest {}

    /** The file system is being unmounted. */
    record Destroy(RequestHeader header) implements FuseRequest {}

    /**
     * A call of ioctl(2).
     *
     * @param flags bits of {@code Flags.IOCTL_*}
     * @param argument the caller's, an address in its memory as a rule
     * @param input what lies there
     * @param outputSize the most that may be written there
     */
    record Ioctl(
            RequestHeader header,
            long handle,
            int flags,
            int command,
            long argument,
            ByteString input,
            int outputSize)
            implements FuseRequest {}

    /** Is the file ready? {@code kernelHandle} names the poll in a notification. */
    record Poll(RequestHeader header, long handle, long kernelHandle, int flags, int events)
            implements FuseRequest {}

    /** What a notification has asked for. No reply. */
    record NotifyReply(RequestHeader header, long offset, int size, Ranges data)
            implements FuseRequest {}

    /** Allocate, zero, or remove a part of a file; {@code mode} has FALLOC_FL_*. */
    record Fallocate(RequestHeader header, long handle, long offset, long length, int mode)
            implements FuseRequest {}

    /** Where do the next data (SEEK_DATA 3), or the next hole (SEEK_HOLE 4), begin? */
    record Lseek(RequestHeader header, long handle, long offset, int whence)
            implements FuseRequest {}

    /** Copy from file to file: COPY_FILE_RANGE and COPY_FILE_RANGE_64. */
    record CopyFileRange(
            RequestHeader header,
            long handle,
            long offset,
            long targetNode,
            long targetHandle,
            long targetOffset,
            long length,
            long flags)
            implements FuseRequest {}

    /** Map a part of a file into the device's window; {@code Flags.SETUPMAPPING_FLAG_*}. */
    record SetupMapping(
            RequestHeader header,
            long handle,
            long offset,
            long length,
            long flags,
            long windowOffset)
            implements FuseRequest {}

    /** Undo mappings. */
    record RemoveMapping(RequestHeader header, List<Part> parts) implements FuseRequest {
        public RemoveMapping {
            parts = List.copyOf(parts);
        }

        /** A part of the device's window. */
        public record Part(long windowOffset, long length) {}
    }

    /** Make all of the file system durable. */
    record Syncfs(RequestHeader header) implements FuseRequest {}

    /**
     * What is this file, as statx(2) tells it?
     *
     * @param flags {@link Flags#GETATTR_FH}: the handle is one
     * @param statxFlags AT_STATX_*
     * @param mask STATX_*, what is wanted
     */
    record Statx(RequestHeader header, int flags, long handle, int statxFlags, int mask)
            implements FuseRequest {}

    /** Something that this version does not know. It is answered ENOSYS. */
    record Unknown(RequestHeader header) implements FuseRequest {}
}
