// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

/**
 * What the guest may believe without asking again.
 *
 * <p>A guest that may not keep data reads and writes with direct I/O: nothing of the file is in its
 * memory, and it can be mapped shared only with {@code --allow-mmap}.
 */
public enum CacheMode {
    /** Nothing: what the host changes is seen at once. */
    NEVER(0, true, false),

    /** Names and attributes, for a day; no data. */
    METADATA(CacheMode.DAY, true, true),

    /** Names and attributes for a second; data until the file is opened anew and has changed. */
    AUTO(CacheMode.SECOND, false, false),

    /** Everything: for a share that only this guest changes. */
    ALWAYS(CacheMode.DAY, false, true);

    private static final long SECOND = 1_000_000_000L;
    private static final long DAY = 86_400 * SECOND;

    private final long timeoutNanos;
    private final boolean direct;
    private final boolean trusting;

    CacheMode(long timeoutNanos, boolean direct, boolean trusting) {
        this.timeoutNanos = timeoutNanos;
        this.direct = direct;
        this.trusting = trusting;
    }

    /** {@return how long names and attributes hold} */
    long timeoutNanos() {
        return timeoutNanos;
    }

    /** {@return whether the guest keeps no data of files} */
    boolean isDirect() {
        return direct;
    }

    /** {@return whether what the guest has of a directory or file outlives its opening} */
    boolean isTrusting() {
        return trusting;
    }

    /** {@return how long "there is no such file" holds; a day of that would surprise anybody} */
    long missingNanos() {
        return trusting ? SECOND : 0;
    }
}
