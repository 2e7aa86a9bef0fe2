// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

/**
 * What every request begins with.
 *
 * @param opcode a number of {@link Opcode}, or one that is not there
 * @param unique the kernel's number for this request; the reply repeats it
 * @param node what the request is about; {@link #ROOT} is known from the beginning
 * @param uid whom the kernel acts for, an unsigned number; {@link #NO_ID} if it cannot be told
 * @param gid that one's group, an unsigned number; {@link #NO_ID} if it cannot be told
 * @param pid that one's process in the peer, of no use to anyone but logs
 */
public record RequestHeader(int opcode, long unique, long node, int uid, int gid, int pid) {
    /** The root directory's node. */
    public static final long ROOT = 1;

    /** FUSE_INVALID_UIDGID: an id that the peer's mount does not map. */
    public static final int NO_ID = -1;
}
