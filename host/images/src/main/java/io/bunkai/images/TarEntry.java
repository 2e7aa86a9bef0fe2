// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import java.util.SortedMap;

/**
 * What the headers in front of one member of a tar archive say, decoded and checked. Names are
 * {@link Bytes}.
 *
 * @param linkName where a link leads, else empty
 * @param size length of the content with its holes filled; 0 for what has none
 * @param mode permission bits with set-id and sticky bits, nothing else
 */
record TarEntry(
        String name,
        Type type,
        String linkName,
        long size,
        int mode,
        long uid,
        long gid,
        long mtimeSeconds,
        int mtimeNanos,
        int major,
        int minor,
        SortedMap<String, byte[]> xattrs) {

    enum Type {
        FILE,
        HARD_LINK,
        SYMLINK,
        CHARACTER_DEVICE,
        BLOCK_DEVICE,
        DIRECTORY,
        FIFO
    }
}
