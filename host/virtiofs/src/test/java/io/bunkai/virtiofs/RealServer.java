// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** The program in a process of its own, and a guest that is none connected to it. */
final class RealServer implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String SOCKET = "fs.sock";

    final Process process;
    final GuestMount guest;
    private final Closer all = new Closer();
    private final Path log;

    /** Starts it, see {@link #launch}, and mounts. */
    RealServer(Path launcher, Path folder, Path share, Sandbox sandbox, String... more)
            throws IOException {
        this(launch(launcher, folder, share, sandbox, more), folder);
    }

    /** Mounts what a process serves that {@link #launch} has started in this folder. */
    RealServer(Process process, Path folder) throws IOException {
        this.process = process;
        this.log = log(folder);
        try (Closer undo = new Closer()) {
            undo.onClose(process::destroyForcibly);
            guest = undo.own(GuestMount.connect(connect(folder.resolve(SOCKET)), 1, 8));
            guest.init();
            undo.release();
        }
        all.onClose(() -> {
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        });
        all.own(guest);
    }

    /**
     * Starts it.
     *
     * @param launcher see {@link LaidOutProgram}
     * @param folder for its socket and its log
     */
    static Process launch(Path launcher, Path folder, Path share, Sandbox sandbox, String... more)
            throws IOException {
        List<String> words = new ArrayList<>();
        words.add(launcher.toString());
        words.add(option(sandbox));
        words.add("--shared-dir=" + share);
        words.add("--socket-path=" + folder.resolve(SOCKET));
        words.addAll(List.of(more));
        return new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(log(folder).toFile())
                .start();
    }

    /** {@return where it says what it has to say} */
    static Path log(Path folder) {
        return folder.resolve("log");
    }

    static String option(Sandbox sandbox) {
        return "--sandbox=" + sandbox.name().toLowerCase(Locale.ROOT);
    }

    private Fd connect(Path socket) throws IOException {
        Deadline deadline = Deadline.after(PATIENCE);
        while (true) {
            try {
                return UnixSockets.connect(socket);
            } catch (ErrnoException e) {
                if (!process.isAlive() || deadline.hasPassed()) {
                    throw new AssertionError(said(), e);
                }
                Thread.onSpinWait();
            }
        }
    }

    /** {@return all that it has said} */
    String said() throws IOException {
        return Files.readString(log);
    }

    /** Kills it, and forgets the guest. */
    void abandon() throws IOException {
        process.destroyForcibly();
        all.close();
    }

    /** Lets it end. */
    @Override
    public void close() throws IOException {
        if (process.isAlive()) {
            guest.stop();
        }
        all.close();
        if (process.exitValue() != 0) {
            throw new AssertionError(
                    "the server ended with " + process.exitValue() + ": " + said());
        }
    }
}
