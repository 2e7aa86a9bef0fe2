// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import io.bunkai.testkit.ManualClock;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class ControlServerTest {
    private static final String NOTHING =
            ",\"bytes-read\":0,\"bytes-written\":0,\"requests\":0,\"throttled\":0,"
                    + "\"throttled-nanos\":0,\"waits\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"
                    + "\"held\":{},\"parked\":0,\"parked-for\":{},\"bytes-of-credit\":";

    @TempDir Path folder;

    private final Throttle throttle =
            new Throttle(Limits.NONE, new ManualClock(), _ -> new Thread(() -> {}));

    @Test
    void limitsAreChangedAndToldOverTheSocket() throws Exception {
        Path path = folder.resolve("control.sock");
        try (Fd listener = UnixSockets.listenForOwner(path);
                ControlServer server = new ControlServer(listener, throttle)) {
            server.start();
            try (Fd connection = UnixSockets.connect(path);
                    BufferedReader answers =
                            new BufferedReader(
                                    new InputStreamReader(
                                            connection.input(), StandardCharsets.UTF_8))) {
                say(connection, "get\n");
                assertThat(answers.readLine()).isEqualTo("{\"limits\":{}" + NOTHING + "0}");
                say(connection, "set fs-bw-size=5M fs-bw-bur");
                say(connection, "st=1M\nget\n");
                String limits =
                        "{\"limits\":{\"fs-bw-burst\":\"1000000\",\"fs-bw-refill-time\":\"1000\","
                                + "\"fs-bw-size\":\"5000000\"}"
                                + NOTHING
                                + "1000000}";
                assertThat(answers.readLine()).isEqualTo(limits);
                assertThat(answers.readLine()).isEqualTo(limits);
                say(connection, "x".repeat(4097));
                assertThat(answers.readLine()).startsWith("{\"error\":\"a line is longer");
                assertThat(answers.readLine()).isNull();
            }
            try (Fd another = UnixSockets.connect(path)) {
                say(another, "get\n");
                assertThat(another.read(new byte[1], 0, 1)).isEqualTo(1);
            }
        }
    }

    private static void say(Fd connection, String words) throws Exception {
        connection.writeFully(words.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    ''                           | '' is neither 'get' nor 'set'
                    put                          | 'put' is neither 'get' nor 'set'
                    get all                      | 'get' takes nothing
                    set                          | 'set' needs at least one NAME=VALUE
                    set fs-bw-size               | 'fs-bw-size' is no NAME=VALUE with the name of a limit
                    set sandbox=none             | 'sandbox=none' is no NAME=VALUE with the name of a limit
                    set fs-bw-size=1 fs-bw-size=2 | fs-bw-size is said twice
                    set fs-bw-burst=1            | fs-bw-burst makes no sense without fs-bw-size
                    set fs-share-bw-burst=1      | 'fs-share-bw-burst=1' is no NAME=VALUE with the name of a limit
                    set fs-bw-refill-time=0      | fs-bw-refill-time is '0', no number from 1 to 3600000
                    """,
            quoteCharacter = '"')
    void whatMakesNoSenseIsAnsweredWithTheReason(String line, String reason) {
        throttle.set(Map.of("fs-ops-size", "7"));
        ControlServer server = new ControlServer(Fd.standardInput(), throttle);
        String said = line.equals("''") ? "" : line;
        assertThat(server.answer(said)).isEqualTo("{\"error\":\"" + reason + "\"}");
        assertThat(throttle.state().settings()).containsEntry("fs-ops-size", "7").hasSize(3);
    }

    @Test
    void anAnswerIsJsonWhateverWasSaid() {
        ControlServer server = new ControlServer(Fd.standardInput(), throttle);
        assertThat(server.answer("a\"b\\c\u0001d"))
                .isEqualTo(
                        "{\"error\":\"'a\\u0022b\\u005cc\\u0001d' is neither 'get' nor 'set'\"}");
    }
}
