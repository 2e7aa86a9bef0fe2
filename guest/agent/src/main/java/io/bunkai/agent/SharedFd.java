// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.linux.Fd;
import java.util.Optional;

/**
 * A descriptor that several threads use. It is closed when it is told to and the last user has let
 * go, so that no thread finds another file under its number. Guarded by its own monitor.
 */
final class SharedFd implements AutoCloseable {
    private final Fd fd;
    private int users;
    private boolean closing;

    SharedFd(Fd fd) {
        this.fd = fd;
    }

    /** {@return the descriptor, to be given back by {@link #release}; empty if it is closed} */
    synchronized Optional<Fd> acquire() {
        if (closing) {
            return Optional.empty();
        }
        users++;
        return Optional.of(fd);
    }

    synchronized void release() {
        users--;
        if (closing && users == 0) {
            fd.close();
        }
    }

    @Override
    public synchronized void close() {
        if (!closing) {
            closing = true;
            if (users == 0) {
                fd.close();
            }
        }
    }
}
