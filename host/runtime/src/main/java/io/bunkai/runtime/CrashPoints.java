// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;

/** What happens at a {@link CrashPoint}: nothing, outside of tests. */
@FunctionalInterface
public interface CrashPoints {
    /** Nothing happens anywhere. */
    CrashPoints NONE = _ -> {};

    /** Tells that the calling thread has come to this point. */
    void reach(CrashPoint point);

    /**
     * {@return points of which one, reached for the first time, ends this process as kill -9 would}
     */
    static CrashPoints dieAt(CrashPoint fatal) {
        AtomicBoolean armed = new AtomicBoolean(true);
        return point -> {
            if (point == fatal && armed.getAndSet(false)) {
                System.err.println("crash point reached: " + point.label());
                Runtime.getRuntime().halt(KILLED);
            }
        };
    }

    /**
     * {@return points of which one, reached for the first time, holds the thread that came there:
     * it connects to a socket, writes the point's label, and goes on when the other side closes}
     *
     * <p>Meanwhile a test can let die whom it likes. Nobody else is held, unless they need a lock
     * that the thread has.
     */
    static CrashPoints holdAt(CrashPoint point, Path gate) {
        AtomicBoolean armed = new AtomicBoolean(true);
        return reached -> {
            if (reached == point && armed.getAndSet(false)) {
                hold(point, gate);
            }
        };
    }

    private static void hold(CrashPoint point, Path gate) {
        try (SocketChannel held = SocketChannel.open(UnixDomainSocketAddress.of(gate))) {
            held.write(ByteBuffer.wrap(point.label().getBytes(StandardCharsets.UTF_8)));
            held.shutdownOutput();
            held.read(ByteBuffer.allocate(1));
        } catch (IOException e) { // the test has gone, or whoever calls this thread off
            System.err.println("hold point left: " + point.label() + ": " + e);
        }
    }

    /** What a shell reports of a process that was killed by SIGKILL. */
    int KILLED = 137;
}
