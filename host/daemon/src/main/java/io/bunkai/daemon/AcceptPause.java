// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import java.time.Duration;

/** After a connection could not be accepted: whatever is used up is not there again at once. */
final class AcceptPause {
    private static final Duration PAUSE = Duration.ofMillis(100);

    private AcceptPause() {}

    static void take() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
