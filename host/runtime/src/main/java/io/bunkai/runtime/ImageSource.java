// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.nio.file.Path;
import java.util.List;

/** Where the runtime gets images from: a reference in, a disk and the image's own wishes out. */
@FunctionalInterface
public interface ImageSource {
    /**
     * {@return the image that a reference names; empty for the embedded one}
     *
     * @throws io.bunkai.base.Fault NOT_FOUND if there is none, INVALID_ARGUMENT or DATA_LOSS if it
     *     cannot be used
     */
    Image resolve(String reference);

    /**
     * An image that a container can be made of.
     *
     * @param reference for people
     * @param digest of the manifest
     * @param disk EROFS image of the root file system
     * @param environment {@code NAME=value}
     * @param directory working directory; empty for the root
     * @param user empty for root
     * @param stopSignal name or number; empty for SIGTERM
     */
    record Image(
            String reference,
            String digest,
            Path disk,
            List<String> entrypoint,
            List<String> command,
            List<String> environment,
            String directory,
            String user,
            String stopSignal) {
        public Image {
            entrypoint = List.copyOf(entrypoint);
            command = List.copyOf(command);
            environment = List.copyOf(environment);
        }
    }
}
