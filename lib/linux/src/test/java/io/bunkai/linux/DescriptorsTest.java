// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DescriptorsTest {
    @TempDir Path directory;

    @Test
    void carriesBytesThroughAPipeUnchanged() throws Exception {
        byte[] data = new byte[1_000_000];
        new Random(42).nextBytes(data);
        try (Pipe pipe = Pipe.create()) {
            Thread writer =
                    Thread.ofPlatform()
                            .start(() -> {
                                try (OutputStream out = pipe.write().output()) {
                                    out.write(data);
                                } catch (java.io.IOException e) {
                                    throw new AssertionError(e);
                                }
                            });
            try (InputStream in = pipe.read().input()) {
                assertThat(in.readAllBytes()).isEqualTo(data);
            }
            writer.join();
        }
    }

    @Test
    void sendsAnOpenFileToAnotherProcess() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "content");
        Path path = directory.resolve("socket");
        try (Fd listener = UnixSockets.listen(path);
                Fd client = UnixSockets.connect(path);
                Fd server = UnixSockets.accept(listener);
                Fd sent = Fd.open(file, Fd.O_RDONLY)) {
            UnixSockets.send(client, "hello".getBytes(StandardCharsets.UTF_8), List.of(sent));
            try (UnixSockets.Message message = UnixSockets.receive(server, 100)) {
                assertThat(message.data()).asString().isEqualTo("hello");
                Fd received = message.descriptors().getFirst();
                assertThat(received.input().readAllBytes()).asString().isEqualTo("content");
            }
        }
    }

    @Test
    void refusesASocketPathThatTheKernelCannotHold() {
        Path path = directory.resolve("x".repeat(120));
        assertThatThrownBy(() -> UnixSockets.listen(path)).hasMessageContaining("too long");
    }

    @Test
    void aTerminalKeepsItsSizeAndReturnsFromRawMode() throws Exception {
        try (Terminal.Pair pair = Terminal.open()) {
            assertThat(Terminal.isTerminal(pair.slave())).isTrue();
            Terminal.resize(pair.master(), new Terminal.Size(37, 91));
            assertThat(Terminal.size(pair.slave())).isEqualTo(new Terminal.Size(37, 91));

            // In raw mode a line is readable before its newline, and nothing is echoed.
            try (Terminal.RawMode _ = Terminal.raw(pair.slave())) {
                pair.master().writeFully(new byte[] {3, 'x'});
                byte[] got = new byte[2];
                assertThat(pair.slave().read(got, 0, 2)).isEqualTo(2);
                assertThat(got).containsExactly(3, 'x');
            }
            assertThat(Poll.readable(pair.master(), 0)).as("echo").isFalse();
            pair.master().writeFully(new byte[] {'y', '\n'});
            assertThat(Poll.readable(pair.master(), 1000)).as("echo").isTrue();
        }
    }

    @Test
    void aFileIsNoTerminal() throws Exception {
        try (Fd file = Fd.open(Path.of("/dev/null"), Fd.O_RDONLY)) {
            assertThat(Terminal.isTerminal(file)).isFalse();
            assertThatThrownBy(() -> Terminal.size(file)).hasMessageContaining("ENOTTY");
        }
    }

    @Test
    void tellsThatAWatchedFileChanged() throws Exception {
        Path file = Files.writeString(directory.resolve("events"), "0");
        try (Inotify inotify = Inotify.open()) {
            int watch = inotify.watchModify(file);
            Files.writeString(file, "1");
            assertThat(inotify.await()).contains(watch);
        }
    }

    @Test
    void tellsTheNamesOfFilesThatAreComplete() throws Exception {
        try (Inotify inotify = Inotify.open();
                Pipe wake = Pipe.create()) {
            int watch = inotify.watchFiles(directory);
            Path written = Files.writeString(directory.resolve("written"), "1");
            Files.move(written, directory.resolve("moved"));
            assertThat(inotify.awaitFiles(wake.read()))
                    .containsExactly(
                            new Inotify.FileEvent.Complete(watch, "written"),
                            new Inotify.FileEvent.Complete(watch, "moved"));
            wake.write().writeFully(new byte[1]);
            assertThat(inotify.awaitFiles(wake.read())).isEmpty();
        }
    }

    @Test
    void watchesNoFileAsADirectory() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "");
        try (Inotify inotify = Inotify.open()) {
            assertThatThrownBy(() -> inotify.watchFiles(file)).hasMessageContaining("ENOTDIR");
        }
    }

    @Test
    void closingTwiceDoesNotCloseSomebodyElsesDescriptor() throws Exception {
        Fd first = Fd.open(Path.of("/dev/null"), Fd.O_RDONLY);
        first.close();
        try (Fd second = Fd.open(Path.of("/dev/null"), Fd.O_RDONLY)) {
            first.close();
            assertThat(second.read(new byte[1], 0, 1)).isZero();
        }
        assertThatThrownBy(() -> first.read(new byte[1], 0, 1))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void knowsSignalsByNameAndNumber() {
        assertThat(Signals.number("TERM")).isEqualTo(15);
        assertThat(Signals.number("sigkill")).isEqualTo(9);
        assertThat(Signals.number("64")).isEqualTo(64);
        assertThat(Signals.name(28)).isEqualTo("SIGWINCH");
        assertThatThrownBy(() -> Signals.number("BOGUS")).isInstanceOf(Fault.class);
        assertThatThrownBy(() -> Signals.number("0")).isInstanceOf(Fault.class);
    }

    @Test
    void mountsAndUnmounts() throws Exception {
        Mounts.mount("none", directory, "tmpfs", Mounts.MS_NOSUID, "size=1m");
        try {
            Files.writeString(directory.resolve("inside"), "x");
        } finally {
            Mounts.unmount(directory, 0);
        }
        assertThat(directory.resolve("inside")).doesNotExist();
        assertThatThrownBy(() -> Mounts.unmount(directory, 0)).hasMessageContaining("EINVAL");
    }

    @Test
    void anInheritedDescriptorIsTakenByItsNumber() throws Exception {
        try (Pipe pipe = Pipe.create()) {
            String name = pipe.write().path().getFileName().toString();
            Fd inherited = Fd.inherited(Integer.parseInt(name));
            inherited.writeFully(new byte[] {1});
            assertThat(pipe.read().read(new byte[1], 0, 1)).isEqualTo(1);
        }
        assertThatThrownBy(() -> Fd.inherited(1_000_000)).hasMessageContaining("EBADF");
    }

    @Test
    void tellsAListeningSocketFromAConnection() throws Exception {
        Path path = directory.resolve("socket");
        try (Fd listener = UnixSockets.listen(path);
                UnixSockets.Pair pair = UnixSockets.pair()) {
            assertThat(UnixSockets.isListening(listener)).isTrue();
            assertThat(UnixSockets.isListening(pair.one())).isFalse();
        }
    }

    @Test
    void shuttingDownWakesWhoeverWaitsForAMessage() throws Exception {
        try (UnixSockets.Pair pair = UnixSockets.pair()) {
            Thread other = Thread.ofPlatform().start(() -> UnixSockets.shutDown(pair.one()));
            assertThat(UnixSockets.receive(pair.one(), 10).data()).isEmpty();
            other.join();
        }
    }
}
