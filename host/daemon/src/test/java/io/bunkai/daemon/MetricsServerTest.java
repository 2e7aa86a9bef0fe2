// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Fault;
import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class MetricsServerTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final String TEXT = "# ü\na 1.0\n";
    private static final String GET = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

    private final TestRoot root = TestRoot.create();
    private final Path path = root.resolve("metrics.sock");
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void end() throws Exception {
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
        root.close();
    }

    private void serve(Supplier<String> metrics, Duration patience) throws IOException {
        open.add(MetricsServer.open(path, metrics, patience));
    }

    private SocketChannel connect(String request) throws IOException {
        SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path));
        open.add(client);
        client.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.ISO_8859_1)));
        return client;
    }

    private static String answer(SocketChannel client) throws IOException {
        InputStream in = Channels.newInputStream(client);
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }

    @Test
    void aScrapeGetsTheMetrics() throws IOException {
        serve(() -> TEXT, LONG);
        assertThat(answer(connect(GET)))
                .isEqualTo(
                        "HTTP/1.1 200 OK\r\n"
                                + "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                                + "Content-Length: 11\r\n"
                                + "Connection: close\r\n"
                                + "\r\n"
                                + TEXT);
    }

    @Test
    void onlyItsOwnerReachesIt() throws IOException {
        serve(() -> TEXT, LONG);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
    }

    @Test
    void itLeavesNoSocketBehind() throws Exception {
        MetricsServer server = MetricsServer.open(path, () -> TEXT, LONG);
        server.close();
        assertThat(path).doesNotExist();
        serve(() -> TEXT, LONG);
        assertThat(answer(connect(GET))).endsWith(TEXT);
    }

    @Test
    void eachScrapeIsMadeAnew() throws IOException {
        List<Integer> made = new ArrayList<>();
        serve(
                () -> {
                    made.add(made.size());
                    return made.size() + "\n";
                },
                LONG);
        assertThat(answer(connect(GET))).endsWith("\r\n\r\n1\n");
        assertThat(answer(connect(GET))).endsWith("\r\n\r\n2\n");
    }

    @Test
    void aHeadHasNoBody() throws IOException {
        serve(() -> TEXT, LONG);
        assertThat(answer(connect("HEAD /metrics HTTP/1.0\r\n\r\n")))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("Content-Length: 11\r\n")
                .endsWith("\r\n\r\n");
    }

    @Test
    void aRequestThatComesInPiecesIsOne() throws IOException {
        serve(() -> TEXT, LONG);
        SocketChannel client = connect("GET /metrics?a=b HTT");
        for (String piece : List.of("P/1.1\r", "\nAccept: */*\r\n\r", "\n")) {
            client.write(ByteBuffer.wrap(piece.getBytes(StandardCharsets.ISO_8859_1)));
        }
        assertThat(answer(client)).endsWith(TEXT);
    }

    @ParameterizedTest
    @CsvSource({
        "GET / HTTP/1.1, 404 Not Found",
        "GET /metrics/ HTTP/1.1, 404 Not Found",
        "GET /../metrics HTTP/1.1, 404 Not Found",
        "POST /metrics HTTP/1.1, 405 Method Not Allowed",
        "get /metrics HTTP/1.1, 405 Method Not Allowed",
        "GET /metrics, 400 Bad Request",
        "GET /metrics HTTP/2.0, 400 Bad Request",
        "GET  /metrics HTTP/1.1, 400 Bad Request",
        "'', 400 Bad Request"
    })
    void nothingElseIsServed(String line, String status) throws IOException {
        List<String> made = new ArrayList<>();
        serve(
                () -> {
                    made.add("one");
                    return TEXT;
                },
                LONG);
        assertThat(answer(connect(line + "\r\n\r\n"))).startsWith("HTTP/1.1 " + status + "\r\n");
        assertThat(made).isEmpty();
    }

    @Test
    void whoUsesAnotherMethodIsToldWhich() throws IOException {
        serve(() -> TEXT, LONG);
        assertThat(answer(connect("DELETE /metrics HTTP/1.1\r\n\r\n")))
                .contains("\r\nAllow: GET, HEAD\r\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\r\n\r\n"})
    void aRequestHasABound(String end) throws IOException {
        serve(() -> TEXT, LONG);
        SocketChannel client = connect("GET /metrics HTTP/1.1\r\nA: " + "x".repeat(8192) + end);
        assertThat(answer(client)).startsWith("HTTP/1.1 431 ");
    }

    @Test
    void whoSaysNothingIsLeftAfterAWhile() throws IOException {
        serve(() -> TEXT, Duration.ofMillis(50));
        assertThat(answer(connect("GET /met"))).isEmpty();
    }

    @Test
    void whoReadsNothingIsLeftAfterAWhile() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        serve(
                () -> {
                    asked.countDown();
                    return "x".repeat(16 * 1024 * 1024); // more than a socket holds
                },
                Duration.ofSeconds(1));
        SocketChannel client = connect(GET);
        asked.await();
        // All of it would come if the server were patient; this reader begins when it has left.
        try (SocketChannel other = connect("GET /met")) {
            assertThat(answer(other)).isEmpty();
        }
        assertThat(answer(client).length()).isLessThan(16 * 1024 * 1024);
    }

    @Test
    void whoLeavesBeforeTheAnswerHarmsNobody() throws IOException {
        serve(() -> TEXT, LONG);
        connect("GET /met").close();
        connect(GET).close();
        assertThat(answer(connect(GET))).endsWith(TEXT);
    }

    @Test
    void moreThanAFewAtOnceAreRefused() throws Exception {
        CountDownLatch asked = new CountDownLatch(8);
        CountDownLatch go = new CountDownLatch(1);
        serve(
                () -> {
                    asked.countDown();
                    try {
                        go.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    return TEXT;
                },
                LONG);
        List<SocketChannel> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            all.add(connect(GET));
        }
        asked.await();
        assertThat(answer(connect(GET))).startsWith("HTTP/1.1 503 ");
        go.countDown();
        for (SocketChannel client : all) {
            assertThat(answer(client)).endsWith(TEXT);
        }
        assertThat(answer(connect(GET))).endsWith(TEXT);
    }

    @Test
    void aConnectionTooManyIsClosed() throws Exception {
        serve(() -> TEXT, LONG);
        for (int i = 0; i < 32; i++) {
            connect("GET /met");
        }
        SocketChannel tooMany = SocketChannel.open(UnixDomainSocketAddress.of(path));
        open.add(tooMany);
        assertThat(answer(tooMany)).isEmpty();
    }

    @Test
    void metricsThatCannotBeMadeAreAnErrorWithoutAReason() throws IOException {
        List<RuntimeException> failures =
                new ArrayList<>(
                        List.of(Fault.internal("secret"), new IllegalArgumentException("secret")));
        serve(
                () -> {
                    throw failures.removeFirst();
                },
                LONG);
        for (int i = 0; i < 2; i++) {
            assertThat(answer(connect(GET)))
                    .startsWith("HTTP/1.1 500 Internal Server Error\r\n")
                    .doesNotContain("secret");
        }
        assertThat(failures).isEmpty();
    }
}
