// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A file of the image, of whatever type, apart from its names: hard links are several names for one
 * of these. Its data already stands in the disk's data area where it has any.
 *
 * <p>Used by the one thread that unpacks an image.
 */
abstract sealed class Inode {
    /** Owner, permissions, time and extended attributes. */
    record Metadata(
            int permissions,
            int uid,
            int gid,
            long mtimeSeconds,
            int mtimeNanos,
            SortedMap<String, byte[]> xattrs) {

        /** Of a directory that no layer has a member for, and of a root that none describes. */
        static final Metadata OF_IMPLIED_DIRECTORY =
                new Metadata(0755, 0, 0, 0, 0, new TreeMap<>());
    }

    Metadata metadata;

    // Set while the disk is laid out.
    int number;
    int links;
    long metadataOffset;

    private Inode(Metadata metadata) {
        this.metadata = metadata;
    }

    /** A name in a directory, and the layer that wrote it last. */
    static final class Name {
        final Inode inode;
        int layer;

        Name(Inode inode, int layer) {
            this.inode = inode;
            this.layer = layer;
        }
    }

    static final class Directory extends Inode {
        final TreeMap<String, Name> names = new TreeMap<>();

        /** The directory that this one stands in; the root stands in itself. */
        Directory parent;

        // Set while the disk is laid out.
        int size;
        int firstBlock;

        Directory(Metadata metadata) {
            super(metadata);
            this.parent = this;
        }
    }

    /** A regular file; what does not fill a block may be kept here until the disk's metadata. */
    static final class RegularFile extends Inode {
        final long size;
        final byte[] tail;
        int firstBlock;

        RegularFile(Metadata metadata, FileData data) {
            super(metadata);
            this.size = data.size;
            this.firstBlock = data.firstBlock;
            this.tail = data.tail;
        }

        long blocks() {
            return Math.ceilDiv(size - tail.length, ErofsFormat.BLOCK);
        }
    }

    static final class Symlink extends Inode {
        final String target;
        int firstBlock;

        Symlink(Metadata metadata, String target) {
            super(metadata);
            this.target = target;
        }
    }

    static final class Device extends Inode {
        final boolean isBlock;
        final int major;
        final int minor;

        Device(Metadata metadata, boolean isBlock, int major, int minor) {
            super(metadata);
            this.isBlock = isBlock;
            this.major = major;
            this.minor = minor;
        }
    }

    static final class Fifo extends Inode {
        Fifo(Metadata metadata) {
            super(metadata);
        }
    }

    /** Where the content of a file is. */
    static final class FileData {
        private final long size;
        private final int firstBlock;
        private final byte[] tail;

        /**
         * @param firstBlock where the whole blocks begin; without a meaning if there are none
         * @param tail what follows the whole blocks and is kept in memory
         */
        FileData(long size, int firstBlock, byte[] tail) {
            this.size = size;
            this.firstBlock = firstBlock;
            this.tail = tail;
        }
    }
}
