// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.ByteSize;
import io.bunkai.linux.Terminal;
import io.bunkai.oci.RuntimeSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a user asks for when making a container; nothing in it has been checked against anything.
 *
 * @param name empty to have one made up
 * @param image reference of the image; empty for the embedded one
 * @param arguments what to run; empty for the image's command
 * @param entrypoint replaces the image's; empty keeps it, an empty list removes it
 * @param environment {@code NAME=value}, added to the image's; secret
 * @param directory working directory; empty for the image's
 * @param user {@code UID[:GID]} or {@code name[:group]}; empty for the image's
 * @param hostname empty for the beginning of the id
 * @param memory limit of the container; empty for none
 * @param nanoCpus limit of the container in billionths of a processor; 0 for none
 * @param terminal size of the terminal; empty for pipes
 * @param stdin whether standard input stays open for somebody to write to
 * @param remove whether everything about the container goes once it has ended
 * @param mounts what is mounted beside an image's own, as a bundle has it
 * @param devices block devices of the host that it gets
 * @param annotations of the container, Kata's and ours among them
 */
public record ContainerRequest(
        String name,
        String image,
        List<String> arguments,
        Optional<List<String>> entrypoint,
        List<String> environment,
        String directory,
        String user,
        String hostname,
        Optional<ByteSize> memory,
        long nanoCpus,
        Optional<Terminal.Size> terminal,
        boolean stdin,
        boolean remove,
        List<RuntimeSpec.Mount> mounts,
        List<Device> devices,
        Map<String, String> annotations) {
    public ContainerRequest {
        arguments = List.copyOf(arguments);
        entrypoint = entrypoint.map(List::copyOf);
        environment = List.copyOf(environment);
        mounts = List.copyOf(mounts);
        devices = List.copyOf(devices);
        annotations = Map.copyOf(annotations);
    }

    /**
     * A block device of the host.
     *
     * @param source its node on the host
     * @param path of its node in the container
     * @param access any of {@code r}, {@code w} and {@code m}; without {@code w} it cannot be
     *     written to
     */
    public record Device(Path source, String path, String access) {}

    /** Without the environment's values, which may be secret. */
    @Override
    public String toString() {
        return "ContainerRequest[name="
                + name
                + ", image="
                + image
                + ", arguments="
                + arguments
                + "]";
    }
}
