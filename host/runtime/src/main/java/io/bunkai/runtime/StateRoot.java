// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import io.bunkai.vmm.VirtualMachineSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * Where one daemon keeps everything. Two daemons never share a root.
 *
 * @param path absolute and without symbolic links
 */
public record StateRoot(Path path) {
    /** {@code /run/sandboxes/0123456789abcdef}, which is a machine's directory. */
    private static final int LONGEST_BELOW = 15 + 16;

    /** The longest root whose machines' sockets have paths that the kernel takes. */
    static final int LONGEST = VirtualMachineSpec.LONGEST_DIRECTORY - LONGEST_BELOW;

    /**
     * {@return the root at {@code path}, which is made if it is not there}
     *
     * @throws Fault INVALID_ARGUMENT if the path is too long for sockets beneath it, INTERNAL if it
     *     cannot be made
     */
    public static StateRoot open(Path path) {
        try {
            refuseTooLong(path.toAbsolutePath().normalize());
            Files.createDirectories(path);
            Path real = path.toRealPath();
            refuseTooLong(real);
            StateRoot root = new StateRoot(real);
            for (Path directory :
                    new Path[] {root.run(), root.library(), root.logs(), root.ownDisks()}) {
                Files.createDirectories(directory);
                Files.setPosixFilePermissions(
                        directory, PosixFilePermissions.fromString("rwx------"));
            }
            return root;
        } catch (IOException e) {
            throw Fault.internal("the state root %s cannot be used", path).causedBy(e);
        }
    }

    private static void refuseTooLong(Path path) {
        if (path.toString().getBytes(StandardCharsets.UTF_8).length > LONGEST) {
            throw Fault.invalidArgument(
                            "the state root %s is too long for the kernel's limit on the paths of"
                                    + " sockets beneath it",
                            path)
                    .withHint("choose one of at most %d bytes with --state-root", LONGEST);
        }
    }

    /** {@return what lives as long as the machine is up: sockets, locks, journals} */
    public Path run() {
        return path.resolve("run");
    }

    /** {@return what outlives a reboot: images, kept output} */
    public Path library() {
        return path.resolve("lib");
    }

    /** {@return the daemon's own logs} */
    public Path logs() {
        return path.resolve("log");
    }

    /** {@return one directory per container: its journal, its machine's sockets} */
    public Path sandboxes() {
        return run().resolve("sandboxes");
    }

    /** {@return one directory per container: what its process wrote} */
    public Path outputs() {
        return library().resolve("outputs");
    }

    /** {@return the store of image disks} */
    public Path images() {
        return library().resolve("images");
    }

    /** {@return the store of disks of layers} */
    public Path layers() {
        return library().resolve("layers");
    }

    /** {@return disks of single containers} */
    public Path ownDisks() {
        return library().resolve("disks");
    }

    /** {@return the store of templates} */
    public Path templates() {
        return library().resolve("templates");
    }

    /** {@return one directory per machine that is to become a template} */
    public Path templateMachines() {
        return run().resolve("templates");
    }

    /** {@return answers that are dear to find out} */
    public Path cache() {
        return library().resolve("cache");
    }

    /** {@return the socket that commands are sent to} */
    public Path controlSocket() {
        return run().resolve("control.sock");
    }

    /** {@return the socket that streams are connected to} */
    public Path streamSocket() {
        return run().resolve("io.sock");
    }

    /** {@return the socket that serves metrics} */
    public Path metricsSocket() {
        return run().resolve("metrics.sock");
    }

    /** {@return the socket at which a newer daemon takes over from the one that runs} */
    public Path takeoverSocket() {
        return run().resolve("takeover.sock");
    }

    /**
     * {@return the file that says that a service manager starts this root's daemon, and nobody else
     * may}
     */
    public Path managedFile() {
        return run().resolve("managed");
    }

    /** {@return the file whose lock proves that a daemon lives} */
    public Path lockFile() {
        return run().resolve("bunkaid.lock");
    }
}
