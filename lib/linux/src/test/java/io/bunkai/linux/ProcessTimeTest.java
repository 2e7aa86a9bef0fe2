// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.testkit.CommandRun;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ProcessTimeTest {
    private final int self = (int) ProcessHandle.current().pid();

    @Test
    void growsWhileThereIsWork() {
        Duration before = ProcessTime.ofThreads(self);
        long sum = 0;
        while (ProcessTime.ofThreads(self).minus(before).toMillis() < 20) {
            sum += System.nanoTime();
        }
        assertThat(sum).isNotZero();
        assertThat(ProcessTime.withChildren(self)).isGreaterThan(Duration.ZERO);
    }

    @Test
    void hasWhatChildrenUsedThatWereWaitedFor() {
        Duration before = ProcessTime.withChildren(self);
        CommandRun.of("sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done")
                .run(Deadline.after(Duration.ofSeconds(60)))
                .expectSuccess();
        assertThat(ProcessTime.withChildren(self).minus(before)).isGreaterThan(Duration.ZERO);
    }

    @Test
    void ofNobodyIsNone() {
        assertThat(ProcessTime.ofThreads(Integer.MAX_VALUE)).isZero();
        assertThat(ProcessTime.withChildren(Integer.MAX_VALUE)).isZero();
    }
}
