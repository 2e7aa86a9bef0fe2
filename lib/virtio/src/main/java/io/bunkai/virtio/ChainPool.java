// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Chains that stand for no request. The queue's thread takes them out and puts them back; other
 * threads hand theirs in on a list that it fetches as a whole when it has run out.
 */
final class ChainPool {
    /** Chains with room for more pieces than this are kept only up to a number of them. */
    private static final int LARGE = 32;

    private static final int MOST_LARGE = 64;

    private final QueueRun queue;
    private final AtomicReference<@Nullable Chain> handedIn = new AtomicReference<>();
    private @Nullable Chain free;
    private int large;

    ChainPool(QueueRun queue) {
        this.queue = queue;
    }

    /** {@return a chain, a new one if there is none} By the queue's thread. */
    Chain take() {
        if (free == null && handedIn.get() != null) {
            Chain chain = handedIn.getAndSet(null);
            while (chain != null) {
                Chain following = chain.next;
                put(chain);
                chain = following;
            }
        }
        Chain chain = free;
        if (chain == null) {
            return new Chain(queue);
        }
        free = chain.next;
        chain.next = null;
        if (chain.capacity() > LARGE) {
            large--;
        }
        return chain;
    }

    /** Puts a chain back. By the queue's thread. */
    void put(Chain chain) {
        if (chain.capacity() > LARGE) {
            if (large == MOST_LARGE) {
                chain.shrink();
            } else {
                large++;
            }
        }
        chain.next = free;
        free = chain;
    }

    /** Puts a chain back. By any other thread. */
    void handIn(Chain chain) {
        Chain first;
        do {
            first = handedIn.get();
            chain.next = first;
        } while (!handedIn.compareAndSet(first, chain));
    }
}
