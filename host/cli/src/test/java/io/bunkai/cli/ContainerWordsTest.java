// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.api.control.CreateRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What of a command line is the image, what the command, and what an option of ours. */
class ContainerWordsTest {
    private final Shell shell = new Shell();

    @BeforeEach
    void makeImages() throws IOException {
        Files.createDirectory(shell.root.resolve("layout"));
        Files.createFile(shell.root.resolve("a:b.tar"));
        shell.daemon();
    }

    @AfterEach
    void close() {
        shell.close();
    }

    private CreateRequest run(String... words) {
        String[] all = new String[words.length + 2];
        all[0] = "run";
        all[1] = "-d";
        System.arraycopy(words, 0, all, 2, words.length);
        assertThat(shell.run(all)).as(shell.err()).isZero();
        return shell.daemon().requests(CreateRequest.class).getLast();
    }

    private void runs(List<String> words, String image, String... command) {
        CreateRequest request = run(words.toArray(String[]::new));
        assertThat(request.getImage())
                .isEqualTo(image.isEmpty() ? "" : shell.root.resolve(image).toString());
        assertThat(request.getArgsList()).containsExactly(command);
    }

    @Test
    void readsCommandLinesAsDockerDoes() {
        runs(List.of(), "");
        runs(List.of("--"), "");
        runs(List.of("--", "uname", "-r"), "", "uname", "-r");
        runs(List.of("--rm", "--", "layout"), "", "layout");
        runs(List.of("layout"), "layout");
        runs(List.of("layout", "--"), "layout");
        runs(List.of("layout", "ls", "--rm", "-d"), "layout", "ls", "--rm", "-d");
        runs(List.of("layout", "--", "ls"), "layout", "ls");
        runs(List.of("layout", "ls", "--", "x"), "layout", "ls", "--", "x");
        runs(List.of("layout", "--", "--", "x"), "layout", "--", "x");
        runs(List.of("layout", "--help"), "layout", "--help");
        runs(List.of("./layout:v1", "ls"), "layout:v1", "ls");
        runs(List.of("a:b.tar"), "a:b.tar");
        runs(List.of("a:b.tar:tag"), "a:b.tar:tag");
        runs(
                List.of("-e", "A=1", "-i", "--name", "n", "layout", "-e", "B=2"),
                "layout",
                "-e",
                "B=2");
    }

    @Test
    void takesOptionsBeforeTheImageOnly() {
        assertThat(run("--rm", "layout").getRemove()).isTrue();
        assertThat(run("layout", "--rm").getRemove()).isFalse();
    }

    @Test
    void takesTheLastOfAnOptionGivenTwice() {
        assertThat(run("--name", "a", "--name", "b", "layout").getName()).isEqualTo("b");
    }

    @Test
    void pointsOutThatAnImageIsAPath() {
        assertThat(shell.run("run", "uname", "-r")).isEqualTo(125);
        assertThat(shell.err())
                .isEqualTo(
                        "error: there is no image at "
                                + shell.root.resolve("uname")
                                + "\nhint:  name an OCI layout or a docker archive on disk; for the"
                                + " embedded image put -- before the command: bunkai run --"
                                + " uname\n");
    }

    @Test
    void refusesOptionsThatItDoesNotKnow() {
        assertThat(shell.run("run", "--privileged", "--", "x")).isEqualTo(125);
        assertThat(shell.err())
                .isEqualTo(
                        """
                        error: unknown option: '--privileged'
                        hint:  run 'bunkai run --help'
                        """);
    }
}
