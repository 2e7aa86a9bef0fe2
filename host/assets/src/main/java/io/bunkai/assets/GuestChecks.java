// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Checks before starts, each pair of kernel and image once for as long as their files stay the
 * same. Only what fits is remembered: whoever mends something is believed at once. Thread-safe.
 */
public final class GuestChecks {
    private static final int MOST_PAIRS = 64;

    private final Map<Pair, Stamps> fitting = new LinkedHashMap<>(); // guarded by this

    private record Pair(Path kernel, Path image, Expectations expected) {}

    private record Stamp(FileTime modified, long bytes) {}

    private record Stamps(
            Optional<Stamp> kernel, Optional<Stamp> image, Optional<Stamp> manifest) {}

    /**
     * Refuses a start that could not succeed.
     *
     * @throws io.bunkai.base.Fault FAILED_PRECONDITION with every mismatch
     */
    public void refuseMismatches(Path kernel, Path image, Expectations expected) {
        Pair pair = new Pair(kernel, image, expected);
        Stamps stamps =
                new Stamps(stamp(kernel), stamp(image), stamp(GuestCheck.manifestOf(image)));
        synchronized (this) {
            if (stamps.equals(fitting.get(pair))) {
                return;
            }
        }
        GuestCheck.check(kernel, image, expected, GuestCheck.Depth.QUICK).refuseMismatches();
        synchronized (this) {
            fitting.put(pair, stamps);
            if (fitting.size() > MOST_PAIRS) {
                fitting.remove(fitting.keySet().iterator().next());
            }
        }
    }

    private static Optional<Stamp> stamp(Path file) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return Optional.of(new Stamp(attributes.lastModifiedTime(), attributes.size()));
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
