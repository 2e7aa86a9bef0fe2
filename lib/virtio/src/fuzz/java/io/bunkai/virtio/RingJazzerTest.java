// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Rings of any content, led by what of the code they reach. */
class RingJazzerTest {
    private static RingScenario scenario;

    @BeforeAll
    static void open() throws Exception {
        scenario = new RingScenario();
    }

    @AfterAll
    static void close() {
        scenario.close();
    }

    @FuzzTest(maxDuration = "20m")
    void ring(byte[] data) throws Exception {
        scenario.run(data);
    }
}
