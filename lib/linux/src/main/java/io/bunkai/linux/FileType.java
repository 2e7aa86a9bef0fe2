// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

/**
 * What a file is. The kernel has one number for each in a directory's entry and, as the upper four
 * bits, in a file's mode.
 *
 * @spec https://man7.org/linux/man-pages/man7/inode.7.html inode(7)
 */
public enum FileType {
    /** A file system may leave the type out of a directory's entry. */
    UNKNOWN(0),
    FIFO(1),
    CHARACTER_DEVICE(2),
    DIRECTORY(4),
    BLOCK_DEVICE(6),
    REGULAR_FILE(8),
    SYMBOLIC_LINK(10),
    SOCKET(12);

    private static final FileType[] BY_NUMBER = new FileType[16];

    static {
        java.util.Arrays.fill(BY_NUMBER, UNKNOWN);
        for (FileType type : values()) {
            BY_NUMBER[type.number] = type;
        }
    }

    private final int number;

    FileType(int number) {
        this.number = number;
    }

    /** {@return the type with this number, of whose bits the lowest four count} */
    static FileType ofNumber(int number) {
        return BY_NUMBER[number & 15];
    }
}
