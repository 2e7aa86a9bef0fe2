// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.linux.ExitStatus;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WaitingTest {
    @TempDir Path directory;
    private final OomEvents events = new OomEvents();

    @BeforeEach
    void writeCounters() throws IOException {
        Log.redirect(OutputStream.nullOutputStream());
        kills(3);
    }

    @Test
    void tellsThatAContainerRanOutOfMemoryWhenItsCounterGrows() throws Exception {
        events.watch("c1", new Cgroup(directory));
        Signal never = new Signal();
        kills(4); // the kernel's announcement
        assertThat(events.take(never)).contains("c1");
        never.raise();
    }

    @Test
    void tellsOneEventForOneCounterHoweverOftenItIsLookedAt() throws Exception {
        events.watch("c1", new Cgroup(directory));
        events.look("c1");
        kills(5);
        events.look("c1");
        events.look("c1");
        Signal gone = new Signal();
        assertThat(events.take(gone)).contains("c1");
        gone.raise();
        assertThat(events.take(gone)).isEmpty();
    }

    @Test
    void wakesWhoWaitsForAnEventOnBehalfOfNobody() throws Exception {
        Signal gone = new Signal();
        FutureTask<Optional<String>> waiting = new FutureTask<>(() -> events.take(gone));
        Thread.ofVirtual().start(waiting);
        gone.raise();
        events.wake();
        assertThat(waiting.get()).isEmpty();
    }

    @Test
    void wakesWhoWaitsForAnExitOnBehalfOfNobody() throws Exception {
        Exit exit = new Exit();
        Signal gone = new Signal();
        FutureTask<Optional<ExitStatus>> waiting = new FutureTask<>(() -> exit.await(gone));
        Thread.ofVirtual().start(waiting);
        gone.raise();
        exit.wake();
        assertThat(waiting.get()).isEmpty();
    }

    @Test
    void keepsTheFirstEndThatItIsTold() throws Exception {
        Exit exit = new Exit();
        StringBuilder told = new StringBuilder();
        exit.onExit(() -> told.append("before "));
        exit.complete(new ExitStatus(4, 0));
        exit.complete(new ExitStatus(5, 0));
        exit.onExit(() -> told.append("after"));
        assertThat(exit.status()).contains(new ExitStatus(4, 0));
        assertThat(told).hasToString("before after");
    }

    @Test
    void refusesToEndAJsonDocumentThatIsOpen() {
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> new JsonWriter().object().finish());
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> new JsonWriter().endObject());
    }

    private void kills(int count) throws IOException {
        Files.writeString(directory.resolve("memory.events"), "oom_kill " + count + "\n");
    }
}
