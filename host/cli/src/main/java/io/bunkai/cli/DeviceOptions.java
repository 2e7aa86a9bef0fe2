// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.control.Device;
import io.bunkai.base.Fault;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/**
 * What block devices of the host a container gets, in Docker's notation.
 *
 * @spec https://docs.docker.com/reference/cli/docker/container/run/ docker run
 */
final class DeviceOptions {
    private static final String ACCESS = "[rwm]{1,3}";
    private static final int MOST_PARTS = 3;

    @Option(
            names = "--device",
            paramLabel = "HOST[:CONTAINER[:rwm]]",
            description = "Give the container a block device of the host, as a disk.")
    private List<String> devices = new ArrayList<>();

    /**
     * {@return all devices that are asked for}
     *
     * @param directory what paths of the host are relative to
     * @throws Fault INVALID_ARGUMENT if one makes no sense
     */
    List<Device> resolve(Path directory) {
        return devices.stream().map(text -> device(text, directory)).toList();
    }

    /** A second part of r, w and m alone is the access, not a place. */
    private static Device device(String text, Path directory) {
        String[] parts = text.split(":", -1);
        boolean hasPlace = parts.length > 1 && !(parts.length == 2 && parts[1].matches(ACCESS));
        boolean hasAccess = parts.length == MOST_PARTS || (parts.length == 2 && !hasPlace);
        String access = hasAccess ? parts[parts.length - 1] : "";
        if (parts.length > MOST_PARTS
                || parts[0].isEmpty()
                || (hasPlace && parts[1].isEmpty())
                || (hasAccess && !access.matches(ACCESS))) {
            throw Fault.invalidArgument("'%s' is no device", text)
                    .withHint("write HOST, HOST:CONTAINER or HOST:CONTAINER:r");
        }
        String source = directory.resolve(parts[0]).toString();
        return Device.newBuilder()
                .setSource(source)
                .setPath(hasPlace ? parts[1] : source)
                .setAccess(access)
                .build();
    }
}
