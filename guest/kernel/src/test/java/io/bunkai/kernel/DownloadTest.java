// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives from a server on the loopback device. */
class DownloadTest {
    private static final byte[] ARCHIVE = "a kernel".getBytes(StandardCharsets.UTF_8);

    @TempDir private Path folder;

    private final FakeTools tools = new FakeTools();
    private final StringWriter err = new StringWriter();
    private final AtomicInteger downloads = new AtomicInteger();
    private HttpServer server;

    @BeforeEach
    void serve() throws Exception {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/linux-6.1.176.tar.xz",
                exchange -> {
                    downloads.incrementAndGet();
                    exchange.sendResponseHeaders(200, ARCHIVE.length);
                    exchange.getResponseBody().write(ARCHIVE);
                    exchange.close();
                });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private int setup(String file, String digest) {
        String address = "http://127.0.0.1:%d/%s".formatted(server.getAddress().getPort(), file);
        return KernelMain.run(
                new KernelMain.Surroundings(
                        Map.of("BUNKAI_CACHE", folder.toString()),
                        tools,
                        new BuildTools(tools, _ -> true, true),
                        new PrintWriter(new StringWriter(), true),
                        new PrintWriter(err, true)),
                "setup",
                "-u",
                address,
                "--digest",
                "sha256:" + digest);
    }

    private String rightDigest() throws Exception {
        return Digests.sha256(Files.write(folder.resolve("same"), ARCHIVE));
    }

    @Test
    void anArchiveWithTheRightDigestIsDownloadedOnce() throws Exception {
        assertThat(setup("linux-6.1.176.tar.xz", rightDigest())).as(err.toString()).isZero();
        assertThat(setup("linux-6.1.176.tar.xz", rightDigest())).isZero();
        assertThat(downloads).hasValue(1);
    }

    @Test
    void anArchiveWithAnotherDigestIsThrownAway() throws Exception {
        assertThat(setup("linux-6.1.176.tar.xz", "0".repeat(64))).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString()).contains("is not the archive that was asked for");
        assertThat(tools.commands).noneMatch(command -> command.getFirst().equals("tar"));
        try (Stream<Path> left = Files.list(folder.resolve("kernel/downloads"))) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void whatTheServerDoesNotHaveIsToldWithAWayWithoutIt() throws Exception {
        assertThat(setup("linux-9.9.tar.xz", rightDigest())).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString())
                .contains("linux-9.9.tar.xz could not be downloaded\n")
                .contains("cause: the server answers with status 404\n")
                .contains("hint:  without internet use Debian's source");
    }

    @Test
    void aServerThatIsNotThereIsToldLikewise() throws Exception {
        server.stop(0);
        assertThat(setup("linux-6.1.176.tar.xz", rightDigest())).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString()).contains("could not be downloaded\n").contains("cause: ");
    }
}
