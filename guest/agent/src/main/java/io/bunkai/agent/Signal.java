// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Pipe;
import java.util.Optional;

/**
 * Something that happens once, and that a thread in poll(2) can wait for: the read end of a pipe
 * whose write end is closed when it happens. Thread-safe.
 */
final class Signal {
    private final Fd write;
    private final SharedFd read;

    Signal() throws ErrnoException {
        Pipe pipe = Pipe.create();
        write = pipe.write();
        read = new SharedFd(pipe.read());
    }

    /** Makes it happen. Idempotent. The descriptors go when nobody looks at them any more. */
    void raise() {
        write.close();
        read.close();
    }

    /** {@return whether it has happened} */
    boolean isRaised() {
        return !write.isOpen();
    }

    /**
     * {@return a descriptor that becomes readable when it happens, to be given back by {@link
     * #release}; empty if it has happened}
     */
    Optional<Fd> acquire() {
        return read.acquire();
    }

    /** Gives back what {@link #acquire} lent. */
    void release() {
        read.release();
    }
}
