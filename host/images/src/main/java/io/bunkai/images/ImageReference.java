// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/** Which image is meant. */
public sealed interface ImageReference {
    /** The name of the image that comes with the program. */
    String EMBEDDED_NAME = "busybox";

    /** The image that comes with the program: a static busybox. */
    record Embedded() implements ImageReference {
        @Override
        public String toString() {
            return EMBEDDED_NAME;
        }
    }

    /**
     * An image in a directory or archive on this machine.
     *
     * @param path an OCI layout (directory or tar archive) or an archive made by {@code docker
     *     save}; absolute
     * @param tag which of several images, or empty for the only one
     */
    record OnDisk(Path path, Optional<String> tag) implements ImageReference {
        public OnDisk {
            if (!path.isAbsolute()) {
                throw Fault.invalidArgument("the path of an image must be absolute: %s", path);
            }
        }

        @Override
        public String toString() {
            return tag.map(name -> path + ":" + name).orElseGet(path::toString);
        }
    }

    /** {@return the image that comes with the program} */
    static ImageReference embedded() {
        return new Embedded();
    }

    /**
     * Reads what a person wrote: {@code busybox}, or a path with an optional tag behind a colon. A
     * path contains a slash; where a file's own name has a colon, the longest name that exists
     * wins.
     *
     * @param directory what a relative path is relative to
     * @throws Fault NOT_FOUND if there is no such file, UNIMPLEMENTED if it names a registry's
     *     image
     */
    static ImageReference parse(String text, Path directory) {
        if (text.equals(EMBEDDED_NAME)) {
            return embedded();
        }
        if (!text.contains("/") || !(text.startsWith("/") || text.startsWith("."))) {
            throw Fault.unimplemented(
                            "the image '%s' cannot be pulled: there are no registries yet", text)
                    .withHint(
                            "give the path of an OCI layout or of an archive made by docker save"
                                    + " (./image.tar), or leave the image out for busybox");
        }
        for (int end = text.length(); end > 0; end = text.lastIndexOf(':', end - 1)) {
            Optional<Path> path = existing(text.substring(0, end), directory);
            if (path.isPresent()) {
                boolean tagged = end + 1 < text.length();
                return new OnDisk(
                        path.get(),
                        tagged ? Optional.of(text.substring(end + 1)) : Optional.empty());
            }
        }
        throw Fault.notFound("there is no image at %s", text)
                .withHint("an image is an OCI layout or an archive made by docker save");
    }

    private static Optional<Path> existing(String text, Path directory) {
        try {
            Path path = directory.resolve(text).toAbsolutePath().normalize();
            return Files.exists(path) ? Optional.of(path) : Optional.empty();
        } catch (InvalidPathException e) {
            return Optional.empty();
        }
    }
}
