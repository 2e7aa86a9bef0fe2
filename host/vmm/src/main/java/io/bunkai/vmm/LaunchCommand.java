// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import java.nio.file.Path;
import java.util.List;

/**
 * Exactly what launching a machine executes.
 *
 * @param arguments the program and its arguments
 * @param environment its whole environment, as {@code NAME=value}
 * @param directory the working directory
 * @param inherited what the process finds open beside its standard streams, in the order of the
 *     numbers
 */
public record LaunchCommand(
        List<String> arguments,
        List<String> environment,
        Path directory,
        List<Inherited> inherited) {
    /** Copies. */
    public LaunchCommand {
        arguments = List.copyOf(arguments);
        environment = List.copyOf(environment);
        inherited = List.copyOf(inherited);
    }

    /**
     * Something that is opened before the process starts, so that it needs no path of its own to
     * it.
     *
     * @param descriptor the number under which the process finds it
     * @param file what is opened
     * @param mode how it is opened
     */
    public record Inherited(int descriptor, Path file, Mode mode) {}

    /** How something is opened for a process. */
    public enum Mode {
        /** A file, for reading. */
        READ,
        /** A file, for reading and writing. */
        READ_WRITE,
        /**
         * A block device, for reading and writing, that nobody else uses: nothing on it is mounted,
         * and nothing can be while it is open.
         */
        CLAIM,
        /** A unix socket that listens. */
        LISTEN,
        /** A unix socket that is connected to whoever listens there. */
        CONNECT
    }
}
