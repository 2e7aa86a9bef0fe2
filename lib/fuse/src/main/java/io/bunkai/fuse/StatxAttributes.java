// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

/**
 * What a file is, as statx(2) tells it. Asked for only where somebody wants the time of birth.
 *
 * @param mask which of these are valid, bits of STATX_*
 * @param attributes bits of STATX_ATTR_*
 * @param attributesMask which of those are known at all
 * @param device of a device file
 * @param fileSystem the device that the file lies on
 * @spec https://man7.org/linux/man-pages/man2/statx.2.html statx(2)
 */
public record StatxAttributes(
        int mask,
        int blockBytes,
        long attributes,
        int links,
        int uid,
        int gid,
        int mode,
        long inode,
        long size,
        long blocks,
        long attributesMask,
        Time accessed,
        Time born,
        Time changed,
        Time modified,
        Device device,
        Device fileSystem) {
    /** A moment: seconds since 1970, and nanoseconds from 0 to 999,999,999. */
    public record Time(long seconds, int nanos) {}

    /** A device's number, in its two parts. */
    public record Device(int major, int minor) {}
}
