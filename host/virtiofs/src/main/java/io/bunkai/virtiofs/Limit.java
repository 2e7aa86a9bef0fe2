// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

/**
 * How much may be done in a time: so many bytes, or so many requests.
 *
 * @param size what comes with each interval; it comes evenly, not all at once
 * @param burst beyond that; see {@link #deep}
 * @param deep whether the burst is how much can be saved up, and is there again after a rest; else
 *     it is a credit that is given once, and as much as one interval brings can be saved up
 * @param refillNanos how long an interval is
 */
record Limit(long size, long burst, boolean deep, long refillNanos) {
    /** {@return the most that can be saved up} */
    long depth() {
        return deep ? Math.max(size, burst) : size;
    }

    /** {@return what is given once} */
    long credit() {
        return deep ? 0 : burst;
    }
}
