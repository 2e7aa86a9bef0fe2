// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixListenerTest {
    @TempDir Path directory;

    private static void greet(UnixConnection client) {
        try (client) {
            client.output().write(new byte[] {42});
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static int greeting(Path path) throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            ByteBuffer one = ByteBuffer.allocate(1);
            return channel.read(one) == 1 ? one.get(0) : -1;
        }
    }

    @Test
    void servesItsOwnerAloneInPlaceOfAFormerSocket() throws Exception {
        Path path = directory.resolve("s");
        Fd former = UnixSockets.listen(path);
        former.close(); // the file stays
        try (UnixListener listener = UnixListener.open(path, "test", UnixListenerTest::greet)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                    .isEqualTo("rw-------");
            assertThat(greeting(path)).isEqualTo(42);
            assertThat(greeting(path)).isEqualTo(42);
            assertThat(listener.isOpen()).isTrue();
            assertThat(listener.path()).isEqualTo(path);
        }
        assertThat(path).doesNotExist();
    }

    @Test
    void whoConnectsWhileNobodyAcceptsIsServedByWhoeverGoesOn() throws Exception {
        Path path = directory.resolve("s");
        UnixListener first = UnixListener.open(path, "first", UnixListenerTest::greet);
        Fd socket = first.descriptor().duplicate();
        first.letGo();
        try (SocketChannel early = SocketChannel.open(UnixDomainSocketAddress.of(path));
                UnixListener _ =
                        UnixListener.over(socket, path, "second", UnixListenerTest::greet)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            assertThat(early.read(one)).isEqualTo(1);
            assertThat(greeting(path)).isEqualTo(42);
        }
        assertThat(path).doesNotExist();
    }

    @Test
    void whoHasConnectedIsKnown() throws Exception {
        Path path = directory.resolve("s");
        CompletableFuture<UnixConnection.Peer> peer = new CompletableFuture<>();
        try (UnixListener _ =
                        UnixListener.open(
                                path,
                                "test",
                                client -> {
                                    try (client) {
                                        peer.complete(client.peer());
                                    } catch (IOException e) {
                                        peer.completeExceptionally(e);
                                    }
                                });
                SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            assertThat(peer.get().pid()).isEqualTo((int) ProcessHandle.current().pid());
            assertThat(peer.get().uid()).isEqualTo(Files.getAttribute(directory, "unix:uid"));
        }
    }

    @Test
    void whatIsLookedAtStaysToBeRead() throws Exception {
        try (UnixSockets.Pair pair = UnixSockets.pair();
                UnixConnection connection = UnixConnection.of(pair.one())) {
            pair.other().writeFully(new byte[] {1, 2, 3});
            byte[] seen = new byte[8];
            assertThat(connection.peek(seen, 0, 8)).isEqualTo(3);
            assertThat(connection.peek(seen, 4, 2)).isEqualTo(2);
            assertThat(seen).containsExactly(1, 2, 3, 0, 1, 2, 0, 0);
            assertThat(connection.input().readNBytes(3)).containsExactly(1, 2, 3);
            pair.other().close();
            assertThat(connection.peek(seen, 0, 8)).isZero();
        }
    }
}
