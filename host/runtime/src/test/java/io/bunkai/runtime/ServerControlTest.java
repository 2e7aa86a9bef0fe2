// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ServerControlTest {
    private static final Deadline SOON = Deadline.after(Duration.ofSeconds(60));

    @TempDir Path folder;

    private final BlockingQueue<String> requests = new LinkedBlockingQueue<>();
    private ServerSocketChannel listener;
    private ServerControl control;
    private volatile String answer = "{}\n";

    @BeforeEach
    void listen() throws IOException {
        Path socket = folder.resolve("control.sock");
        listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket));
        control = new ServerControl(socket);
        Thread.ofVirtual().start(this::serve);
    }

    @AfterEach
    void end() throws IOException {
        listener.close();
    }

    private void serve() {
        while (true) {
            try (SocketChannel client = listener.accept()) {
                ByteBuffer line = ByteBuffer.allocate(4096);
                client.read(line);
                requests.add(new String(line.array(), 0, line.position(), StandardCharsets.UTF_8));
                client.write(ByteBuffer.wrap(answer.getBytes(StandardCharsets.UTF_8)));
                if (!answer.endsWith("\n")) {
                    client.read(line.clear()); // until the other side has had enough
                }
            } catch (IOException e) {
                if (!listener.isOpen()) {
                    return;
                }
            }
        }
    }

    private static void assertFails(ThrowingCallable work, FaultCode code, String words) {
        assertThatThrownBy(work)
                .isInstanceOfSatisfying(
                        Fault.class, fault -> assertThat(fault.code()).isEqualTo(code))
                .hasMessageContaining(words);
    }

    @Test
    void figuresAreFlat() {
        answer = "{\"limits\":{\"bw-size\":\"10\"},\"read\":{\"bytes\":5,\"waits\":[1,0,2]}}\n";
        assertThat(control.figures(SOON))
                .containsExactly(
                        Map.entry("limits.bw-size", "10"),
                        Map.entry("read.bytes", "5"),
                        Map.entry("read.waits", "1 0 2"));
        assertThat(requests).containsExactly("get\n");
    }

    @Test
    void aListOfLargeNumbersIsWhole() {
        List<String> waits = Collections.nCopies(20, String.valueOf(Long.MAX_VALUE));
        answer = "{\"waits\":[" + String.join(",", waits) + "]}\n";
        assertThat(control.figures(SOON))
                .containsExactly(Map.entry("waits", String.join(" ", waits)));
    }

    @Test
    void changesAreOneRequest() {
        answer = "{\"ok\":true}\n";
        control.set(Map.of("bw-size", "10M"), SOON);
        assertThat(requests).containsExactly("set bw-size=10M\n");
    }

    @Test
    void aRefusalIsTold() {
        answer = "{\"error\":\"a burst needs a size\",\"hint\":\"say bw-size\"}\n";
        assertFails(
                () -> control.set(Map.of("bw-burst", "1"), SOON),
                FaultCode.INVALID_ARGUMENT,
                "a burst needs a size");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1\nset ops-size=0", "1 ops-size=0", "", "1=2"})
    void nobodySaysMoreThanOneThing(String value) {
        assertFails(
                () -> control.set(Map.of("bw-size", value), SOON),
                FaultCode.INVALID_ARGUMENT,
                "is no name or value of a limit");
        assertThat(requests).isEmpty();
    }

    @Test
    void aServerThatWasTakenOverIsGivenUp() {
        answer = "x".repeat(100_000);
        assertFails(() -> control.figures(SOON), FaultCode.UNAVAILABLE, "as it should");
        answer = "no JSON\n";
        assertFails(() -> control.figures(SOON), FaultCode.UNAVAILABLE, "as it should");
        answer = "{\"\\u001b[31m\":\"\\u0007" + "x".repeat(5000) + "\"}\n";
        control.figures(SOON)
                .forEach((name, value) ->
                        assertThat(List.of(name, value))
                                .allSatisfy(text -> assertThat(text.length()).isLessThan(1000))
                                .noneMatch(text -> text.chars().anyMatch(Character::isISOControl)));
    }

    @Test
    void aServerThatIsSilentIsNotWaitedForLongerThanTheDeadline() {
        answer = "{";
        assertFails(
                () -> control.figures(Deadline.after(Duration.ofMillis(50))),
                FaultCode.DEADLINE_EXCEEDED,
                "did not answer");
    }

    @Test
    void aServerThatIsNotThereIsTold() {
        ServerControl gone = new ServerControl(folder.resolve("gone.sock"));
        assertFails(() -> gone.figures(SOON), FaultCode.UNAVAILABLE, "as it should");
    }
}
