// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Collects what has been acquired, so that a failure half-way leaves nothing behind and a success
 * hands all of it on.
 *
 * <p>Used in try-with-resources: until {@link #release} is called, leaving the block closes
 * everything, newest first. A later failure to close is suppressed into the first one. Not
 * thread-safe: one acquisition sequence, one thread.
 */
public final class Closer implements AutoCloseable {
    private Deque<AutoCloseable> owned = new ArrayDeque<>();

    /** Takes over {@code resource}: it is closed with this closer. {@return the resource} */
    public <T extends AutoCloseable> T own(T resource) {
        owned.push(resource);
        return resource;
    }

    /** Registers a step that undoes what was just done. */
    public void onClose(AutoCloseable undo) {
        owned.push(undo);
    }

    /** {@return a new closer that owns everything this one owned; this one is empty afterwards} */
    public Closer release() {
        Closer successor = new Closer();
        successor.owned = owned;
        owned = new ArrayDeque<>();
        return successor;
    }

    /**
     * Closes everything, newest first. Idempotent.
     *
     * @throws Fault INTERNAL, with the first failure as its cause and the others suppressed, if
     *     something could not be closed; the rest has been closed nevertheless
     */
    @Override
    public void close() {
        Throwable first = null;
        while (!owned.isEmpty()) {
            first = closeOne(owned.pop(), first);
        }
        // No pattern switch: linking one is slow, and this runs on the guest's way to a container.
        if (first instanceof RuntimeException e) {
            throw e;
        }
        if (first instanceof Error e) {
            throw e;
        }
        if (first != null) {
            throw Fault.internal("cleaning up failed").causedBy(first);
        }
    }

    private static @Nullable Throwable closeOne(AutoCloseable resource, @Nullable Throwable first) {
        try {
            resource.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return collect(e, first);
        } catch (Exception | Error e) {
            return collect(e, first);
        }
        return first;
    }

    private static Throwable collect(Throwable next, @Nullable Throwable first) {
        if (first == null) {
            return next;
        }
        first.addSuppressed(next);
        return first;
    }
}
