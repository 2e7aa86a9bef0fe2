// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

/** One input of a fuzzer for a {@link MessageScenario}, which is opened once. */
public final class MessageFuzzer {
    private static final MessageScenario SCENARIO = open();

    private MessageFuzzer() {}

    private static MessageScenario open() {
        try {
            return new MessageScenario();
        } catch (Exception e) {
            throw new IllegalStateException("no scenario", e);
        }
    }

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] input) throws Exception {
        SCENARIO.run(input);
    }
}
