// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.linux.Fd;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A descriptor that several threads use and one of them may close: it is closed when the last of
 * them has let go, so that no thread finds another file under its number.
 *
 * <p>{@link #state} counts who uses it. It is {@value #NONE} while there is no descriptor, and
 * {@value #CLOSING} for the moment that closing one takes.
 */
abstract class SharedFd {
    private static final int NONE = -1;
    private static final int CLOSING = -2;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(SharedFd.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private @Nullable Fd fd; // published by state
    private volatile int state = NONE;
    private volatile boolean done; // nobody will want it once those who use it have let go

    /** Gives it a descriptor, which the caller uses as the first. Only while it has none. */
    final void open(Fd newFd) {
        while (state == CLOSING) {
            Thread.onSpinWait();
        }
        fd = newFd;
        state = 1;
    }

    /** {@return whether there is one to use; whoever is told so lets go} */
    final boolean tryHold() {
        while (true) {
            int now = state;
            if (now < 0 || now == Integer.MAX_VALUE) {
                return false;
            }
            if (STATE.compareAndSet(this, now, now + 1)) {
                return true;
            }
        }
    }

    /** {@return the descriptor, for who holds it} */
    final Fd fd() {
        Fd now = fd;
        if (now == null) {
            throw new IllegalStateException("nobody holds this descriptor");
        }
        return now;
    }

    /** {@return whether that is the one it was given} */
    final boolean fdIs(Fd other) {
        return fd == other;
    }

    /** Uses it no longer. */
    final void letGo() {
        int left = (int) STATE.getAndAdd(this, -1) - 1;
        if (left == 0 && done) {
            tryClose();
        }
    }

    /** Closes it now, or when the last who uses it lets go. */
    final void finish() {
        done = true;
        if (state == 0) {
            tryClose();
        }
    }

    /** {@return whether it was closed, which it is not while somebody uses it} */
    final boolean tryClose() {
        if (!STATE.compareAndSet(this, 0, CLOSING)) {
            return false;
        }
        Fd now = fd();
        closing();
        fd = null;
        state = NONE;
        now.close();
        closed();
        return true;
    }

    /** {@return whether nobody uses it, at this moment} */
    final boolean isIdle() {
        return state == 0;
    }

    /** {@return whether there is no descriptor} */
    final boolean isClosed() {
        return state < 0;
    }

    final boolean isDone() {
        return done;
    }

    /** Tells that the descriptor is about to be closed. */
    void closing() {}

    /** Tells that the descriptor is closed. */
    abstract void closed();
}
