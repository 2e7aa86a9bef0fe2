// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

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

    /** What a shell reports of a process that was killed by SIGKILL. */
    int KILLED = 137;
}
