// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Messages of any content, led by what of the code they reach. */
class MessageJazzerTest {
    private static MessageScenario scenario;

    @BeforeAll
    static void open() throws Exception {
        scenario = new MessageScenario();
    }

    @AfterAll
    static void close() {
        scenario.close();
    }

    @FuzzTest(maxDuration = "20m")
    void message(byte[] data) throws Exception {
        scenario.run(data);
    }
}
