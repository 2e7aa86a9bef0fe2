// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A configuration whose machines are QEMU's or {@link HostileMachine}s, as the test chooses before
 * each of them is started.
 */
final class HostileQemu implements AutoCloseable {
    private final TestRoot root = TestRoot.create();

    private HostileQemu() {}

    static HostileQemu prepare() {
        HostileQemu hostile = new HostileQemu();
        try {
            Path qemu = hostile.root.resolve("qemu");
            Files.writeString(
                    qemu,
                    """
                    #!/bin/sh
                    vice=$(cat %s)
                    case " $* " in
                    *" -name "*) [ -z "$vice" ] || exec %s -cp '%s:%s/*' -XX:+UseSerialGC -Xmx64m \\
                        --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \\
                        io.bunkai.it.HostileMachine "$vice" "$@" ;;
                    esac
                    exec /usr/bin/qemu-system-x86_64 "$@"
                    """
                            .formatted(
                                    hostile.chosen(),
                                    Path.of(System.getProperty("java.home"), "bin/java"),
                                    testClasses(),
                                    SourceTree.bunkai().getParent().resolveSibling("lib")));
            Files.setPosixFilePermissions(qemu, PosixFilePermissions.fromString("rwx------"));
            Files.writeString(
                    hostile.configuration(),
                    """
                    [factory]
                    enable_template = false
                    [hypervisor.qemu]
                    path = "%s"
                    """
                            .formatted(qemu));
            hostile.nextIsHonest();
            return hostile;
        } catch (IOException | URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Path testClasses() throws URISyntaxException {
        return Path.of(
                HostileMachine.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    private Path chosen() {
        return root.resolve("vice");
    }

    /** {@return the file that the daemon is to read} */
    Path configuration() {
        return root.resolve("configuration.toml");
    }

    /** Machines that are started from now on are QEMU's. */
    void nextIsHonest() {
        choose("");
    }

    /** Machines that are started from now on have this vice. */
    void nextHas(HostileMachine.Vice vice) {
        choose(vice.name());
    }

    private void choose(String vice) {
        try {
            Files.writeString(chosen(), vice);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        root.close();
    }
}
