// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import java.util.concurrent.atomic.AtomicInteger;

/** How many descriptors the guest may make this process have, counted before they are opened. */
final class Descriptors {
    private final int most;
    private final AtomicInteger used = new AtomicInteger();

    Descriptors(int most) {
        this.most = most;
    }

    /** {@return whether one more may be opened} It is given back when it is closed. */
    boolean tryTake() {
        while (true) {
            int now = used.get();
            if (now >= most) {
                return false;
            }
            if (used.compareAndSet(now, now + 1)) {
                return true;
            }
        }
    }

    void giveBack() {
        used.getAndDecrement();
    }

    int used() {
        return used.get();
    }

    int most() {
        return most;
    }
}
