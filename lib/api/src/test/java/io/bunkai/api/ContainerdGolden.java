// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import static io.bunkai.testkit.Hex.hex;

import com.google.protobuf.MessageLite;
import java.util.List;
import java.util.stream.Stream;

/**
 * One of each message that containerd and a shim exchange, in three ways: built by the generated
 * code, as text for an independent encoder, and as the bytes that follow from containerd's field
 * tables. The lines of bytes are made as those of {@link AgentGolden}.
 *
 * @param name of the example
 * @param type full name of the message
 * @param message as built
 * @param text as protocol buffers' text format has it
 * @param annotated the bytes, with the name of each field
 */
record ContainerdGolden(
        String name, String type, MessageLite message, String text, String annotated) {
    static final List<ContainerdGolden> ALL =
            Stream.of(
                            TaskGoldens.ALL,
                            EventGoldens.ALL,
                            ShimGoldens.ALL,
                            CgroupsV1Goldens.ALL,
                            CgroupsV2Goldens.ALL)
                    .flatMap(List::stream)
                    .toList();

    /** {@return the message as it travels} */
    byte[] bytes() {
        return hex(annotated);
    }

    @Override
    public String toString() {
        return name;
    }
}
