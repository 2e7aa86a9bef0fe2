// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.Fd;

/**
 * What the back-end answers.
 *
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user, Communication
 */
sealed interface BackEndReply {
    /** A number; of a request that has no answer of its own, 0 if it was carried out. */
    record Value(long value) implements BackEndReply {
        static final Value DONE = new Value(0);
        static final Value REFUSED = new Value(1);
    }

    /** Where a queue has stopped. */
    record VringBase(int queue, int base) implements BackEndReply {}

    /** A part of the configuration space; no bytes if it was refused. */
    final class Config implements BackEndReply {
        private final int offset;
        private final int flags;
        private final byte[] data;

        Config(int offset, int flags, byte[] data) {
            this.offset = offset;
            this.flags = flags;
            this.data = data.clone();
        }

        int offset() {
            return offset;
        }

        int flags() {
            return flags;
        }

        byte[] data() {
            return data.clone();
        }
    }

    /** Memory to record in what is in flight; the descriptor stays the sender's. */
    record Inflight(long bytes, long offset, int queues, int size, Fd file)
            implements BackEndReply {}
}
