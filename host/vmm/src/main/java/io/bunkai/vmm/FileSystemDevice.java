// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.Fault;
import java.nio.charset.StandardCharsets;

/**
 * A file system of the host that a machine's guest can mount. A server, which is no part of the
 * hypervisor, serves it at {@link VirtualMachineSpec#fileServerSocket}; it maps the machine's
 * memory, which has to be shared for that.
 *
 * @param tag what the guest mounts it by, 1 to 36 bytes
 * @param queueSize how many requests wait in a queue at most; a power of two up to 1024
 * @spec https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html#x1-45800011 5.11 File
 *     System Device
 */
public record FileSystemDevice(String tag, int queueSize) {
    /** A virtqueue of QEMU has no more. */
    public static final int LARGEST_QUEUE = 1024;

    private static final int LONGEST_TAG = 36;

    /**
     * Checks.
     *
     * @throws Fault INVALID_ARGUMENT if the tag or the queue's size is not as described
     */
    public FileSystemDevice {
        int length = tag.getBytes(StandardCharsets.UTF_8).length;
        if (length == 0 || length > LONGEST_TAG || tag.indexOf('\0') >= 0) {
            throw Fault.invalidArgument("'%s' cannot be the tag of a file system", tag);
        }
        if (queueSize < 1 || queueSize > LARGEST_QUEUE || Integer.bitCount(queueSize) != 1) {
            throw Fault.invalidArgument("a file system cannot have a queue of %d", queueSize)
                    .withHint("give a power of two from 1 to %d", LARGEST_QUEUE);
        }
    }
}
