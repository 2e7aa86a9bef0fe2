// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class TaskScopeTest {
    @Test
    void joinsAllResults() throws Exception {
        try (TaskScope scope = new TaskScope("test")) {
            var one = scope.fork("one", () -> 1);
            var two = scope.fork("two", () -> "2");
            scope.join();
            assertThat(one.result()).isEqualTo(1);
            assertThat(two.result()).isEqualTo("2");
        }
    }

    @Test
    void theFirstFailureInterruptsTheOthersAndIsRethrown() {
        AtomicBoolean interrupted = new AtomicBoolean();
        CountDownLatch waiting = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        try (TaskScope scope = new TaskScope("test")) {
            scope.fork(
                    "waits",
                    () -> {
                        waiting.countDown();
                        try {
                            never.await();
                        } catch (InterruptedException e) {
                            interrupted.set(true);
                            throw e;
                        }
                        return null;
                    });
            scope.fork(
                    "fails",
                    () -> {
                        waiting.await();
                        throw new IOException("broken");
                    });
            assertThatThrownBy(scope::join).isInstanceOf(IOException.class).hasMessage("broken");
        }
        assertThat(interrupted).isTrue();
    }

    @Test
    void noThreadOutlivesTheBlock() throws InterruptedException {
        CountDownLatch waiting = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        AtomicBoolean ended = new AtomicBoolean();
        try (TaskScope scope = new TaskScope("test")) {
            scope.fork(
                    "waits",
                    () -> {
                        waiting.countDown();
                        try {
                            never.await();
                        } finally {
                            ended.set(true);
                        }
                        return null;
                    });
            waiting.await();
        }
        assertThat(ended).isTrue();
    }
}
