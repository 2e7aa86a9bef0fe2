// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import io.bunkai.linux.Terminal;
import io.bunkai.testkit.Await;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A person in front of a terminal: types, reads the screen, changes the window's size. The command
 * runs on the terminal's other side.
 */
final class Keyboard implements AutoCloseable {
    private final Closer owned = new Closer();
    private final Terminal.Pair terminal;
    private final ByteArrayOutputStream screen = new ByteArrayOutputStream(); // its own lock

    private Keyboard(Terminal.Pair terminal) {
        this.terminal = owned.own(terminal);
    }

    /** {@return a person in front of a terminal of this size} */
    static Keyboard open(Terminal.Size size) throws ErrnoException {
        Keyboard keyboard = new Keyboard(Terminal.open());
        Terminal.resize(keyboard.terminal.master(), size);
        InputStream master = keyboard.terminal.master().duplicate().input();
        Thread.ofPlatform().daemon().name("screen").start(() -> keyboard.watch(master));
        return keyboard;
    }

    /** Ends when the other side's last descriptor is closed: the kernel answers EIO then. */
    private void watch(InputStream master) {
        byte[] buffer = new byte[4096];
        try (master) {
            for (int n = master.read(buffer); n >= 0; n = master.read(buffer)) {
                synchronized (screen) {
                    screen.write(buffer, 0, n);
                }
            }
        } catch (IOException e) {
            // nobody is on the other side any more
        }
    }

    /** {@return a command of this node, running on the terminal} */
    LinuxProcess run(TestNode node, String... arguments) throws ErrnoException {
        List<String> words = new ArrayList<>();
        words.add(SourceTree.bunkai().toString());
        words.addAll(List.of(arguments));
        return run(words, Map.of("BUNKAI_ROOT", node.root().toString()));
    }

    /** {@return a program running on the terminal, with these variables besides our own} */
    LinuxProcess run(List<String> words, Map<String, String> variables) throws ErrnoException {
        Map<String, String> environment = new TreeMap<>(System.getenv());
        environment.putAll(variables);
        return owned.own(
                Spawn.of(words)
                        .environment(environment)
                        .newSession()
                        .stdin(terminal.slave())
                        .stdout(terminal.slave())
                        .stderr(terminal.slave())
                        .start());
    }

    void type(String keys) throws ErrnoException {
        terminal.master().writeFully(keys.getBytes(UTF_8));
    }

    /** The terminal is nobody's controlling one, so the kernel has nobody to tell. */
    void resize(LinuxProcess command, Terminal.Size size) throws ErrnoException {
        Terminal.resize(terminal.master(), size);
        command.signal(Signals.number("WINCH"));
    }

    /**
     * Tells a command of its window's size until it has said so on the screen: ctr begins to listen
     * for the signal some time after the process that it runs has begun to write.
     */
    void awaitNewSize(LinuxProcess command, String shown, Deadline deadline) {
        Await.until(
                "'" + shown + "' on the screen",
                deadline,
                () -> {
                    if (screen().contains(shown)) {
                        return true;
                    }
                    try {
                        command.signal(Signals.number("WINCH"));
                    } catch (ErrnoException e) {
                        // it has ended; what it wrote is on its way
                    }
                    return false;
                });
    }

    String screen() {
        synchronized (screen) {
            return screen.toString(UTF_8);
        }
    }

    void awaitScreen(String text, Deadline deadline) {
        try {
            Await.until("'" + text + "' on the screen", deadline, () -> screen().contains(text));
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "; it shows:\n" + screen(), e);
        }
    }

    /** {@return the terminal's mode, as stty writes it down} */
    String mode() throws Exception {
        try (Pipe pipe = Pipe.create();
                LinuxProcess stty =
                        Spawn.of("/usr/bin/stty", "-g")
                                .stdin(terminal.slave())
                                .stdout(pipe.write())
                                .start()) {
            pipe.write().close();
            String mode = new String(pipe.read().input().readAllBytes(), UTF_8);
            if (stty.await().shellCode() != 0) {
                throw new AssertionError("stty failed");
            }
            return mode;
        }
    }

    /** {@return how a command ended} */
    int await(LinuxProcess command, Deadline deadline) throws InterruptedException {
        return command.await(deadline)
                .map(ExitStatus::shellCode)
                .orElseThrow(
                        () -> new AssertionError("it did not end; the screen shows:\n" + screen()));
    }

    @Override
    public void close() {
        owned.close();
    }
}
