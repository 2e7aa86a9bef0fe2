// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

/**
 * What a file system is, as statfs(2) tells it.
 *
 * @param blocks its size, in fragments
 * @param blocksFree what is free, in fragments
 * @param blocksAvailable what is free for everyone but root, in fragments
 * @param files how many inodes there are
 * @param filesFree how many inodes are free
 * @param blockBytes the size of a block that is good to read and write
 * @param nameBytes how long a name may be
 * @param fragmentBytes the unit of the first three
 */
public record FileSystemStatistics(
        long blocks,
        long blocksFree,
        long blocksAvailable,
        long files,
        long filesFree,
        int blockBytes,
        int nameBytes,
        int fragmentBytes) {}
