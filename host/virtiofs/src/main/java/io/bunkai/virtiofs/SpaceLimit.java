// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Amount;
import io.bunkai.base.Fault;

/**
 * How much a share may take.
 *
 * @param bytes allocated bytes at most
 * @param inodes files of all kinds at most; {@link #NO_LIMIT} for as many as there are
 */
record SpaceLimit(long bytes, long inodes) {
    /** So many inodes that there is no limit. */
    static final long NO_LIMIT = Long.MAX_VALUE;

    /**
     * Reads {@code BYTES[,INODES]}: a size as {@link Amount} has it, and a number.
     *
     * @throws Fault INVALID_ARGUMENT if it is none
     */
    static SpaceLimit parse(String text) {
        int comma = text.indexOf(',');
        long bytes = bytes(comma < 0 ? text : text.substring(0, comma));
        return new SpaceLimit(bytes, comma < 0 ? NO_LIMIT : inodes(text.substring(comma + 1)));
    }

    private static long bytes(String text) {
        return Amount.of(text)
                .orElseThrow(() ->
                        Fault.invalidArgument("'%s' is no size", text)
                                .withHint(
                                        "write a number of bytes, or one with k, M, G (1000) or Ki,"
                                                + " Mi, Gi (1024)"));
    }

    private static long inodes(String text) {
        try {
            long number = Long.parseLong(text);
            if (number > 0) {
                return number;
            }
        } catch (NumberFormatException _) {
            // as any other that is none
        }
        throw Fault.invalidArgument("'%s' is no number of files", text)
                .withHint("write BYTES,INODES, as in 512M,10000");
    }
}
