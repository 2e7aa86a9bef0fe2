// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import io.bunkai.linux.Errno;

/**
 * What a server serves: one method for each operation, each of which answers ENOSYS unless it is
 * overridden.
 *
 * <p><b>Nodes.</b> A file is known by a number that the file system has given it in an entry; only
 * {@link RequestHeader#ROOT} is known from the beginning. Every entry that the kernel gets ({@link
 * #lookup}, everything that makes a file, {@link #readdirplus} but for node 0) counts as one lookup
 * of its node. The number must stand for the same file until {@link #forget} has taken the count
 * down to nothing; then it may be used again, with another generation. A hard link is the same node
 * as the file. The kernel forgets in any order, on another queue, and late: a node may be looked up
 * anew while an older forget of it is still on its way. At unmount nodes are not forgotten one by
 * one; {@link #destroy} means all of them. The root's count never ends.
 *
 * <p><b>After unlink.</b> A name that is removed is not a file that is gone. As long as a node is
 * not forgotten, and be it without any name, it is still read, written, truncated, asked for its
 * attributes, and given a new name. So files are best held open, or by a handle of the host, and
 * never by path.
 *
 * <p><b>Handles.</b> What {@link #open}, {@link #create} and {@link #opendir} answer comes with
 * each request on that open file, until {@link #release}, exactly once, after everything else.
 * Nobody waits for a release: the file's close(2) returned before; errors of writing show in {@link
 * #flush} (once for each descriptor that is closed, so several times or never) and {@link #fsync}.
 * {@link #getattr}, {@link #setattr}, {@link #statx} come with or without a handle. With writeback
 * caching a write comes with any handle that was opened for writing.
 *
 * <p><b>Names</b> are bytes, not text. They are never empty, never longer than 255 bytes, and have
 * no '/' in them; "." and ".." only in a lookup, if {@link InitFlag#EXPORT_SUPPORT} was agreed on.
 * All that is checked before any method here is called. Whether a name is fit for the host is not.
 *
 * <p><b>Who asks.</b> Ids are those of the process in the peer, for requests that make files above
 * all; writes from the page cache come as whoever. With {@code default_permissions}, as virtio-fs
 * has it always, the kernel of the peer has already checked permissions, which protects its users
 * from each other and nothing from that kernel.
 *
 * <p><b>ENOSYS</b> is remembered for as long as the file system is mounted, so the answer to an
 * operation is ENOSYS always or never. From then on Linux
 *
 * <ul>
 *   <li>does without and is content: OPEN and OPENDIR (only if NO_OPEN_SUPPORT, NO_OPENDIR_SUPPORT
 *       were agreed on), FLUSH, FSYNC, FSYNCDIR, SYNCFS, ACCESS, POLL, INTERRUPT;
 *   <li>does it in another way: CREATE, STATX, LSEEK, BMAP;
 *   <li>tells its programs EOPNOTSUPP: operations on extended attributes, FALLOCATE, TMPFILE,
 *       COPY_FILE_RANGE (which programs and the kernel then do by reading and writing); EINVAL:
 *       RENAME2 with flags; EPERM: LINK.
 * </ul>
 *
 * <p><b>Threads.</b> Methods are called by whoever calls {@link FuseServer#serve}: several at once
 * if there are several queues, also for the same node or handle, and in any order. A hostile kernel
 * does that with {@link #init} and {@link #destroy}, too, which are only kept from each other. A
 * method may answer before it returns or later, on any thread; the request, its data and a view are
 * valid until the answer, and not afterwards. An exception before the answer is answered EIO.
 *
 * @spec https://www.kernel.org/doc/html/latest/filesystems/fuse.html FUSE
 * @spec https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html VIRTIO 1.2, 5.11
 */
public interface FileSystem {
    // --- the life of the file system ---

    /**
     * The peer has mounted the file system. Called again, after {@link #destroy}, when it restarts.
     */
    default void init(Agreement agreement) {}

    /** The peer does not use the file system any more: no node, no handle, no lock is left. */
    default void destroy() {}

    // --- nodes ---

    /** Looks a name up in directory {@code request.node()}. */
    default void lookup(RequestView.Lookup request, Reply.Entry reply) {
        reply.error(Errno.ENOSYS);
    }

    /**
     * Takes the lookup count of a node down. From a hostile kernel node and count can be anything:
     * counts end at nothing, and the root stays.
     *
     * @param count at least 0
     */
    default void forget(long node, long count) {}

    /** What is this file? */
    default void getattr(RequestView.Getattr request, Reply.Attributes reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Changes attributes, and answers with all of them. Truncation comes here, too. */
    default void setattr(FuseRequest.Setattr request, Reply.Attributes reply) {
        reply.error(Errno.ENOSYS);
    }

    /** What is this file, as statx(2) tells it? */
    default void statx(FuseRequest.Statx request, Reply.Statx reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Where does this symbolic link lead? */
    default void readlink(FuseRequest.Readlink request, Reply.Target reply) {
        reply.error(Errno.ENOSYS);
    }

    /** May the caller do this? Not asked where the kernel checks permissions itself. */
    default void access(FuseRequest.Access request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    // --- names ---

    /** Makes a symbolic link. */
    default void symlink(FuseRequest.Symlink request, Reply.Entry reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Makes a file, a device, a pipe or a socket. The umask counts only with DONT_MASK. */
    default void mknod(FuseRequest.Mknod request, Reply.Entry reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Makes a directory. The umask counts only with DONT_MASK. */
    default void mkdir(FuseRequest.Mkdir request, Reply.Entry reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Removes a name of anything but a directory. The node stays until it is forgotten. */
    default void unlink(FuseRequest.Unlink request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Removes an empty directory. The node stays until it is forgotten. */
    default void rmdir(FuseRequest.Rmdir request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Gives a file another name, in one step, and takes the name from what had it before. */
    default void rename(FuseRequest.Rename request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Gives a file one more name, and answers with the same node, counting one lookup more. */
    default void link(FuseRequest.Link request, Reply.Entry reply) {
        reply.error(Errno.ENOSYS);
    }

    // --- open files ---

    /** Opens a file. */
    default void open(FuseRequest.Open request, Reply.Opened reply) {
        reply.error(Errno.ENOSYS);
    }

    /**
     * Makes a file if there is none of this name, and opens it; with O_EXCL (0x80) there must be
     * none. ENOSYS makes the kernel use {@link #mknod} and {@link #open}.
     */
    default void create(FuseRequest.Create request, Reply.Created reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Makes a file without a name, and opens it. */
    default void tmpfile(FuseRequest.Tmpfile request, Reply.Created reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Reads. Less than was asked for means the end of the file, unless DIRECT_IO was answered. */
    default void read(RequestView.Read request, Reply.Data reply) {
        reply.error(Errno.ENOSYS);
    }

    /**
     * Writes. Less than was asked for is an error to most programs. With {@link Flags#WRITE_CACHE}
     * the offset is meant as it is, even if the file was opened with O_APPEND.
     */
    default void write(RequestView.Write request, Reply.Written reply) {
        reply.error(Errno.ENOSYS);
    }

    /** One of the descriptors of an open file is being closed. Locks of that owner are gone. */
    default void flush(FuseRequest.Flush request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    /** An open file is used by nobody any more. The answer means nothing to anybody. */
    default void release(FuseRequest.Release request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Makes a file durable. */
    default void fsync(FuseRequest.Fsync request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Allocates, zeroes, or removes a part of a file. */
    default void fallocate(FuseRequest.Fallocate request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Finds data or holes; other ways to seek are the kernel's own affair. */
    default void lseek(FuseRequest.Lseek request, Reply.Offset reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Copies from file to file. These bytes pass through no READ and no WRITE. */
    default void copyFileRange(FuseRequest.CopyFileRange request, Reply.Copied reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Is there a lock in the way? Comes only with POSIX_LOCKS. */
    default void getlk(FuseRequest.Getlk request, Reply.Lock reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Locks or unlocks. Comes only with POSIX_LOCKS or FLOCK_LOCKS. */
    default void setlk(FuseRequest.Setlk request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    /** A call of ioctl(2) that the kernel of the peer does not know. */
    default void ioctl(FuseRequest.Ioctl request, Reply.Control reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Is the file ready? */
    default void poll(FuseRequest.Poll request, Reply.Ready reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Where on the disk is a block of the file? */
    default void bmap(FuseRequest.Bmap request, Reply.Block reply) {
        reply.error(Errno.ENOSYS);
    }

    // --- open directories ---

    /** Opens a directory. */
    default void opendir(FuseRequest.Opendir request, Reply.Opened reply) {
        reply.error(Errno.ENOSYS);
    }

    /**
     * Lists an open directory from an offset on: 0, or one that came with an entry, at any later
     * time. A file that is there from the first call to the last is listed once, whatever comes and
     * goes meanwhile.
     */
    default void readdir(FuseRequest.Readdir request, Reply.Directory reply) {
        reply.error(Errno.ENOSYS);
    }

    /** The same, with what a lookup of each entry would answer. */
    default void readdirplus(FuseRequest.Readdir request, Reply.DirectoryPlus reply) {
        reply.error(Errno.ENOSYS);
    }

    /** An open directory is used by nobody any more. */
    default void releasedir(FuseRequest.Releasedir request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Makes a directory durable. */
    default void fsyncdir(FuseRequest.Fsyncdir request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    // --- extended attributes ---

    /** Sets an extended attribute. */
    default void setxattr(FuseRequest.Setxattr request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Gets an extended attribute; ENODATA if there is none. */
    default void getxattr(FuseRequest.Getxattr request, Reply.Extended reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Lists the extended attributes, each with a NUL behind it. */
    default void listxattr(FuseRequest.Listxattr request, Reply.Extended reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Removes an extended attribute; ENODATA if there is none. */
    default void removexattr(FuseRequest.Removexattr request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    // --- the whole ---

    /** What is this file system? */
    default void statfs(FuseRequest.Statfs request, Reply.Statistics reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Makes all of the file system durable, or that of the mount that the node is the root of. */
    default void syncfs(FuseRequest.Syncfs request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    // --- the device's window ---

    /** Maps a part of a file into the device's window. */
    default void setupMapping(FuseRequest.SetupMapping request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    /** Undoes mappings. */
    default void removeMapping(FuseRequest.RemoveMapping request, Reply.Done reply) {
        reply.error(Errno.ENOSYS);
    }

    // --- without a reply ---

    /**
     * The caller of a request does not want to wait for it any longer; if it can be cut short, it
     * is answered EINTR. It may be answered already, or not have been seen yet.
     *
     * @param unique of that request
     * @return whether interrupts are of any use here; if not, the kernel sends no more of them
     */
    default boolean interrupt(long unique) {
        return false;
    }

    /** What a notification has asked for. */
    default void notifyReply(FuseRequest.NotifyReply request) {}
}
