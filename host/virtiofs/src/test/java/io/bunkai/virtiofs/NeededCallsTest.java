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
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
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
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The list of system calls: with all of them a server does all that a guest can ask, and without
 * any one of them it does not. Needs root.
 */
@Timeout(120)
class NeededCallsTest {
    private static final long PATIENCE_SECONDS = 20;
    private static final int KILLED_BY_SIGSYS = 128 + 31;
    private static final List<String> OPTIONS =
            List.of(
                    "--xattr",
                    "--killpriv-v2",
                    "--thread-pool-size=2",
                    "--inode-file-handles=prefer",
                    "--rlimit-nofile=700"); // so that few files stay open
    private static final List<Thread> GUESTS = new CopyOnWriteArrayList<>();

    /** Not on each machine, not each time, not on each file system, or answered with ENOSYS. */
    private static final Set<FileServerCall> SELDOM =
            EnumSet.of(
                    FileServerCall.CLOCK_GETTIME,
                    FileServerCall.SCHED_YIELD,
                    FileServerCall.BRK,
                    FileServerCall.FCNTL,
                    FileServerCall.MREMAP,
                    FileServerCall.NEWFSTATAT,
                    FileServerCall.FSTAT,
                    FileServerCall.SYSINFO);

    /** For a control socket that whoever starts a server may give it. */
    private static final Set<FileServerCall> CONTROL =
            EnumSet.of(FileServerCall.RECVFROM, FileServerCall.SENDTO, FileServerCall.SHUTDOWN);

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
        assertThat(outcome.status()).as(outcome.said()).isZero();
        assertThat(outcome.failure().join()).as(outcome.said()).isEmpty();
        assertThat(outcome.said()).contains("Full thread dump").doesNotContain("error:");
    }

    @Tag("long")
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "--thread-pool-size=0 --cache=never --rlimit-nofile=700",
                "--thread-pool-size=8 --cache=always --writeback --posix-acl",
                "--cache=metadata --allow-direct-io --allow-mmap --no-readdirplus",
                "--inode-file-handles=mandatory --announce-submounts --preserve-noatime",
                "--fs-bw-size=1G --fs-bw-burst=1M --fs-ops-size=10k --fs-bw-refill-time=10",
                "--fs-quota=1G,100000 --security-label",
                "--modcaps=+mknod:+sys_admin --xattrmap=:map::user.guest.:",
            })
    void theListHasAllThatAServerNeedsWhateverItsOptions(String options) throws Exception {
        Outcome outcome = serveWith(Sandbox.NAMESPACE, ("--xattr " + options).split(" "));
        assertThat(outcome.status()).as(outcome.said()).isZero();
        assertThat(outcome.failure().join()).as(outcome.said()).isEmpty();
    }

    static Stream<FileServerCall> needed() {
        Set<FileServerCall> needed = EnumSet.allOf(FileServerCall.class);
        needed.removeAll(FileServerCall.ofReport());
        needed.removeAll(SELDOM);
        needed.removeAll(CONTROL);
        return needed.stream();
    }

    @Tag("long")
    @ParameterizedTest
    @MethodSource("needed")
    void theListHasNothingElse(FileServerCall call) throws Exception {
        Outcome outcome = serve(Sandbox.NAMESPACE, "--without=" + call.name());
        assertThat(outcome.status()).as(outcome.said()).isEqualTo(KILLED_BY_SIGSYS);
    }

    /** How a server ended, what its guest met, once the guest has ended, too, and what it said. */
    private record Outcome(
            int status, CompletableFuture<Optional<Throwable>> failure, String said) {}

    /** Asks a server for everything, and lets it end, if it has not ended before. */
    private Outcome serve(Sandbox sandbox, String... more) throws Exception {
        List<String> words = new ArrayList<>(OPTIONS);
        words.addAll(List.of(more));
        return serveWith(sandbox, words.toArray(String[]::new));
    }

    private Outcome serveWith(Sandbox sandbox, String... words) throws Exception {
        Process process = RealServer.launch(launcher, temporary, share, sandbox, words);
        CompletableFuture<Optional<Throwable>> asked = new CompletableFuture<>();
        GUESTS.add(Thread.ofPlatform().daemon().name("guest").start(() -> ask(process, asked)));
        CompletableFuture.anyOf(process.onExit(), asked).join();
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
        return new Outcome(process.waitFor(), asked, Files.readString(RealServer.log(temporary)));
    }

    private void ask(Process process, CompletableFuture<Optional<Throwable>> asked) {
        try (RealServer server = new RealServer(process, temporary)) {
            EveryRequest.ask(server.guest);
            signal(process, "STOP");
            signal(process, "CONT");
            signal(process, "QUIT");
            while (process.isAlive() && !server.said().contains("JNI global refs")) {
                Thread.onSpinWait();
            }
        } catch (IOException | RuntimeException | InterruptedException | AssertionError e) {
            asked.complete(Optional.of(e));
        }
        asked.complete(Optional.empty());
    }

    private static void signal(Process process, String name)
            throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    }
}
