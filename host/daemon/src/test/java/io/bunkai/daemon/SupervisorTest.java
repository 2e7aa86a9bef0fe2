// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.KeptFds;
import io.bunkai.runtime.StateRoot;
import io.bunkai.testkit.TestRoot;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SupervisorTest {
    private final TestRoot root = TestRoot.create();

    @AfterEach
    void delete() {
        root.close();
    }

    @Test
    void withoutOneNothingIsKeptAndAnybodyMayStartADaemon() {
        StateRoot state = StateRoot.open(root.resolve("state"));
        try (Supervisor supervisor = Supervisor.find(Map.of())) {
            supervisor.mark(state);
            supervisor.ready();
            assertThat(supervisor.inherited()).isEmpty();
            assertThat(supervisor.store()).isSameAs(KeptFds.Store.NONE);
            assertThat(supervisor.toHandOver()).isEmpty();
            assertThat(state.managedFile()).doesNotExist();
        }
    }

    @Test
    void aNewerDaemonHasTheSame() {
        StateRoot state = StateRoot.open(root.resolve("state"));
        Path socket = root.resolve("notify");
        Map<String, String> environment =
                Map.of("NOTIFY_SOCKET", socket.toString(), "WATCHDOG_USEC", "30000000", "A", "b");
        try (Supervisor former = Supervisor.find(environment);
                Supervisor newer = Supervisor.of(former.toHandOver())) {
            assertThat(former.toHandOver())
                    .isEqualTo("NOTIFY_SOCKET=" + socket + "\nWATCHDOG_USEC=30000000");
            assertThat(newer.toHandOver()).isEqualTo(former.toHandOver());
            assertThat(newer.store()).isNotSameAs(KeptFds.Store.NONE);
            newer.mark(state);
            assertThat(state.managedFile()).exists();
        }
        try (Supervisor none = Supervisor.of("")) {
            none.mark(state);
            assertThat(state.managedFile()).doesNotExist();
        }
    }
}
