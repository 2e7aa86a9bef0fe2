// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

/** What is counted, each against a limit of its own if there is one. */
enum Meter {
    /** Bytes read and written together; if they are limited, the next two are not. */
    TOTAL("fs-bw", "fs-bw-refill-time"),
    /** Bytes read. */
    READ("fs-bw-read", "fs-bw-refill-time"),
    /** Bytes written. */
    WRITE("fs-bw-write", "fs-bw-refill-time"),
    /** Requests. */
    OPERATIONS("fs-ops", "fs-ops-refill-time"),
    /** Bytes read and written, against a part of what several servers have together. */
    SHARE("fs-share-bw", ""),
    /** Requests, against a part of what several servers have together. */
    SHARE_OPERATIONS("fs-share-ops", "");

    private final String prefix;
    private final String refill;

    Meter(String prefix, String refill) {
        this.prefix = prefix;
        this.refill = refill;
    }

    /** {@return whether the bytes of requests of this direction are counted} */
    boolean countsBytesOf(Direction direction) {
        return switch (this) {
            case TOTAL, SHARE -> direction != Direction.NONE;
            case READ -> direction == Direction.READ || direction == Direction.COPY;
            case WRITE -> direction == Direction.WRITE || direction == Direction.COPY;
            case OPERATIONS, SHARE_OPERATIONS -> false;
        };
    }

    boolean countsRequests() {
        return this == OPERATIONS || this == SHARE_OPERATIONS;
    }

    /**
     * {@return whether the limit is a part of a larger one, divided anew again and again: so much
     * for each second, nothing beyond that}
     */
    boolean isShare() {
        return this == SHARE || this == SHARE_OPERATIONS;
    }

    /** {@return the name of the setting that says how much comes with an interval} */
    String size() {
        return prefix + "-size";
    }

    /** {@return the name of the setting that says what there is beyond that} */
    String burst() {
        return prefix + "-burst";
    }

    /** {@return the name of the setting that says how long an interval is} */
    String refill() {
        return refill;
    }
}
