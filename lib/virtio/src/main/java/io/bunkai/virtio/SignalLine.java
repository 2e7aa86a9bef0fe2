// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.EventFd;
import io.bunkai.linux.Fd;
import org.jspecify.annotations.Nullable;

/**
 * Where the front-end listens, which it may change at any moment: the guest masks and unmasks
 * interrupts. A descriptor is not closed while somebody signals it: its number could be another
 * file's by then.
 */
final class SignalLine implements AutoCloseable {
    private @Nullable EventFd event; // guarded by this
    private long signals; // guarded by this

    /** Takes over a descriptor, or null if nobody listens; closes the one before. */
    synchronized void connect(@Nullable Fd fd) {
        if (event != null) {
            event.close();
        }
        event = fd == null ? null : EventFd.of(fd);
    }

    /** Wakes whoever listens. A failure is the listener's own: nothing here depends on it. */
    synchronized void signal() {
        if (event != null) {
            signals++;
            event.trySignal();
        }
    }

    synchronized long signals() {
        return signals;
    }

    @Override
    public void close() {
        connect(null);
    }
}
