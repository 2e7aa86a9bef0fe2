// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.virtio.DriverQueue;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the server says, and that saying it is no end of it. Needs root. */
class ServerLoggerFinderTest {
    private final PrintStream before = System.err;
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final System.Logger log =
            new ServerLoggerFinder()
                    .getLogger("io.bunkai.Speaker", ServerLoggerFinderTest.class.getModule());

    @TempDir Path folder;

    @BeforeEach
    void redirect() {
        System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void restore() {
        System.setErr(before);
        ServerLoggerFinder.level(Level.INFO);
    }

    private String text() {
        return written.toString(StandardCharsets.UTF_8);
    }

    @Test
    void anEventIsALineWithTimeLevelClassAndFields() {
        log.log(Level.WARNING, "the guest's queue={0} reason={1} {2} {", 12345, "{0}");
        assertThat(text())
                .matches(
                        "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z WARNING Speaker: the"
                                + " guest's queue=12345 reason=\\{0} \\{2} \\{\\R");
    }

    @Test
    void whatTheGuestSaysIsNoLineOfItsOwn() {
        log.log(Level.WARNING, "said {0}", "a\nb\u001b[31m");
        log.log(Level.WARNING, "said a\nb", new IOException("broken"));
        assertThat(text().lines().filter(line -> line.startsWith("b"))).isEmpty();
        assertThat(text()).contains("java.io.IOException: broken").doesNotContain("\u001b");
    }

    @Test
    void onlyLevelsThatAreWantedAreWritten() {
        log.log(Level.DEBUG, "not wanted");
        ServerLoggerFinder.level(Level.DEBUG);
        log.log(Level.DEBUG, "wanted now");
        ServerLoggerFinder.level(Level.OFF);
        log.log(Level.ERROR, "never wanted");
        assertThat(text().lines()).hasSize(1);
        assertThat(text()).contains("wanted now");
    }

    @ParameterizedTest
    @EnumSource(Sandbox.class)
    void aServerThatHasSomethingToSayLives(Sandbox sandbox) throws Exception {
        RealServer server = serve(sandbox, "--log-level=warn");
        try (server) {
            refuse(server);
            assertThat(server.guest.getattr(GuestMount.ROOT).mode() & 0170000).isEqualTo(0040000);
        }
        assertThat(server.said()).contains(" WARNING ").contains("was refused");
    }

    @Test
    void theLevelOfTheCommandLineHolds() throws Exception {
        RealServer server = serve(Sandbox.NAMESPACE, "--log-level=error");
        try (server) {
            refuse(server);
        }
        assertThat(server.said()).isEmpty();
    }

    @Test
    void aServerThatIsMadeToComplainWithoutEndWritesNoMoreThanItMay() throws Exception {
        RealServer server = serve(Sandbox.NAMESPACE);
        try (server) {
            for (int i = 0; i < 2 * BoundedLog.SAVED_UP; i++) {
                refuse(server);
            }
        }
        assertThat(server.said().lines().count())
                .isGreaterThanOrEqualTo(BoundedLog.SAVED_UP)
                .isLessThan(BoundedLog.SAVED_UP * 3 / 2);
        assertThat(server.said()).contains("lines were left out here: there were too many");
    }

    private RealServer serve(Sandbox sandbox, String... options) throws Exception {
        Path launcher = LaidOutProgram.make(folder.resolve("program"));
        Path share = Files.createDirectory(folder.resolve("share"));
        return new RealServer(launcher, folder, share, sandbox, options);
    }

    /** Has something refused that the server then complains of. */
    private static void refuse(RealServer server) {
        DriverQueue queue = server.guest.lane(0).queue();
        assertThatThrownBy(() -> server.guest.frontEnd().start(200, queue))
                .hasMessageContaining("refused");
    }
}
