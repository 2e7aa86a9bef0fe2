// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Something that goes away when its last holder has let go of it. Whoever made it holds it. Any
 * thread may let go; only a thread that knows of a holder that stays may add one.
 */
abstract class Held {
    private final AtomicInteger holders = new AtomicInteger(1);

    /** Adds a holder. */
    final void hold() {
        if (holders.getAndIncrement() <= 0) {
            throw new IllegalStateException("nobody held it any more");
        }
    }

    /** Takes a holder away. */
    final void letGo() {
        int left = holders.decrementAndGet();
        if (left == 0) {
            free();
        } else if (left < 0) {
            throw new IllegalStateException("somebody let go twice");
        }
    }

    /** Called once, by the thread of the last holder. */
    abstract void free();
}
