// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

/** One input of a fuzzer for a {@link RingScenario}, which is opened once. */
public final class RingFuzzer {
    private static final RingScenario SCENARIO = open();

    private RingFuzzer() {}

    private static RingScenario open() {
        try {
            return new RingScenario();
        } catch (Exception e) {
            throw new IllegalStateException("no scenario", e);
        }
    }

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] input) throws Exception {
        SCENARIO.run(input);
    }
}
