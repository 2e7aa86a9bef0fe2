// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A configuration whose guests die on demand, as guests do: their kernel panics. A second monitor,
 * which a script between the daemon and QEMU adds, injects an interrupt that nobody expects, and
 * the kernel is told to panic at such.
 */
final class MortalGuest implements AutoCloseable {
    private static final String MONITOR = "die.sock";

    private final TestRoot root = TestRoot.create();

    private MortalGuest() {}

    static MortalGuest prepare() {
        MortalGuest guest = new MortalGuest();
        try {
            Path qemu = guest.root.resolve("qemu");
            Files.writeString(
                    qemu,
                    """
                    #!/bin/sh
                    case " $* " in
                    *" -name "*)
                        exec /usr/bin/qemu-system-x86_64 "$@" \\
                            -chardev socket,id=die,path=%s,server=on,wait=off -mon chardev=die,mode=control
                        ;;
                    esac
                    exec /usr/bin/qemu-system-x86_64 "$@"
                    """
                            .formatted(MONITOR));
            Files.setPosixFilePermissions(qemu, PosixFilePermissions.fromString("rwx------"));
            Files.writeString(
                    guest.configuration(),
                    """
                    [factory]
                    enable_template = false
                    [hypervisor.qemu]
                    path = "%s"
                    kernel_params = "unknown_nmi_panic"
                    """
                            .formatted(qemu));
            return guest;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the file that the daemon is to read} */
    Path configuration() {
        return root.resolve("configuration.toml");
    }

    /** Lets the guest of this machine die, and waits until the machine has ended with it. */
    void die(int machine) throws IOException {
        Path monitor =
                Path.of("/proc", Integer.toString(machine), "cwd").toRealPath().resolve(MONITOR);
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(monitor))) {
            channel.write(
                    ByteBuffer.wrap(
                            """
                            {"execute":"qmp_capabilities"}
                            {"execute":"inject-nmi"}
                            """
                                    .getBytes(StandardCharsets.UTF_8)));
            ByteBuffer events = ByteBuffer.allocate(1 << 16);
            while (channel.read(events) >= 0) {
                events.clear();
            }
        }
    }

    @Override
    public void close() {
        root.close();
    }
}
