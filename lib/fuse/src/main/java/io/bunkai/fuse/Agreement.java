// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.util.Set;

/**
 * What an INIT has agreed on, for all requests after it.
 *
 * @param minor the smaller of the two versions, 7.{@code minor}
 * @param flags word of {@link InitFlag}s
 * @param maxWrite the most bytes of one WRITE; a larger one is malformed
 * @param maxPages of 4 KiB, of one request; 0 if the kernel does not ask, and takes 32
 * @param maxReadahead how far the kernel reads ahead, in bytes
 * @param timeGranularity in nanoseconds
 * @param maxBackground requests in the background, 0 for the kernel's own number
 * @param congestionThreshold from how many on it holds back, 0 for the kernel's own number
 * @param mapAlignment the power of two that mappings are aligned to
 * @param requestTimeoutSeconds after which the kernel aborts, 0 for never
 */
public record Agreement(
        int minor,
        long flags,
        int maxWrite,
        int maxPages,
        int maxReadahead,
        int timeGranularity,
        int maxBackground,
        int congestionThreshold,
        int mapAlignment,
        int requestTimeoutSeconds) {
    /** What holds before any INIT: nothing. */
    static final Agreement NONE = new Agreement(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    boolean isMade() {
        return minor != 0;
    }

    /** {@return whether a feature was agreed on} */
    public boolean has(InitFlag flag) {
        return (flags & flag.mask()) != 0;
    }

    /** {@return the features that were agreed on} */
    public Set<InitFlag> features() {
        return InitFlag.of(flags);
    }
}
