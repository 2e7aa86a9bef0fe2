// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.FileServerCall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The list of system calls: with all of them a server does all that a guest can ask, and without
 * any one of them it does not. Needs root.
 */
@Timeout(120)
class NeededCallsTest {
    private static final int KILLED_BY_SIGSYS = 128 + 31;
    private static final List<String> OPTIONS =
            List.of(
                    "--xattr",
                    "--killpriv-v2",
                    "--thread-pool-size=2",
                    "--inode-file-handles=prefer",
                    "--rlimit-nofile=700"); // so that few files stay open
    private static final List<Thread> GUESTS = new CopyOnWriteArrayList<>();

    /** Not each time, or not on each machine: what they are for stands beside them. */
    private static final Set<FileServerCall> SELDOM =
            EnumSet.of(FileServerCall.CLOCK_GETTIME, FileServerCall.SCHED_YIELD);

    @TempDir static Path programs;
    @TempDir Path temporary;
    private static Path launcher;
    private Path share;

    @BeforeAll
    static void makeProgram() throws Exception {
        launcher = LaidOutProgram.make(programs, Deprived.class);
    }

    @BeforeEach
    void makeShare() throws IOException {
        share = Files.createDirectory(temporary.toRealPath().resolve("share"));
        Exercises.fillSmall(share);
    }

    @AfterAll
    static void awaitGuests() throws InterruptedException {
        for (Thread guest : GUESTS) {
            guest.join(); // one whose server has gone gives up by itself
        }
    }

    @ParameterizedTest
    @EnumSource(Sandbox.class)
    void theListHasAllThatAServerNeeds(Sandbox sandbox) throws Exception {
        Outcome outcome = serve(sandbox);
        assertThat(outcome.said()).contains("Full thread dump").doesNotContain("error:");
        assertThat(outcome.status()).as(outcome.said()).isZero();
    }

    static Stream<FileServerCall> needed() {
        Set<FileServerCall> needed = EnumSet.allOf(FileServerCall.class);
        needed.removeAll(FileServerCall.ofReport());
        needed.removeAll(SELDOM);
        return needed.stream();
    }

    @Tag("long")
    @ParameterizedTest
    @MethodSource("needed")
    void theListHasNothingElse(FileServerCall call) throws Exception {
        Outcome outcome = serve(Sandbox.NAMESPACE, "--without=" + call.name());
        assertThat(outcome.status()).as(outcome.said()).isEqualTo(KILLED_BY_SIGSYS);
    }

    private record Outcome(int status, String said) {}

    /** Asks a server for everything, and lets it end, if it has not ended before. */
    private Outcome serve(Sandbox sandbox, String... more) throws Exception {
        List<String> words = new ArrayList<>(OPTIONS);
        words.addAll(List.of(more));
        Process process =
                RealServer.launch(
                        launcher, temporary, share, sandbox, words.toArray(String[]::new));
        CompletableFuture<Void> asked = new CompletableFuture<>();
        GUESTS.add(Thread.ofPlatform().daemon().name("guest").start(() -> ask(process, asked)));
        CompletableFuture.anyOf(process.onExit(), asked).join();
        int status = process.waitFor(); // a guest that was answered wrongly has ended it
        return new Outcome(status, Files.readString(RealServer.log(temporary)));
    }

    private void ask(Process process, CompletableFuture<Void> asked) {
        try (RealServer server = new RealServer(process, temporary)) {
            EveryRequest.ask(server.guest);
            signal(process, "STOP");
            signal(process, "CONT");
            signal(process, "QUIT");
            while (process.isAlive() && !server.said().contains("JNI global refs")) {
                Thread.onSpinWait();
            }
            asked.complete(null);
        } catch (IOException | RuntimeException | InterruptedException | AssertionError e) {
            asked.completeExceptionally(e);
            process.destroyForcibly();
        }
    }

    private static void signal(Process process, String name)
            throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    }
}
