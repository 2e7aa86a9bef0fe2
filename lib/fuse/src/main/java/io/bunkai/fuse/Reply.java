// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Where a file system answers one request. Each kind of request has a kind of reply, so that an
 * answer that the kernel would not understand does not compile.
 *
 * <p>A reply is given exactly once, on any thread, now or later. With it the request ends: the peer
 * gets it, and request, views, data and reply belong to the next request. So whoever answers later
 * keeps what it needs of a view, and nobody touches any of it afterwards.
 *
 * <p>Methods that answer throw {@link IllegalStateException} if the request is answered already,
 * and {@link IllegalArgumentException}, without answering, if that is not what was asked for.
 *
 * <p>Timeouts are in nanoseconds: how long the kernel may believe the answer without asking again.
 */
public sealed interface Reply {
    /**
     * Answers with an error.
     *
     * @param errno a number of {@link io.bunkai.linux.Errno}; what can be none is sent as EIO
     */
    void error(int errno);

    /** To a request that has no more to say than that it is done. */
    sealed interface Done extends Reply permits ReplyEncoder {
        /** Answers that it is done. */
        void done();
    }

    /** To LOOKUP, and to what makes a file. */
    sealed interface Entry extends Reply permits ReplyEncoder {
        /**
         * Answers with a file. The kernel counts one lookup of the node.
         *
         * @param node never 0
         * @param generation tells files apart that have the same node one after the other
         */
        void entry(
                long node,
                long generation,
                long entryTimeout,
                long attributeTimeout,
                FileAttributes attributes);

        /** Answers that there is no such file, and that this may be believed for a while. */
        void missing(long entryTimeout);
    }

    /** To GETATTR and SETATTR. */
    sealed interface Attributes extends Reply permits ReplyEncoder {
        /** Answers with what the file is. */
        void attributes(long timeout, FileAttributes attributes);
    }

    /** To STATX. */
    sealed interface Statx extends Reply permits ReplyEncoder {
        /** Answers with what the file is. */
        void statx(long timeout, StatxAttributes attributes);
    }

    /** To READLINK. */
    sealed interface Target extends Reply permits ReplyEncoder {
        /** Answers with where the link leads, without a NUL. */
        void target(MemorySegment source, long offset, int length);

        /** Answers with where the link leads. */
        void target(ByteString target);
    }

    /** To OPEN and OPENDIR. */
    sealed interface Opened extends Reply permits ReplyEncoder {
        /** Answers with a handle, and bits of {@code Flags.FOPEN_*}. */
        void opened(long handle, int openFlags);
    }

    /** To CREATE and TMPFILE: the file as LOOKUP, the handle as OPEN would answer. */
    sealed interface Created extends Reply permits ReplyEncoder {
        /** Answers with a file, counting one lookup, and a handle. */
        void created(
                long node,
                long generation,
                long entryTimeout,
                long attributeTimeout,
                FileAttributes attributes,
                long handle,
                int openFlags);
    }

    /** To READ. */
    sealed interface Data extends Reply permits ReplyEncoder {
        /**
         * {@return the peer's memory for the data, of exactly the size that was asked for}
         *
         * <p>It may be filled before the request is answered, by a system call or by hand; nothing
         * is to be read back from it.
         */
        Ranges space();

        /** Answers that so many bytes of {@link #space} are filled. */
        void data(int length);

        /** Answers with bytes, which are copied. */
        void data(MemorySegment source, long offset, int length);
    }

    /** To WRITE. */
    sealed interface Written extends Reply permits ReplyEncoder {
        /** Answers that so many bytes are written. */
        void written(int length);
    }

    /** To COPY_FILE_RANGE and COPY_FILE_RANGE_64. */
    sealed interface Copied extends Reply permits ReplyEncoder {
        /** Answers that so many bytes are copied; 0 is the end of the file. */
        void copied(long length);
    }

    /** To STATFS. */
    sealed interface Statistics extends Reply permits ReplyEncoder {
        /** Answers with what the file system is. */
        void statistics(FileSystemStatistics statistics);
    }

    /** To GETXATTR and LISTXATTR. */
    sealed interface Extended extends Reply permits ReplyEncoder {
        /** {@return how many bytes the answer may have; 0 if only the size is asked for} */
        int room();

        /** Answers with the size only, to a request without room. */
        void size(int length);

        /**
         * Answers with a value, or with names that each end with a NUL: with the size only if that
         * is what was asked for, with ERANGE if there is too little room.
         */
        void value(MemorySegment source, long offset, int length);

        /** The same with bytes. */
        void value(ByteString value);
    }

    /** To GETLK. */
    sealed interface Lock extends Reply permits ReplyEncoder {
        /** Answers with the lock that is in the way, or with one of type UNLOCK. */
        void lock(FileLock lock);
    }

    /** To BMAP. */
    sealed interface Block extends Reply permits ReplyEncoder {
        /** Answers with the number of the block. */
        void block(long block);
    }

    /** To IOCTL. */
    sealed interface Control extends Reply permits ReplyEncoder {
        /** Answers with what ioctl(2) returns to its caller, and bytes for the caller's memory. */
        void result(int result, ByteString output);
    }

    /** To POLL. */
    sealed interface Ready extends Reply permits ReplyEncoder {
        /** Answers with the events of poll(2). */
        void ready(int events);
    }

    /** To LSEEK. */
    sealed interface Offset extends Reply permits ReplyEncoder {
        /** Answers with an offset in the file. */
        void offset(long offset);
    }

    /**
     * To READDIR. Entries are added until one does not fit, or there are no more. A listing ends
     * with an answer without entries; so an entry that does not even fit alone is answered EINVAL.
     */
    sealed interface Directory extends Reply permits ReplyEncoder {
        /**
         * Adds an entry.
         *
         * @param inode what users see as {@code d_ino}
         * @param next with which offset a listing goes on behind this entry; never 0
         * @param type DT_*: bits 12 to 15 of a mode
         * @return whether it did fit; if not, nothing was added
         */
        boolean add(
                long inode,
                long next,
                int type,
                MemorySegment name,
                long nameOffset,
                int nameLength);

        /** Adds an entry with a name that is at hand; see above. */
        boolean add(long inode, long next, int type, FileName name);

        /** Answers with what was added. */
        void done();
    }

    /**
     * To READDIRPLUS. As READDIR, but each entry brings what LOOKUP would have answered, and is
     * counted as a lookup. So first ask whether it {@link #fits}, then look it up, then add it.
     */
    sealed interface DirectoryPlus extends Reply permits ReplyEncoder {
        /** {@return whether an entry with such a name can still be added} */
        boolean fits(int nameLength);

        /**
         * Adds an entry.
         *
         * @param node counted as looked up once, unless it is 0: then the kernel takes name, type
         *     and inode only, as it should for "." and ".." and for what could not be looked up
         * @param attributes null if the node is 0
         * @param inode what users see as {@code d_ino}
         * @param next with which offset a listing goes on behind this entry; never 0
         * @param type DT_*: bits 12 to 15 of a mode
         * @return whether it did fit; if not, nothing was added and nothing is counted
         */
        boolean add(
                long node,
                long generation,
                long entryTimeout,
                long attributeTimeout,
                @Nullable FileAttributes attributes,
                long inode,
                long next,
                int type,
                MemorySegment name,
                long nameOffset,
                int nameLength);

        /** Answers with what was added. */
        void done();
    }
}
