// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.base.Fault;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Processes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A program beneath libexec that this process becomes: a command that is about containers need not
 * know how to do everything else.
 */
final class LibexecProgram {
    private LibexecProgram() {}

    /**
     * Becomes the program.
     *
     * @return never; declared so that a caller can say that it ends there
     * @throws Fault NOT_FOUND if it is not installed, INTERNAL if it cannot be run
     */
    static Fault become(String name, List<String> words, Surroundings surroundings) {
        Path programs = surroundings.programs();
        if (programs == null) {
            throw missing(name);
        }
        Path program = programs.resolveSibling("libexec").resolve(name).toAbsolutePath();
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(words);
        try {
            Processes.become(command, surroundings.environment());
            throw Fault.internal("%s was run, and this program goes on", program);
        } catch (ErrnoException e) {
            Fault fault =
                    e.errno() == Errno.ENOENT
                            ? missing(name)
                            : Fault.internal("%s cannot be run", program);
            throw fault.causedBy(e);
        }
    }

    private static Fault missing(String name) {
        return Fault.notFound("the program %s is not installed", name)
                .withHint("it belongs into the folder libexec beside the one of 'bunkai'");
    }
}
