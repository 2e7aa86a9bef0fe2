// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.api.control.CreateRequest;
import io.bunkai.api.control.Device;
import io.bunkai.api.control.Mount;
import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.linux.Terminal;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.runtime.ContainerRequest;
import io.bunkai.runtime.ExecRequest;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/** The control protocol's requests as the runtime's. */
final class Requests {
    private Requests() {}

    /**
     * {@return the request for a container}
     *
     * @throws Fault INVALID_ARGUMENT if a number makes no sense
     */
    static ContainerRequest container(CreateRequest request) {
        if (request.getMemoryBytes() < 0 || request.getNanoCpus() < 0) {
            throw Fault.invalidArgument("a limit cannot be negative");
        }
        return new ContainerRequest(
                request.getName(),
                request.getImage(),
                request.getArgsList(),
                request.getEntrypointSet()
                        ? Optional.of(request.getEntrypointList())
                        : Optional.empty(),
                request.getEnvList(),
                request.getCwd(),
                request.getUser(),
                request.getHostname(),
                request.getMemoryBytes() == 0
                        ? Optional.empty()
                        : Optional.of(ByteSize.ofBytes(request.getMemoryBytes())),
                request.getNanoCpus(),
                terminal(request.getTty(), request.getTtyRows(), request.getTtyColumns()),
                request.getStdin(),
                request.getRemove(),
                request.getMountsList().stream().map(Requests::mount).toList(),
                request.getDevicesList().stream().map(Requests::device).toList(),
                request.getAnnotationsMap());
    }

    private static ContainerRequest.Device device(Device device) {
        return new ContainerRequest.Device(
                path(device.getSource()),
                device.getPath().isEmpty() ? device.getSource() : device.getPath(),
                device.getAccess().isEmpty() ? "rwm" : device.getAccess());
    }

    private static Path path(String text) {
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw Fault.invalidArgument("a device's path holds a zero byte").causedBy(e);
        }
    }

    private static RuntimeSpec.Mount mount(Mount mount) {
        return RuntimeSpec.Mount.of(
                mount.getDestination(), mount.getType(), mount.getSource(), mount.getOptionsList());
    }

    /** {@return the request for a further process} The runtime checks it. */
    static ExecRequest exec(io.bunkai.api.control.ExecRequest request) {
        return new ExecRequest(
                request.getArgsList(),
                request.getEnvList(),
                request.getCwd(),
                request.getUser(),
                terminal(request.getTty(), request.getTtyRows(), request.getTtyColumns()),
                request.getStdin());
    }

    private static Optional<Terminal.Size> terminal(boolean wanted, int rows, int columns) {
        return wanted ? Optional.of(new Terminal.Size(rows, columns)) : Optional.empty();
    }
}
