// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.Fd;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One message as it is on the wire: {@code u32 request; u32 flags; u32 size}, the payload, and
 * descriptors that came with it. Closing it closes those that nobody has taken.
 *
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user, Message Specification
 */
final class Frame implements AutoCloseable {
    static final int HEADER_BYTES = 12;

    /** More than any message needs, and little enough to be set aside for whoever asks. */
    static final int LARGEST_PAYLOAD = 4096;

    static final int VERSION = 1;
    static final int VERSION_MASK = 3;
    static final int REPLY = 4;
    static final int NEED_REPLY = 8;

    private final int request;
    private final int flags;
    private final byte[] payload;
    private final List<Fd> descriptors;

    Frame(int request, int flags, byte[] payload, List<Fd> descriptors) {
        this.request = request;
        this.flags = flags;
        this.payload = payload;
        this.descriptors = new ArrayList<>(descriptors);
    }

    int request() {
        return request;
    }

    int flags() {
        return flags;
    }

    boolean needsReply() {
        return (flags & NEED_REPLY) != 0;
    }

    boolean isReply() {
        return (flags & REPLY) != 0;
    }

    byte[] payload() {
        return payload;
    }

    /** {@return descriptors that nobody has taken, owned by this} */
    List<Fd> descriptors() {
        return List.copyOf(descriptors);
    }

    /** {@return a descriptor of this, which is the caller's from now on} */
    Fd take(Fd descriptor) {
        if (!descriptors.remove(descriptor)) {
            throw new IllegalArgumentException("no descriptor of this message");
        }
        return descriptor;
    }

    @Override
    public void close() {
        descriptors.forEach(Fd::close);
        descriptors.clear();
    }

    @Override
    public String toString() {
        return "request %d, flags 0x%x, payload %s, %d descriptors"
                .formatted(request, flags, Arrays.toString(payload), descriptors.size());
    }
}
