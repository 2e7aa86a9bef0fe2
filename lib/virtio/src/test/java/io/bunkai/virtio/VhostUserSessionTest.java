// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class VhostUserSessionTest {
    @Test
    void requestsComeBackOverEachQueue() throws Exception {
        try (Rig rig = Rig.connected(new TestDevice(2))) {
            DriverQueue first = rig.start(0, 128);
            DriverQueue second = rig.start(1, 8);
            for (int i = 0; i < 1000; i++) {
                rig.echo(first, "first " + i);
                rig.echo(second, "second " + i);
            }
            assertThat(rig.frontEnd.stop(0)).isEqualTo(1000);
            assertThat(rig.frontEnd.stop(1)).isEqualTo(1000);
        }
    }
}
