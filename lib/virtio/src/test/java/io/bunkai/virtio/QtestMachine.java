// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A QEMU whose processor is the test: the emulated one has halted, and memory and ports are read
 * and written as this is told on its standard input. So a real front-end is driven step by step,
 * without a guest to boot.
 *
 * @spec https://www.qemu.org/docs/master/devel/testing/qtest.html QTest protocol
 */
final class QtestMachine implements AutoCloseable {
    static final int MEMORY_MIB = 64;

    /** Another QEMU than the system's may be named. */
    private static final String PROGRAM =
            System.getenv().getOrDefault("BUNKAI_TEST_QEMU", "qemu-system-x86_64");

    private static final int CONFIG_ADDRESS = 0xcf8;
    private static final int CONFIG_DATA = 0xcfc;
    private static final int SLOT = 4;

    /** The processor's only instruction, which it does not come back from. */
    private static final byte HALT = (byte) 0xf4;

    private static final int FIRMWARE_BYTES = 64 * 1024;

    private final Process process;
    private final BufferedReader answers;
    private final OutputStream commands;
    private final Path monitor;
    private final Path complaints;

    /**
     * Starts a machine with a file system device whose back-end listens at a path.
     *
     * @param folder for what the machine needs
     */
    QtestMachine(Path socket, Path folder, int requestQueues, int queueSize) throws IOException {
        this.monitor = folder.resolve("monitor.sock");
        this.complaints = folder.resolve("stderr");
        Path firmware = folder.resolve("firmware");
        byte[] halt = new byte[FIRMWARE_BYTES];
        Arrays.fill(halt, HALT);
        Files.write(firmware, halt);
        List<String> command = new ArrayList<>(List.of(PROGRAM, "-nodefaults"));
        command.addAll(List.of("-display", "none", "-qtest", "stdio", "-qtest-log", "/dev/null"));
        command.addAll(List.of("-machine", "q35,accel=tcg,memory-backend=ram"));
        command.addAll(List.of("-bios", firmware.toString()));
        command.addAll(List.of("-m", MEMORY_MIB + ",slots=2,maxmem=256M"));
        command.addAll(
                List.of(
                        "-object",
                        "memory-backend-memfd,id=ram,share=on,size=" + MEMORY_MIB + "M"));
        command.addAll(List.of("-monitor", "unix:" + monitor + ",server=on,wait=off"));
        command.addAll(List.of("-chardev", "socket,id=fs,path=" + socket));
        command.addAll(
                List.of(
                        "-device",
                        "vhost-user-fs-pci,chardev=fs,tag=test,bus=pcie.0,addr="
                                + SLOT
                                + ",num-request-queues="
                                + requestQueues
                                + ",queue-size="
                                + queueSize));
        process = new ProcessBuilder(command).redirectError(complaints.toFile()).start();
        answers = new BufferedReader(new InputStreamReader(process.getInputStream(), US_ASCII));
        commands = process.getOutputStream();
    }

    private String ask(String command) throws IOException {
        commands.write((command + "\n").getBytes(US_ASCII));
        commands.flush();
        while (true) {
            String answer = answers.readLine();
            if (answer == null) {
                throw new IOException("QEMU has ended during " + command + ": " + complaints());
            }
            if (answer.startsWith("OK")) {
                return answer.substring(2).strip();
            }
            if (!answer.startsWith("IRQ")) {
                throw new IOException(command + ": " + answer);
            }
        }
    }

    /** {@return what QEMU has said on its standard error} */
    String complaints() {
        try {
            return Files.readString(complaints);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long number(String command) throws IOException {
        return Long.decode(ask(command));
    }

    /** Gives a command to QEMU's monitor for people, and waits until it is carried out. */
    String monitor(String command) throws IOException {
        try (SocketChannel channel =
                SocketChannel.open(java.net.UnixDomainSocketAddress.of(monitor))) {
            BufferedReader in = new BufferedReader(Channels.newReader(channel, US_ASCII));
            readPrompt(in);
            channel.write(ByteBuffer.wrap((command + "\n").getBytes(US_ASCII)));
            return readPrompt(in);
        }
    }

    private static String readPrompt(BufferedReader in) throws IOException {
        StringBuilder text = new StringBuilder();
        while (text.indexOf("(qemu) ") < 0) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("the monitor has ended: " + text);
            }
            text.append((char) next);
        }
        return text.toString();
    }

    // --- memory -------------------------------------------------------------------------------

    long read(long address, int bytes) throws IOException {
        return number("read%c 0x%x".formatted(suffix(bytes), address));
    }

    void write(long address, int bytes, long value) throws IOException {
        ask("write%c 0x%x 0x%x".formatted(suffix(bytes), address, value));
    }

    private static char suffix(int bytes) {
        return switch (bytes) {
            case 1 -> 'b';
            case 2 -> 'w';
            case 4 -> 'l';
            case 8 -> 'q';
            default -> throw new IllegalArgumentException("an access of " + bytes);
        };
    }

    void writeBytes(long address, byte[] bytes) throws IOException {
        ask(
                "write 0x%x 0x%x 0x%s"
                        .formatted(address, bytes.length, HexFormat.of().formatHex(bytes)));
    }

    byte[] readBytes(long address, int length) throws IOException {
        return HexFormat.of()
                .parseHex(ask("read 0x%x 0x%x".formatted(address, length)).substring(2));
    }

    // --- the device's PCI function ------------------------------------------------------------

    int config(int offset, int bytes) throws IOException {
        select(offset);
        String port = "in%c 0x%x".formatted(suffix(bytes), CONFIG_DATA + (offset & 3));
        return (int) number(port);
    }

    void config(int offset, int bytes, int value) throws IOException {
        select(offset);
        ask("out%c 0x%x 0x%x".formatted(suffix(bytes), CONFIG_DATA + (offset & 3), value));
    }

    private void select(int offset) throws IOException {
        ask("outl 0x%x 0x%x".formatted(CONFIG_ADDRESS, 0x8000_0000 | SLOT << 11 | (offset & 0xfc)));
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
