// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What this process has open, as the kernel tells it. */
final class OpenFiles {
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
    private static final Path DETAILS = Path.of("/proc/self/fdinfo");

    private OpenFiles() {}

    /** {@return how many ends of pipes and FIFOs are open} */
    static long pipes() {
        return targets().stream()
                .filter(target -> target.startsWith("pipe:") || target.endsWith("/fifo"))
                .count();
    }

    /** {@return how many descriptors all epoll instances of this process watch} */
    static long watched() {
        long watched = 0;
        for (Path descriptor : list()) {
            if (target(descriptor).contains("[eventpoll]")) {
                watched += watchedBy(DETAILS.resolve(descriptor.getFileName()));
            }
        }
        return watched;
    }

    private static long watchedBy(Path details) {
        try (Stream<String> lines = Files.lines(details)) {
            return lines.filter(line -> line.startsWith("tfd:")).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> targets() {
        return list().stream().map(OpenFiles::target).toList();
    }

    private static List<Path> list() {
        try (Stream<Path> files = Files.list(DESCRIPTORS)) {
            return files.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (NoSuchFileException e) {
            return ""; // the one by which the list was read
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
