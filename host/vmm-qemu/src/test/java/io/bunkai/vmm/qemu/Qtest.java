// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import io.bunkai.testkit.Await;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A QEMU whose processor does nothing: a test reads and writes its memory and ports in the guest's
 * place.
 *
 * @spec https://www.qemu.org/docs/master/devel/testing/qtest.html QTest
 */
final class Qtest implements AutoCloseable {
    private final Closer owned;
    private final BufferedReader in;
    private final OutputStream out;

    private Qtest(Closer owned, SocketChannel channel) {
        this.owned = owned;
        this.in =
                new BufferedReader(
                        new InputStreamReader(
                                Channels.newInputStream(channel), StandardCharsets.US_ASCII));
        this.out = Channels.newOutputStream(channel);
    }

    /**
     * Starts one.
     *
     * @param socket where it can be reached
     * @param descriptor under which it finds {@code file}
     */
    static Qtest start(Path socket, int descriptor, Fd file, List<String> arguments)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(Specs.QEMU.toString()));
        command.addAll(List.of("-no-user-config", "-nodefaults", "-display", "none"));
        command.addAll(List.of("-accel", "tcg", "-S", "-qtest-log", "none"));
        command.addAll(List.of("-qtest", "unix:" + socket + ",server=on,wait=off"));
        command.addAll(arguments);
        try (Closer undo = new Closer()) {
            LinuxProcess process = undo.own(Spawn.of(command).descriptor(descriptor, file).start());
            undo.onClose(() -> {
                process.signal(Signals.SIGKILL);
                process.await();
            });
            Await.until(
                    "QEMU's socket",
                    Deadline.after(Duration.ofSeconds(60)),
                    () -> Files.exists(socket));
            SocketChannel channel =
                    undo.own(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
            return new Qtest(undo.release(), channel);
        }
    }

    /** {@return the words behind the OK} */
    private String ask(String command, long... arguments) throws IOException {
        StringBuilder line = new StringBuilder(command);
        for (long argument : arguments) {
            line.append(" 0x").append(Long.toHexString(argument));
        }
        out.write(line.append('\n').toString().getBytes(StandardCharsets.US_ASCII));
        out.flush();
        String answer = in.readLine();
        if (answer == null || !answer.startsWith("OK")) {
            throw new IOException(line + ": " + answer);
        }
        return answer.substring(2).strip();
    }

    private int number(String command, long address) throws IOException {
        return (int) Long.parseUnsignedLong(ask(command, address).substring(2), 16);
    }

    void out8(int port, int value) throws IOException {
        ask("outb", port, value);
    }

    void out16(int port, int value) throws IOException {
        ask("outw", port, value);
    }

    void out32(int port, int value) throws IOException {
        ask("outl", port, Integer.toUnsignedLong(value));
    }

    int in16(int port) throws IOException {
        return number("inw", port);
    }

    void write32(long address, int value) throws IOException {
        ask("writel", address, Integer.toUnsignedLong(value));
    }

    void write64(long address, long value) throws IOException {
        ask("writeq", address, value);
    }

    int read32(long address) throws IOException {
        return number("readl", address);
    }

    /** Waits until the upper half of four bytes is this. */
    void awaitHigh16(long address, int value, Deadline deadline) {
        Await.until(
                "%d at 0x%x".formatted(value, address),
                deadline,
                () -> {
                    try {
                        return read32(address) >>> 16 == value;
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
    }

    @Override
    public void close() {
        owned.close();
    }
}
