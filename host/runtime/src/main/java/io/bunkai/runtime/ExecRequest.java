// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.linux.Terminal;
import java.util.List;
import java.util.Optional;

/**
 * A further process for a running container.
 *
 * @param arguments what to run, at least the program
 * @param environment {@code NAME=value}, added to the container's; secret
 * @param directory working directory; empty for the container's
 * @param user {@code UID[:GID]} or {@code name[:group]}; empty for the container's
 * @param terminal size of the terminal; empty for pipes
 * @param stdin whether standard input stays open for somebody to write to
 */
public record ExecRequest(
        List<String> arguments,
        List<String> environment,
        String directory,
        String user,
        Optional<Terminal.Size> terminal,
        boolean stdin) {
    public ExecRequest {
        arguments = List.copyOf(arguments);
        environment = List.copyOf(environment);
    }

    /** Without the environment's values, which may be secret. */
    @Override
    public String toString() {
        return "ExecRequest[arguments=" + arguments + "]";
    }
}
