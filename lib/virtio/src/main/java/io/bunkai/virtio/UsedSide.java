// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import org.jspecify.annotations.Nullable;

/**
 * What is done when requests are given back: the used ring, the record of what is in flight and the
 * log of dirty pages, each step in the order that makes an end of this process at any moment
 * harmless. All of it under the queue's lock.
 */
final class UsedSide {
    private final SplitRing ring;
    private final InflightArea.@Nullable Part record;

    private @Nullable DirtyLog log;
    private long ringAddress;
    private boolean ringLogged;

    /** Written under the lock, read without it where an old value does no harm. */
    private volatile boolean logging;

    UsedSide(SplitRing ring, InflightArea.@Nullable Part record) {
        this.ring = ring;
        this.record = record;
    }

    /**
     * Takes over from a layout what has to be marked, from this moment on: before the queue's
     * thread has come to use the layout, since what it writes meanwhile counts, too.
     */
    void follow(RingLayout layout) {
        DirtyLog old = log;
        log = layout.memory.log();
        ringAddress = layout.logAddress;
        ringLogged = layout.logged;
        logging = log != null;
        if (log != null) {
            log.hold();
        }
        if (old != null) {
            old.letGo();
        }
    }

    /** Lets go of the log. */
    void close() {
        if (log != null) {
            log.letGo();
            log = null;
            logging = false;
        }
    }

    /** {@return whether writes have to be marked} Without the lock it may be an old answer. */
    boolean isLogging() {
        return logging;
    }

    /** Marks what a request has written, or may have: more than what it was said to have. */
    void markWritten(Chain chain) {
        if (log != null) {
            chain.writable().mark(log);
        }
    }

    /** Marks what we have written to be notified. */
    void markEvent() {
        if (log != null && ringLogged) {
            ring.markEvent(log, ringAddress);
        }
    }

    /**
     * Gives back chains.
     *
     * @return whether the guest wants to be called
     */
    boolean give(int[] heads, int[] lengths, int count) {
        int from = ring.given();
        for (int i = 0; i < count; i++) {
            prepare(i, heads[i], lengths[i]);
        }
        ring.publish(count);
        if (record != null) {
            for (int i = 0; i < count; i++) {
                record.given(heads[i]);
            }
            record.published(ring.given());
        }
        markUsed(count);
        return ring.wantsCall(from);
    }

    /** Gives back one chain; {@return whether the guest wants to be called} */
    boolean give(int head, int length) {
        int from = ring.given();
        prepare(0, head, length);
        ring.publish(1);
        if (record != null) {
            record.given(head);
            record.published(ring.given());
        }
        markUsed(1);
        return ring.wantsCall(from);
    }

    private void prepare(int ahead, int head, int length) {
        if (record != null) {
            record.giving(head);
        }
        ring.give(ahead, head, length);
        ring.release(head);
    }

    private void markUsed(int count) {
        if (log != null) {
            if (ringLogged) {
                ring.mark(log, ringAddress, count);
            }
            log.tell(); // of what the requests have written, too
        }
    }
}
