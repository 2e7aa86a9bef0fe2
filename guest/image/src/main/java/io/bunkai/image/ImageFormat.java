// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;

/**
 * The form of an image file.
 *
 * @param fileSystem what the tree becomes
 * @param layout what lies around it
 * @param compression which files are packed with LZ4; EROFS alone can do so
 * @param alignMib in Kata's layout, what the size of the file is a multiple of
 */
record ImageFormat(FileSystem fileSystem, Layout layout, Compression compression, int alignMib) {
    /** Kata's: how much memory can be plugged in at once on any architecture. */
    static final int DEFAULT_ALIGN_MIB = 128;

    /** What every folder of a guest has. */
    static final ImageFormat PLAIN_EROFS =
            new ImageFormat(FileSystem.EROFS, Layout.PLAIN, Compression.LARGE, DEFAULT_ALIGN_MIB);

    ImageFormat {
        if (alignMib < 2 || alignMib > 1024 || alignMib % 2 != 0) {
            throw Fault.invalidArgument("an image cannot be aligned to %d MiB", alignMib)
                    .withHint("use --align with an even number from 2 to 1024");
        }
        if (compression != Compression.NONE && fileSystem != FileSystem.EROFS) {
            throw Fault.invalidArgument("%s cannot be compressed", fileSystem.label())
                    .withHint("leave out --compress, or use --fs erofs");
        }
    }

    /**
     * {@return what is packed unless somebody asks for something else: the large files, where
     * nothing is read without a page cache}
     */
    static Compression defaultCompression(FileSystem fileSystem, Layout layout) {
        return fileSystem == FileSystem.EROFS && layout == Layout.PLAIN
                ? Compression.LARGE
                : Compression.NONE;
    }

    /** A file system, by the name that the kernel and {@code rootfs_type} have for it. */
    enum FileSystem {
        EROFS("erofs", "mkfs.erofs"),
        EXT4("ext4", "mkfs.ext4");

        private final String label;
        private final String program;

        FileSystem(String label, String program) {
            this.label = label;
            this.program = program;
        }

        String label() {
            return label;
        }

        /** {@return the program that makes it} */
        String program() {
            return program;
        }

        @Override
        public String toString() {
            return label;
        }
    }

    /** What lies around the file system. */
    enum Layout {
        /** Nothing: the file is the file system. */
        PLAIN,
        /** Kata Containers': a partition at 3 MiB, and a header for access without page cache. */
        KATA;

        String label() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }

        @Override
        public String toString() {
            return label();
        }
    }
}
