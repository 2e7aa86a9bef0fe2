// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import org.jspecify.annotations.Nullable;

/**
 * A request of the guest: bytes to read and room to write, checked to lie within the guest's
 * memory. It is the handler's from {@link QueueHandler#serve} until {@link #complete}, which may
 * come later, from any thread, and out of order; the guest's memory stays mapped until then. One
 * thread at a time works with it.
 *
 * <p>Chains are used again: after completion this one may stand for another request.
 */
public final class Chain {
    private final QueueRun queue;
    private final GuestBuffer readable = new GuestBuffer();
    private final GuestBuffer writable = new GuestBuffer();
    private @Nullable Object attachment;

    /** Index of the first descriptor, by which the driver knows the chain. */
    int head;

    /** By which it was taken; set by the queue's thread while the chain is in flight. */
    @Nullable RingLayout layout;

    /** Next one in a list of free ones. */
    @Nullable Chain next;

    Chain(QueueRun queue) {
        this.queue = queue;
    }

    /** {@return number of the queue that it came through} */
    public int queue() {
        return queue.index();
    }

    /** {@return what the guest asks, for the device to read} */
    public GuestBuffer readable() {
        return readable;
    }

    /** {@return where the answer goes, for the device to write} */
    public GuestBuffer writable() {
        return writable;
    }

    /**
     * {@return how many requests are known to wait behind this one in the queue} Meant for the
     * queue's thread, in {@link QueueHandler#serve}; elsewhere it is an old number.
     */
    public int backlog() {
        return queue.backlog();
    }

    /**
     * {@return what was attached to this object last, for whatever request} It stays when the chain
     * is used again, so a handler can keep its working memory there instead of making it anew.
     */
    public @Nullable Object attachment() {
        return attachment;
    }

    /** Attaches something of the handler's. */
    public void attach(@Nullable Object newAttachment) {
        attachment = newAttachment;
    }

    /**
     * Gives the request back to the guest. On the queue's own thread the guest is told with the
     * next few others, at the latest when no more requests wait; on any other thread at once.
     *
     * @param written how many bytes were written, from the beginning of {@link #writable} on
     * @throws IllegalStateException if it is complete already
     * @throws IndexOutOfBoundsException if there was not that much room
     */
    public void complete(long written) {
        queue.complete(this, written);
    }

    /**
     * Tells the guest now of what this queue has completed so far, for a handler that is about to
     * take long. On the queue's own thread only; elsewhere nothing waits to be told.
     */
    public void flush() {
        queue.flushFromHandler();
    }

    int capacity() {
        return Math.max(readable.capacity(), writable.capacity());
    }

    void shrink() {
        readable.shrink();
        writable.shrink();
    }
}
