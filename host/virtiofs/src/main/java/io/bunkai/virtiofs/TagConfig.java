// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.virtio.DeviceConfig;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What the guest reads of the device: tag and number of request queues. Only offered if somebody
 * wants the device to have the tag; QEMU has it itself.
 */
final class TagConfig implements DeviceConfig {
    /** How long a tag can be. */
    static final int MOST_TAG_BYTES = 36;

    private final byte[] bytes;

    TagConfig(String tag, int requestQueues) {
        byte[] name = tag.getBytes(StandardCharsets.UTF_8);
        bytes =
                ByteBuffer.allocate(MOST_TAG_BYTES + 4)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .put(name)
                        .putInt(MOST_TAG_BYTES, requestQueues)
                        .array();
    }

    @Override
    public byte[] read() {
        return bytes.clone();
    }

    @Override
    public boolean write(int offset, byte[] data, boolean migration) {
        return false;
    }
}
