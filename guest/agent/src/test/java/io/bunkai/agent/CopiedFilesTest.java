// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.google.protobuf.ByteString;
import io.bunkai.api.agent.CopyFileRequest;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CopiedFilesTest {
    @TempDir Path base;
    private Path containers;
    private CopiedFiles files;

    @BeforeEach
    void makePlaces() throws IOException {
        GuestLayout layout = AgentFixture.layout(base, base.resolve("crun"), base);
        containers = Files.createDirectories(layout.containers());
        files = new CopiedFiles(layout);
    }

    private CopyFileRequest.Builder piece(String path, String data) {
        return CopyFileRequest.newBuilder()
                .setPath(path.startsWith("/") ? path : containers.resolve(path).toString())
                .setFileMode(0100640)
                .setDirMode(0750)
                .setUid(12)
                .setGid(13)
                .setFileSize(data.length())
                .setData(ByteString.copyFromUtf8(data));
    }

    @Test
    void aFileHasItsOwnerModeAndDirectories() throws Exception {
        files.take(piece("c1/files/0", "127.0.0.1 localhost\n").build());
        Path copy = containers.resolve("c1/files/0");
        assertThat(copy).hasContent("127.0.0.1 localhost\n");
        assertThat(Files.readAttributes(copy, "unix:mode,uid,gid"))
                .containsEntry("mode", 0100640)
                .containsEntry("uid", 12)
                .containsEntry("gid", 13);
        assertThat(Files.getAttribute(copy.getParent(), "unix:mode")).isEqualTo(040750);
    }

    @Test
    void aFileOfSeveralPiecesAppearsWhenItIsWhole() throws Exception {
        files.take(piece("c1/a", "first ").setFileSize(12).build());
        assertThat(containers.resolve("c1/a")).doesNotExist();
        files.take(piece("c1/a", "second").setFileSize(12).setOffset(6).build());
        assertThat(containers.resolve("c1/a")).hasContent("first second");
    }

    @Test
    void aFileThatIsCopiedAgainTakesTheFormersPlace() throws Exception {
        files.take(piece("c1/a", "a longer text").build());
        files.take(piece("c1/a", "short").build());
        assertThat(containers.resolve("c1/a")).hasContent("short");
        files.take(piece("c1/a", "").build());
        assertThat(containers.resolve("c1/a")).isEmptyFile();
        try (var left = Files.list(containers.resolve("c1"))) {
            assertThat(left).hasSize(1);
        }
    }

    @Test
    void directoriesAndLinksAreCopiedToo() throws Exception {
        files.take(piece("c1/dir", "").setFileMode(040700).build());
        assertThat(Files.getAttribute(containers.resolve("c1/dir"), "unix:mode")).isEqualTo(040700);
        files.take(piece("c1/link", "dir/other").setFileMode(0120777).build());
        assertThat(Files.readSymbolicLink(containers.resolve("c1/link")))
                .isEqualTo(Path.of("dir/other"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/etc/passwd", "c1/../../x", "/run/x\0y"})
    void aPlaceElsewhereIsRefused(String path) {
        assertRefused(piece(path, "x").build());
    }

    @Test
    void aLinkOnTheWayIsRefused() throws Exception {
        Files.createSymbolicLink(containers.resolve("out"), base);
        assertRefused(piece("out/x", "x").build());
        assertThat(base.resolve("x")).doesNotExist();
    }

    @Test
    void aPieceThatDoesNotFitIsRefused() {
        assertRefused(piece("c1/a", "abc").setFileSize(2).build());
        assertRefused(piece("c1/a", "abc").setOffset(-1).build());
        assertRefused(piece("c1/a", "abc").setOffset(Long.MAX_VALUE).build());
        assertRefused(piece("c1/a", "").setFileMode(0020666).build());
    }

    private void assertRefused(CopyFileRequest request) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() -> files.take(request))
                .extracting(Fault::code)
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
    }
}
