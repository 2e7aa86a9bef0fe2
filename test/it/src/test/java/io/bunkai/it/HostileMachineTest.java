// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.it.HostileMachine.Vice;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A real daemon, with the heap that it is installed with, between hostile machines and a good one.
 */
class HostileMachineTest {
    @RegisterExtension static final TestNode node = new TestNode();

    private static final Set<Vice> OFFENCES = EnumSet.of(Vice.NOISE, Vice.UNASKED, Vice.LARGE);

    private static HostileQemu hostile;

    @BeforeAll
    static void prepare() {
        hostile = HostileQemu.prepare();
    }

    @AfterAll
    static void tidyUp() {
        node.removeContainers();
        node.stopDaemon(); // its QEMU is about to go
        hostile.close();
    }

    @Test
    void offendersEndWithTheReasonAndTheDaemonServesOthersWithinItsMemory() {
        node.bunkai("daemon", "start", "--config", hostile.configuration().toString())
                .expectSuccess();
        int daemon = node.daemonPid();
        node.startSleeper("good");
        for (Vice vice : Vice.values()) {
            hostile.nextHas(vice);
            node.startSleeper(nameOf(vice));
        }

        for (Vice vice : Vice.values()) {
            // Its answer may already be lost.
            node.bunkai("kill", "-s", "USR1", nameOf(vice));
            assertThat(node.out("exec", "good", "echo", "alive")).isEqualTo("alive");
        }
        for (Vice vice : OFFENCES) {
            node.awaitState(nameOf(vice), "lost");
            assertThat(node.json("inspect", nameOf(vice)).path("error").asString())
                    .startsWith("the agent was lost: ");
            node.bunkai("rm", nameOf(vice)).expectSuccess();
        }
        for (Vice vice : EnumSet.complementOf(EnumSet.copyOf(OFFENCES))) {
            assertThat(node.state(nameOf(vice))).isEqualTo("running");
        }
        assertThat(node.out("exec", "good", "echo", "alive")).isEqualTo("alive");

        // One that had run out of its heap would have ended.
        assertThat(node.daemonPid()).isEqualTo(daemon);
    }

    private static String nameOf(Vice vice) {
        return vice.name().toLowerCase(Locale.ROOT);
    }
}
