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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixListenerTest {
    @TempDir Path directory;

    private static void greet(SocketChannel client) {
        try (client) {
            client.write(ByteBuffer.wrap(new byte[] {42}));
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
}
