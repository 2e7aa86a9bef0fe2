// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class StreamServerTest {
    private final TestRoot root = TestRoot.create();
    private final Path path = root.resolve("io.sock");
    private StreamServer server;

    @BeforeEach
    void open() throws IOException {
        server = StreamServer.open(path);
    }

    @AfterEach
    void end() {
        server.close();
        root.close();
    }

    private SocketChannel connect(String firstLine) throws IOException {
        SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path));
        client.write(ByteBuffer.wrap(firstLine.getBytes(StandardCharsets.ISO_8859_1)));
        return client;
    }

    private static String readAll(SocketChannel client) throws IOException {
        return new String(Channels.newInputStream(client).readAllBytes(), StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void onlyItsOwnerReachesIt() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
        assertThat(server.path()).isEqualTo(path);
    }

    @Test
    void takesThePlaceOfWhatAFormerDaemonLeft() throws IOException {
        server.close();
        Files.createFile(path);
        server = StreamServer.open(path);
        StreamServer.Reserved stream = server.reserve();
        try (SocketChannel client = connect(stream.token() + "\n")) {
            stream.output().close();
            assertThat(readAll(client)).isEmpty();
        }
    }

    @Test
    void whoTellsTheTokenHasTheOutput() throws IOException {
        StreamServer.Reserved stream = server.reserve();
        try (SocketChannel client = connect(stream.token() + "\n")) {
            try (OutputStream output = stream.output()) {
                output.write(bytes("hello"));
                output.write('!');
            }
            assertThat(readAll(client)).isEqualTo("hello!");
        }
    }

    @Test
    void whatFollowsTheTokenBelongsToTheStream() throws IOException {
        StreamServer.Reserved stream = server.reserve();
        try (SocketChannel client = connect(stream.token() + "\nfirst\nsecond")) {
            client.shutdownOutput();
            try (InputStream input = stream.input()) {
                assertThat(input.read()).isEqualTo('f');
                assertThat(input.readAllBytes()).asString().isEqualTo("irst\nsecond");
            }
        }
    }

    @Test
    void aTokenThatComesInPiecesIsOne() throws IOException {
        StreamServer.Reserved stream = server.reserve();
        String token = stream.token();
        try (SocketChannel client = connect(token.substring(0, 5))) {
            client.write(ByteBuffer.wrap(bytes(token.substring(5))));
            client.write(ByteBuffer.wrap(bytes("\n")));
            stream.output().close();
            assertThat(readAll(client)).isEmpty();
        }
    }

    @Test
    void theStreamWaitsForItsClient() throws Exception {
        StreamServer.Reserved stream = server.reserve();
        CompletableFuture<Void> written =
                CompletableFuture.runAsync(() -> {
                    try (OutputStream output = stream.output()) {
                        output.write(bytes("early"));
                    } catch (IOException e) {
                        throw new IllegalStateException(e);
                    }
                });
        try (SocketChannel client = connect(stream.token() + "\n")) {
            assertThat(readAll(client)).isEqualTo("early");
        }
        written.get(60, TimeUnit.SECONDS);
    }

    @Test
    void aTokenIsGoodForOne() throws IOException {
        StreamServer.Reserved stream = server.reserve();
        try (SocketChannel first = connect(stream.token() + "\n")) {
            OutputStream output = stream.output();
            output.write(bytes("for the first"));
            try (SocketChannel second = connect(stream.token() + "\n")) {
                assertThat(readAll(second)).isEmpty();
            }
            output.close();
            assertThat(readAll(first)).isEqualTo("for the first");
        }
    }

    @Test
    void tokensAreNeverTheSame() {
        assertThat(server.reserve().token())
                .matches("[0-9a-f]{32}")
                .isNotEqualTo(server.reserve().token());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\n",
                "0123\n",
                "00000000000000000000000000000000\n",
                "\u0000\u00ff\n",
                "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
            })
    void aWrongTokenIsTurnedAway(String line) throws IOException {
        StreamServer.Reserved stream = server.reserve();
        try (SocketChannel client = connect(line)) {
            assertThat(readAllOrBroken(client)).isEmpty();
        }
        stream.giveUp();
    }

    /** What it has sent and nobody has read turns the end into an error. */
    private static String readAllOrBroken(SocketChannel client) {
        try {
            return readAll(client);
        } catch (IOException e) {
            return "";
        }
    }

    @Test
    void aClientThatLeavesBeforeItsTokenDisturbsNobody() throws IOException {
        connect("0123").close();
        connect("").close();
        StreamServer.Reserved stream = server.reserve();
        try (SocketChannel client = connect(stream.token() + "\n")) {
            stream.output().close();
            assertThat(readAll(client)).isEmpty();
        }
    }

    @Test
    void aTokenThatNobodyUsesIsVoid() throws IOException {
        server.close();
        server = StreamServer.open(path, Duration.ofMillis(1));
        StreamServer.Reserved stream = server.reserve();
        assertThatThrownBy(() -> stream.output().write(1)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> stream.input().read()).isInstanceOf(IOException.class);
        try (SocketChannel client = connect(stream.token() + "\n")) {
            assertThat(readAllOrBroken(client)).isEmpty();
        }
    }

    @Test
    void aConnectionThatTellsNoTokenIsClosed() throws IOException {
        server.close();
        server = StreamServer.open(path, Duration.ofMillis(1));
        try (SocketChannel client = connect("0123")) {
            assertThat(readAllOrBroken(client)).isEmpty();
        }
    }

    @Test
    void closingAnOutputWaitsForNobodyAndIsToldToWhoComesLater() throws IOException {
        StreamServer.Reserved stream = server.reserve();
        stream.output().close();
        try (SocketChannel client = connect(stream.token() + "\n")) {
            assertThat(readAll(client)).isEmpty();
        }
    }

    @Test
    void aClosedInputTakesNoClient() throws IOException {
        StreamServer.Reserved stream = server.reserve();
        stream.input().close();
        assertThatThrownBy(() -> stream.input().read()).isInstanceOf(IOException.class);
        try (SocketChannel client = connect(stream.token() + "\n")) {
            assertThat(readAllOrBroken(client)).isEmpty();
        }
    }

    @Test
    void closingAnInputEndsAReadThatWaits() throws Exception {
        StreamServer.Reserved stream = server.reserve();
        InputStream input = stream.input();
        try (SocketChannel client = connect(stream.token() + "\nx")) {
            assertThat(client.isConnected()).isTrue();
            assertThat(input.read()).isEqualTo('x');
            CompletableFuture<Boolean> ended = new CompletableFuture<>();
            Thread.ofVirtual()
                    .start(() -> {
                        try {
                            ended.complete(input.read() < 0);
                        } catch (IOException e) {
                            ended.complete(true);
                        }
                    });
            input.close();
            assertThat(ended.get(60, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void theEndOfTheServerEndsWhatWaitsAndLeavesWhatIsConnected() throws Exception {
        StreamServer.Reserved connected = server.reserve();
        StreamServer.Reserved waiting = server.reserve();
        try (SocketChannel client = connect(connected.token() + "\n");
                SocketChannel stranger = connect("")) {
            OutputStream output = connected.output();
            output.write(bytes("a"));
            server.close();
            assertThat(path).doesNotExist();
            assertThatThrownBy(() -> waiting.output().write(1)).isInstanceOf(IOException.class);
            assertThat(readAllOrBroken(stranger)).isEmpty();
            output.write(bytes("b"));
            output.close();
            assertThat(readAll(client)).isEqualTo("ab");
        }
        server.close();
    }
}
