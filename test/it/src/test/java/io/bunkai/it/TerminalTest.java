// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Terminal;
import io.bunkai.testkit.Await;
import java.io.UncheckedIOException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A process with a terminal, from a terminal. */
class TerminalTest {
    @RegisterExtension static final TestNode node = new TestNode();

    private static final String BOX = "box";
    private static final String CTRL_C = "\u0003";
    private static final Terminal.Size SIZE = new Terminal.Size(33, 111);
    private static final Terminal.Size LARGER = new Terminal.Size(50, 140);

    @BeforeAll
    static void startOne() {
        node.startSleeper(BOX);
    }

    @Test
    void aContainersOwnProcessHasATerminalOfTheCallersSize() throws Exception {
        try (Keyboard keyboard = Keyboard.open(SIZE)) {
            LinuxProcess run =
                    keyboard.run(
                            node, "run", "--rm", "-it", "--", "sh", "-c", "tty; stty size; exit 4");

            assertThat(keyboard.await(run, TestNode.patience())).isEqualTo(4);
            assertThat(keyboard.screen()).contains("/dev/").contains("33 111");
        }
    }

    @Test
    void followsTheCallersWindow() throws Exception {
        try (Keyboard keyboard = Keyboard.open(SIZE)) {
            LinuxProcess exec = keyboard.run(node, "exec", "-it", BOX, "sh");
            keyboard.type("stty size\r");
            keyboard.awaitScreen("33 111", TestNode.patience());

            keyboard.resize(exec, LARGER);
            Await.until(
                    "the new size",
                    TestNode.patience(),
                    () -> {
                        askForSize(keyboard);
                        return keyboard.screen().contains("50 140");
                    });

            keyboard.type("exit 6\r");
            assertThat(keyboard.await(exec, TestNode.patience())).isEqualTo(6);
        }
    }

    /** Nothing tells a client when its resize has arrived, so the shell is asked until it has. */
    private static void askForSize(Keyboard keyboard) {
        try {
            int shown = keyboard.screen().length();
            keyboard.type("stty size; echo an''swered\r");
            Await.until(
                    "an answer",
                    TestNode.patience(),
                    () -> keyboard.screen().substring(shown).contains("answered"));
        } catch (ErrnoException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void handsControlCToTheProcessAndPutsTheTerminalBack() throws Exception {
        try (Keyboard keyboard = Keyboard.open(SIZE)) {
            String before = keyboard.mode();
            LinuxProcess exec =
                    keyboard.run(
                            node,
                            "exec",
                            "-it",
                            BOX,
                            "sh",
                            "-c",
                            "trap 'echo interr''upted; exit 9' INT; echo rea''dy; while :; do"
                                    + " sleep 0.1; done");
            keyboard.awaitScreen("ready", TestNode.patience());
            assertThat(keyboard.mode()).isNotEqualTo(before);

            keyboard.type(CTRL_C);

            assertThat(keyboard.await(exec, TestNode.patience())).isEqualTo(9);
            keyboard.awaitScreen("interrupted", TestNode.patience());
            assertThat(keyboard.mode()).isEqualTo(before);
        }
    }

    @Test
    void refusesToTypeOnWhatIsNoTerminal() {
        assertThat(node.bunkai("exec", "-it", BOX, "sh").expectExit(125).err())
                .contains("standard input is not a terminal")
                .contains("hint:  ");
    }
}
