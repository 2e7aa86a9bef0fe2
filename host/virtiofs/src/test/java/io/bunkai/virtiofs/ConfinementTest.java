// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.Fd;
import io.bunkai.linux.FileServerCall;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a server can do that its guest has taken over: see {@link Intruder}. Needs root. */
@Timeout(120)
class ConfinementTest {
    private static final Path DOCUMENT = Path.of("../../docs/confinement.md");
    private static final int KILLED_BY_SIGSYS = 128 + 31;

    @TempDir static Path programs;
    @TempDir Path temporary;
    private static Path launcher;
    private Path share;
    private Path secret;

    @BeforeAll
    static void makeProgram() throws Exception {
        launcher = LaidOutProgram.make(programs, Intruder.class);
    }

    @BeforeEach
    void makeShare() throws IOException {
        share = Files.createDirectory(temporary.toRealPath().resolve("share"));
        secret = Files.writeString(share.resolveSibling("secret"), "nobody's");
    }

    /** What an intruder said, and how its process ended. */
    private record Report(List<String> lines, int status) {
        String of(String attempt) {
            return lines.stream()
                    .filter(line -> line.startsWith(attempt + ": "))
                    .map(line -> line.substring(attempt.length() + 2))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("nothing of " + attempt + ": " + lines));
        }
    }

    private Report intrude(Sandbox sandbox, String... more) throws Exception {
        Path path = temporary.resolve("outside.sock");
        try (ServerSocket port = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Fd _ = UnixSockets.listen(path)) {
            ProcessIdentity self =
                    ProcessIdentity.of((int) ProcessHandle.current().pid()).orElseThrow();
            List<String> words = new ArrayList<>();
            words.add(launcher.toString());
            words.add(RealServer.option(sandbox));
            words.addAll(List.of("--shared-dir=" + share, "--fd=0", "--log-level=error"));
            words.add("--fact:secret=" + secret);
            words.add("--fact:socket=" + path);
            words.add("--fact:port=" + port.getLocalPort());
            words.add("--fact:victim=" + self.pid());
            words.add("--fact:begun=" + self.startTicks());
            words.addAll(List.of(more));
            Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
            String said =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Report(said.lines().toList(), process.waitFor());
        } finally {
            Files.delete(path);
        }
    }

    /** One layer has to hold without the other. */
    @ParameterizedTest
    @EnumSource(Sandbox.class)
    void withoutAFilterTheNamespacesAndTheCapabilitiesHold(Sandbox sandbox) throws Exception {
        Report report = intrude(sandbox, "--seccomp=none");
        boolean inside = sandbox != Sandbox.NONE;
        for (String who : new String[] {"", "earlier "}) {
            assertThat(report.of(who + "mount")).isEqualTo("EPERM");
            assertThat(report.of(who + "namespace")).isEqualTo("EPERM");
            assertThat(report.of(who + "root")).isEqualTo("EPERM");
            assertThat(report.of(who + "device")).isIn("EPERM", "EACCES");
            assertThat(report.of(who + "capability")).isEqualTo("EPERM");
            assertThat(report.of(who + "way back")).isIn("ENOENT", "EACCES");
            assertThat(report.of(who + "own status")).isIn("ENOENT", "EACCES");
            assertThat(report.of(who + "memory")).isEqualTo(inside ? "ENOENT" : "EACCES");
            if (inside) {
                assertThat(report.of(who + "file")).isEqualTo("NoSuchFileException");
                assertThat(report.of(who + "processes")).isEqualTo("ENOENT");
                assertThat(report.of(who + "unix socket")).isEqualTo("ENOENT");
                assertThat(report.of(who + "own files")).endsWith("can be changed: []");
            }
        }
        if (!inside) {
            assertThat(report.of("file")).as("no sandbox is none").isEqualTo("nobody's");
        }
        assertThat(report.of("network"))
                .isEqualTo(sandbox == Sandbox.NAMESPACE ? "SocketException" : "connected");
        assertThat(report.status()).isZero();
        assertThat(secret).hasContent("nobody's");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"mount", "namespace", "root", "unix socket", "network", "program", "signal"})
    void theFilterEndsTheProcess(String attempt) throws Exception {
        Report report = intrude(Sandbox.NONE, "--fact:only=" + attempt);
        assertThat(report.lines()).contains(attempt + "?");
        assertThat(report.lines()).noneMatch(line -> line.startsWith(attempt + ": "));
        assertThat(report.status()).as(report.toString()).isEqualTo(KILLED_BY_SIGSYS);
    }

    @Test
    void aTrapTellsTheNumberOfTheCallAndWhoMadeIt() throws Exception {
        Report report = intrude(Sandbox.NONE, "--seccomp=trap", "--fact:only=mount");
        assertThat(report.lines()).anyMatch(line -> line.contains("SIGSYS"));
        String architecture = System.getProperty("os.arch");
        String register =
                architecture.equals("amd64") ? "RAX=0x00000000000000a5" : "R8=0x0000000000000028";
        assertThat(report.lines()).anyMatch(line -> line.contains(register));
        assertThat(report.lines()).anyMatch(line -> line.contains("io.bunkai.linux.Mounts.mount"));
    }

    @Test
    void theDocumentHasTheListOfCalls() throws IOException {
        List<String> rows =
                Files.readAllLines(DOCUMENT).stream()
                        .filter(line -> line.startsWith("| `") && line.endsWith(" |"))
                        .toList();
        for (FileServerCall call : FileServerCall.values()) {
            assertThat(rows).contains("| `" + call + "` | " + call.reason() + " |");
        }
    }
}
