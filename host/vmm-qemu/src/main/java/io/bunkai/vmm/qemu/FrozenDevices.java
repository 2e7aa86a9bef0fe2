// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.base.Deadline;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Receives what a machine says of its devices. QEMU 7.2 writes to a socket and to nothing that
 * could be named by a number, so it is met at one and copied to the file from here.
 */
final class FrozenDevices implements AutoCloseable {
    /** Some hundred KiB are usual; a machine that says more is not believed. */
    private static final long MOST_BYTES = 64L << 20;

    private final Path socket;
    private final ServerSocketChannel server;
    private final CompletableFuture<Void> received = new CompletableFuture<>();

    private FrozenDevices(Path socket, ServerSocketChannel server) {
        this.socket = socket;
        this.server = server;
    }

    /** Listens for one machine, whose devices become this file. */
    static FrozenDevices listen(Path socket, Path file) throws IOException {
        Files.deleteIfExists(socket);
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            server.bind(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            server.close();
            throw e;
        }
        FrozenDevices devices = new FrozenDevices(socket, server);
        Thread.ofVirtual().name("freeze").start(() -> devices.receive(file));
        return devices;
    }

    private void receive(Path file) {
        try (SocketChannel machine = server.accept();
                FileChannel out =
                        FileChannel.open(
                                file,
                                Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW),
                                PosixFilePermissions.asFileAttribute(
                                        PosixFilePermissions.fromString("rw-------")))) {
            InputStream in = Channels.newInputStream(machine);
            byte[] some = new byte[1 << 16];
            long bytes = 0;
            for (int n; (n = in.read(some)) >= 0; bytes += n) {
                if (bytes + n > MOST_BYTES) {
                    throw new IOException("more than " + MOST_BYTES + " bytes of devices");
                }
                java.nio.ByteBuffer piece = java.nio.ByteBuffer.wrap(some, 0, n);
                while (piece.hasRemaining()) {
                    out.write(piece);
                }
            }
            out.force(true);
            received.complete(null);
        } catch (IOException | RuntimeException e) {
            received.completeExceptionally(e);
        }
    }

    /** Waits until the machine has said everything, and it is on the disk. */
    void await(Deadline deadline) throws IOException {
        try {
            received.get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new InterruptedIOException("the machine did not come to an end");
        } catch (ExecutionException e) {
            throw new IOException("the machine's devices were not kept", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        Files.deleteIfExists(socket);
    }
}
