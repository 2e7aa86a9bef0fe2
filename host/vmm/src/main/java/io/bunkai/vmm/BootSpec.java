// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.Fault;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a machine boots.
 *
 * @param kernel the kernel's file
 * @param initrd the first file system's file
 * @param parameters the kernel's command line, one element each
 */
public record BootSpec(Path kernel, Optional<Path> initrd, List<String> parameters) {
    /**
     * Checks and copies.
     *
     * @throws Fault INVALID_ARGUMENT if a parameter holds a control character
     */
    public BootSpec {
        parameters = List.copyOf(parameters);
        for (String parameter : parameters) {
            if (parameter.chars().anyMatch(Character::isISOControl)) {
                throw Fault.invalidArgument("a kernel parameter holds a control character");
            }
        }
    }

    /** {@return the kernel's command line as one string} */
    public String commandLine() {
        return String.join(" ", parameters);
    }
}
