// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageMainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir private Path folder;

    @Test
    void saysThatThereIsNoImage() {
        assertThat(run("is-current")).isEqualTo(ImageMain.STALE);
        assertThat(out.toString()).startsWith("stale: there is no image in ");
    }

    @Test
    void saysThatAFileOfTheImageIsMissing() throws Exception {
        Path guest = Files.createDirectories(folder.resolve("guest"));
        Files.writeString(guest.resolve(ImageManifest.FILE), ImageManifestTest.MANIFEST.toJson());
        assertThat(run("is-current")).isEqualTo(ImageMain.STALE);
        assertThat(out.toString())
                .isEqualToIgnoringNewLines("stale: vmlinuz is missing or damaged");
    }

    @Test
    void noticesThatTheAgentChanged() throws Exception {
        Path guest = Files.createDirectories(folder.resolve("guest"));
        Path jars = Files.createDirectories(folder.resolve("agent"));
        Files.writeString(jars.resolve("agent.jar"), "one");
        Files.writeString(guest.resolve("vmlinuz"), "abc");
        GuestImage.Request request =
                new GuestImage.Request(
                        guest,
                        jars,
                        Path.of(System.getProperty("java.home", "")),
                        folder.resolve("cache"),
                        "linux-image-cloud-amd64",
                        GuestImage.Request.DEFAULT_TIME);
        GuestImage image = new GuestImage(request, _ -> {});
        String java = new JavaRuntime(new HostCommands(), request.jdk()).version();
        ImageManifest manifest = ImageManifestTest.MANIFEST;
        String digest =
                BuildInputs.of(jars, java, request.kernelPackage(), request.epochSeconds())
                        .digest(manifest.packages());
        Files.writeString(
                guest.resolve(ImageManifest.FILE),
                manifest.toJson().replace("\"abc\"", "\"" + digest + "\""));
        assertThat(image.staleReason(false)).isEmpty();
        Files.writeString(jars.resolve("agent.jar"), "two");
        assertThat(image.staleReason(false))
                .hasValueSatisfying(reason -> assertThat(reason).contains("changed"));
    }

    @Test
    void printsAFaultInThreeLinesAndNoStackTrace() throws Exception {
        assertThat(run("build-guest")).isEqualTo(ImageMain.FAILED);
        assertThat(err.toString())
                .contains("error: ")
                .contains("agent holds no jars of the agent")
                .contains("hint:  ")
                .doesNotContain("\tat ");
        assertThat(folder.resolve("guest")).doesNotExist();
    }

    @Test
    void answersAWrongOptionWithStatus2() {
        assertThat(run("build-guest", "--nonsense")).isEqualTo(2);
    }

    private int run(String command, String... more) {
        var line =
                ImageMain.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        String[] arguments = {
            command,
            "--output",
            folder.resolve("guest").toString(),
            "--agent-lib",
            folder.resolve("agent").toString()
        };
        String[] all = java.util.Arrays.copyOf(arguments, arguments.length + more.length);
        System.arraycopy(more, 0, all, arguments.length, more.length);
        return line.execute(all);
    }
}
