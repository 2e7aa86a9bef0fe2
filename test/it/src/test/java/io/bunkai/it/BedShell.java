// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import io.bunkai.base.Deadline;
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
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The way into the test bed, a serial port: a line of base64 is a shell script, a line with its
 * status and its output in base64 comes back. See {@code test/systemd/make-bed}. For one thread.
 */
final class BedShell implements AutoCloseable {
    private final SocketChannel channel;
    private final BufferedReader answers;
    private final OutputStream scripts;

    /**
     * How a script ended.
     *
     * @param output both of its outputs, in their order
     */
    record Result(int status, String output) {}

    private BedShell(SocketChannel channel) {
        this.channel = channel;
        this.answers =
                new BufferedReader(
                        new InputStreamReader(
                                Channels.newInputStream(channel), StandardCharsets.US_ASCII));
        this.scripts = Channels.newOutputStream(channel);
    }

    /** {@return the shell behind this socket, once the guest has started it} */
    static BedShell open(Path socket, Deadline deadline) throws IOException {
        Await.until("QEMU to make " + socket, deadline, () -> Files.exists(socket));
        BedShell shell = new BedShell(SocketChannel.open(UnixDomainSocketAddress.of(socket)));
        String greeting = shell.answer("the guest to boot", deadline);
        if (!greeting.equals("ready")) {
            throw new AssertionError("the guest said " + greeting);
        }
        return shell;
    }

    /** {@return what became of a script} */
    Result run(String script, Deadline deadline) {
        try {
            String line = Base64.getEncoder().encodeToString(utf8(script)) + "\n";
            scripts.write(utf8(line));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String[] answer = answer("the end of:\n" + script, deadline).split(" ", 2);
        return new Result(
                Integer.parseInt(answer[0]),
                new String(Base64.getDecoder().decode(answer[1]), StandardCharsets.UTF_8));
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private String answer(String what, Deadline deadline) {
        CompletableFuture<String> line = CompletableFuture.supplyAsync(this::read);
        try {
            return line.get(deadline.remaining().toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("waited in vain for " + what, e);
        } catch (ExecutionException e) {
            throw new AssertionError("the machine has ended before " + what, e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while waiting for " + what, e);
        }
    }

    private String read() {
        try {
            String line = answers.readLine();
            if (line == null) {
                throw new IOException("the port was closed");
            }
            return line;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
