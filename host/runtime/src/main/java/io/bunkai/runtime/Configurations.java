// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.config.LoadedConfiguration;
import java.nio.file.Path;
import java.util.Optional;

/** Where the runtime gets configurations from. */
@FunctionalInterface
public interface Configurations {
    /**
     * {@return the configuration of a file; the node's own if none is named}
     *
     * @throws io.bunkai.base.Fault NOT_FOUND if there is no such file, INVALID_ARGUMENT or
     *     UNIMPLEMENTED if it cannot be used
     */
    LoadedConfiguration get(Optional<Path> file);
}
