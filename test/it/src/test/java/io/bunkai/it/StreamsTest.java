// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandResult;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What goes into a process and comes out of it: all of it, in order, and nobody else waits. */
class StreamsTest {
    @RegisterExtension static final TestNode node = new TestNode();

    private static final String BOX = "box";
    private static final int MIB = 1024 * 1024;
    private static final int LARGE_BYTES = 50 * MIB;
    private static final int PIPE_BYTES = 64 * 1024;

    /** More than all buffers between a process in the guest and a reader on the host can hold. */
    private static final int STALLING_BYTES = 12 * MIB;

    private static final int BLOCK_BYTES = 256 * 1024;

    @BeforeAll
    static void startOne() {
        node.startSleeper(BOX);
    }

    @Test
    void carriesFiftyMebibytesBothWaysUnchanged() {
        byte[] bytes = new byte[LARGE_BYTES];
        new Random(50).nextBytes(bytes);

        CommandResult result =
                node.command("exec", "-i", BOX, "cat")
                        .stdin(bytes)
                        .run(TestNode.patience())
                        .expectSuccess();

        assertThat(result.stdout()).hasSize(LARGE_BYTES);
        assertThat(sha256(result.stdout())).isEqualTo(sha256(bytes));
        assertThat(result.err()).isEmpty();
    }

    @Test
    void keepsBothOutputsApart() {
        CommandResult result =
                node.bunkai("exec", BOX, "sh", "-c", "echo one; echo two >&2; echo three");

        assertThat(result.expectSuccess().out()).isEqualTo("one\nthree\n");
        assertThat(result.err()).isEqualTo("two\n");
    }

    @Test
    void tellsTheProcessOfTheEndOfItsInput() {
        CommandResult empty = node.command("exec", "-i", BOX, "wc", "-c").run(TestNode.patience());
        assertThat(empty.expectSuccess().out().strip()).isEqualTo("0");

        CommandResult without =
                node.command("exec", BOX, "wc", "-c")
                        .stdin("not for the process".getBytes(UTF_8))
                        .run(TestNode.patience());
        assertThat(without.expectSuccess().out().strip()).isEqualTo("0");
    }

    @Test
    void endsWithAProcessThatDoesNotReadItsInput() {
        node.command("exec", "-i", BOX, "true")
                .stdin(new byte[4 * MIB])
                .run(TestNode.patience())
                .expectSuccess();
    }

    @Test
    void losesNothingThatWasWrittenJustBeforeTheEnd() {
        CommandResult result = node.bunkai("exec", BOX, "seq", "1", "100000").expectSuccess();

        assertThat(result.out().lines().count()).isEqualTo(100_000);
        assertThat(result.out()).endsWith("99999\n100000\n");
    }

    /**
     * Two readers stop: one of an exec, one of another container's own process. Both writers come
     * to a stand, and everything else goes on, in the same container, in the same machine and in
     * another one.
     */
    @Test
    void aReaderThatStopsHoldsUpItsOwnProcessOnly() throws Exception {
        Process ofExec = startUnread("exec", BOX, "sh", "-c", writer());
        Process ofRun = startUnread("run", "--rm", "--name", "stalled", "--", "sh", "-c", writer());
        try {
            awaitFullPipe(ofExec);
            awaitFullPipe(ofRun);
            awaitStandstill(BOX);
            awaitStandstill("stalled");

            assertThat(node.out("exec", BOX, "echo", "here")).isEqualTo("here");
            assertThat(node.out("exec", "stalled", "echo", "there")).isEqualTo("there");

            assertThat(drain(ofExec)).isEqualTo(STALLING_BYTES);
            assertThat(drain(ofRun)).isEqualTo(STALLING_BYTES);
            assertThat(ofExec.waitFor()).isZero();
            assertThat(ofRun.waitFor()).isZero();
        } finally {
            ofExec.destroyForcibly().waitFor();
            ofRun.destroyForcibly().waitFor();
        }
    }

    /** Writes a block at a time and notes how many it has written. */
    private static String writer() {
        return "i=0; while [ $i -lt %d ]; do dd if=/dev/zero bs=256k count=1 2>/dev/null; i=$((i +"
                        .formatted(STALLING_BYTES / BLOCK_BYTES)
                + " 1)); echo $i >/tmp/blocks; done";
    }

    private static Process startUnread(String... arguments) throws IOException {
        java.util.List<String> words = new java.util.ArrayList<>();
        words.add(SourceTree.bunkai().toString());
        words.addAll(java.util.List.of(arguments));
        ProcessBuilder builder =
                new ProcessBuilder(words)
                        .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
                        .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("BUNKAI_ROOT", node.root().toString());
        return builder.start();
    }

    private static void awaitFullPipe(Process process) {
        Await.until(
                "a pipe that is full",
                TestNode.patience(),
                () -> {
                    try {
                        return process.getInputStream().available() >= PIPE_BYTES;
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
    }

    /** Between two looks lies a whole command, in which a writer that can write does. */
    private static void awaitStandstill(String container) {
        String[] last = {""};
        Await.until(
                "the writer in " + container + " to stand still",
                TestNode.patience(),
                () -> {
                    String before = last[0];
                    last[0] = node.out("exec", container, "cat", "/tmp/blocks");
                    return last[0].equals(before);
                });
        assertThat(Integer.parseInt(last[0])).isLessThan(STALLING_BYTES / BLOCK_BYTES);
    }

    private static long drain(Process process) throws IOException {
        long total = 0;
        byte[] buffer = new byte[PIPE_BYTES];
        try (InputStream in = process.getInputStream()) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                total += n;
            }
        }
        return total;
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
