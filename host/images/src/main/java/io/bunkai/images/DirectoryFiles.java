// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;

/** An image's files in a directory. Only regular files count: no link leads out, no pipe blocks. */
record DirectoryFiles(Path directory) implements ImageFiles {
    /** A document of the image may name its files; none may lie elsewhere. */
    private Path resolve(String name) {
        try {
            Path path = directory.resolve(name).normalize();
            if (path.startsWith(directory.normalize())) {
                return path;
            }
        } catch (InvalidPathException e) {
            throw Fault.invalidArgument("%s names a file that cannot be", place()).causedBy(e);
        }
        throw Fault.invalidArgument("%s names a file outside of it: %s", place(), name);
    }

    @Override
    public Optional<Long> size(String name) throws IOException {
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(
                            resolve(name), BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (!attributes.isRegularFile()) {
                throw Fault.invalidArgument("%s in %s is not a regular file", name, place());
            }
            return Optional.of(attributes.size());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    @Override
    public InputStream open(String name) throws IOException {
        return Channels.newInputStream(
                Files.newByteChannel(
                        resolve(name), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
    }

    @Override
    public String place() {
        return directory.toString();
    }

    @Override
    public void close() {}
}
