// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

/**
 * Numbers of the EROFS on-disk format, as far as it is written here: uncompressed files, extended
 * inodes, attributes beside their inode.
 *
 * <p>The file system is a sequence of blocks. Block 0 holds the super block at byte 1024. An
 * inode's number (nid) is its place in units of 32 bytes, counted from the first block of the
 * metadata area, which may stand anywhere: here it stands behind the data, so that data can be
 * written before the metadata is known. A file's whole blocks are one run in the data area; what is
 * left over follows the inode directly ("inline") if both fit into one block, and fills a block of
 * its own otherwise.
 *
 * @spec https://docs.kernel.org/filesystems/erofs.html EROFS
 */
final class ErofsFormat {
    static final int BLOCK_BITS = 12;
    static final int BLOCK = 1 << BLOCK_BITS;

    static final int SUPER_OFFSET = 1024;
    static final int SUPER_SIZE = 128;
    static final int MAGIC = 0xE0F5E1E2;

    static final int COMPAT_SUPER_CHECKSUM = 0x1;

    /** The inode's time is its modification time. */
    static final int COMPAT_MTIME = 0x2;

    // Offsets in the super block.
    static final int SUPER_CHECKSUM = 4;
    static final int SUPER_COMPAT = 8;
    static final int SUPER_BLOCK_BITS = 12;
    static final int SUPER_ROOT_NID = 14;
    static final int SUPER_INODES = 16;
    static final int SUPER_BUILD_TIME = 24;
    static final int SUPER_BLOCKS = 36;
    static final int SUPER_METADATA_BLOCK = 40;
    static final int SUPER_UUID = 48;
    static final int SUPER_VOLUME_NAME = 64;
    static final int SUPER_INCOMPAT = 80;

    /** A nid counts slots of this size. */
    static final int SLOT = 32;

    static final int INODE = 64;
    static final int LAYOUT_PLAIN = 0;
    static final int LAYOUT_INLINE = 2;

    static final int XATTR_HEADER = 12;
    static final int XATTR_ENTRY = 4;
    static final int MAX_XATTR_NAME = 255;
    static final int MAX_XATTR_VALUE = 65_535;

    static final int DIRENT = 12;
    static final int TYPE_FILE = 1;
    static final int TYPE_DIRECTORY = 2;
    static final int TYPE_CHARACTER_DEVICE = 3;
    static final int TYPE_BLOCK_DEVICE = 4;
    static final int TYPE_FIFO = 5;
    static final int TYPE_SYMLINK = 7;

    private ErofsFormat() {}

    /** {@return the kernel's packed form of a device number} */
    static int device(int major, int minor) {
        return (minor & 0xff) | major << 8 | (minor & ~0xff) << 12;
    }

    /** The prefix of an attribute's name is stored as a number, the rest as text. */
    enum XattrPrefix {
        USER(1, "user."),
        POSIX_ACL_ACCESS(2, "system.posix_acl_access"),
        POSIX_ACL_DEFAULT(3, "system.posix_acl_default"),
        TRUSTED(4, "trusted."),
        SECURITY(6, "security.");

        final int index;
        final String text;

        XattrPrefix(int index, String text) {
            this.index = index;
            this.text = text;
        }

        /** {@return whether an attribute of this name has this prefix} */
        boolean matches(String name) {
            return text.endsWith(".")
                    ? name.startsWith(text) && name.length() > text.length()
                    : name.equals(text);
        }
    }
}
