// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.util.Set;

/**
 * What a server would like to agree on.
 *
 * @param wanted features to be used if the kernel has them
 * @param required features without which there is no point in going on; they are wanted, too
 * @param maxWrite the most bytes of one WRITE, and with {@link InitFlag#MAX_PAGES} of one READ; 4
 *     KiB to 256 MiB
 * @param maxReadahead how far the kernel may read ahead, in bytes
 * @param timeGranularity of the times in attributes, in nanoseconds: a power of ten up to one
 *     second
 * @param maxBackground how many requests the kernel may have under way in the background, 0 to
 *     65,535; 0 leaves it to the kernel, which takes 12
 * @param congestionThreshold from how many on it holds back; 0 leaves it to the kernel
 * @param mapAlignment the power of two that mappings are aligned to, for {@link
 *     InitFlag#MAP_ALIGNMENT}
 * @param requestTimeoutSeconds for {@link InitFlag#REQUEST_TIMEOUT}, 0 to 65,535
 */
public record InitOptions(
        Set<InitFlag> wanted,
        Set<InitFlag> required,
        int maxWrite,
        int maxReadahead,
        int timeGranularity,
        int maxBackground,
        int congestionThreshold,
        int mapAlignment,
        int requestTimeoutSeconds) {
    /** The smallest {@code max_write}: the kernel would not believe less. */
    public static final int LEAST_WRITE = 4096;

    /** What 65,535 pages can hold. */
    public static final int MOST_WRITE = 65535 * Negotiation.PAGE_BYTES;

    private static final int MOST_16 = 0xffff;
    private static final int SECOND = 1_000_000_000;

    /**
     * @throws IllegalArgumentException if a number is outside of its range
     */
    public InitOptions {
        wanted = Set.copyOf(wanted);
        required = Set.copyOf(required);
        check("max_write", maxWrite, LEAST_WRITE, MOST_WRITE);
        check("max_readahead", maxReadahead, 0, Integer.MAX_VALUE);
        check("time_gran", timeGranularity, 1, SECOND);
        for (int power = timeGranularity; power > 1; power /= 10) {
            if (power % 10 != 0) {
                throw new IllegalArgumentException("time_gran is no power of ten: " + power);
            }
        }
        check("max_background", maxBackground, 0, MOST_16);
        check("congestion_threshold", congestionThreshold, 0, MOST_16);
        check("map_alignment", mapAlignment, 0, 63);
        check("request_timeout", requestTimeoutSeconds, 0, MOST_16);
    }

    /** {@return options with these features, requests of 1 MiB, and times to the nanosecond} */
    public static InitOptions wanting(Set<InitFlag> wanted) {
        return new InitOptions(wanted, Set.of(), 1 << 20, 1 << 20, 1, 0, 0, 0, 0);
    }

    private static void check(String what, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    what + " is " + value + ", not within " + least + " to " + most);
        }
    }
}
