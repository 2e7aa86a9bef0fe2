// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How large a machine can be here.
 *
 * @param processors at least 1
 * @param memory all of the host's memory
 */
public record HostCapacity(int processors, ByteSize memory) {
    private static final Pattern TOTAL = Pattern.compile("MemTotal:\\s+([0-9]+) kB");

    public HostCapacity {
        if (processors < 1) {
            throw new IllegalArgumentException("a host has at least one processor");
        }
    }

    /**
     * {@return the capacity of this machine}
     *
     * @throws Fault INTERNAL if {@code /proc/meminfo} cannot be read
     */
    public static HostCapacity ofThisMachine() {
        try {
            return new HostCapacity(
                    Runtime.getRuntime().availableProcessors(),
                    memoryOf(Files.readAllLines(Path.of("/proc/meminfo"))));
        } catch (IOException e) {
            throw Fault.internal("the size of this machine's memory is not known").causedBy(e);
        }
    }

    static ByteSize memoryOf(List<String> meminfo) throws IOException {
        for (String line : meminfo) {
            Matcher matcher = TOTAL.matcher(line);
            if (matcher.matches()) {
                return ByteSize.ofBytes(Long.parseLong(matcher.group(1)) * 1024);
            }
        }
        throw new IOException("/proc/meminfo has no line MemTotal");
    }
}
