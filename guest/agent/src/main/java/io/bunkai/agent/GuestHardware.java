// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Processors and memory that can be plugged while the machine runs.
 *
 * @param sys where sysfs is
 */
record GuestHardware(Path sys) {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final long NAP_MILLIS = 10;

    /**
     * Takes plugged processors and memory into use.
     *
     * @param processors how many are to be taken into use now; 0: whatever there is
     * @param processorsOnly leave memory alone
     * @param wait until that many are there: the kernel finds them in its own time
     * @throws Fault DEADLINE_EXCEEDED if they do not appear
     */
    void online(int processors, boolean processorsOnly, boolean wait, Deadline deadline)
            throws IOException, InterruptedException {
        Deadline soon = deadline.atMost(PATIENCE);
        int done = onlineIn("cpu", processors);
        while (wait && done < processors) {
            if (soon.hasPassed()) {
                throw Fault.deadlineExceeded("%d of %d processors appeared", done, processors);
            }
            Thread.sleep(NAP_MILLIS);
            done += onlineIn("cpu", processors - done);
        }
        if (!processorsOnly) {
            onlineIn("memory", 0);
        }
    }

    /** {@return how many were offline and are online now} */
    private int onlineIn(String kind, int most) throws IOException {
        int done = 0;
        for (Path unit : units(kind)) {
            Path online = unit.resolve("online");
            if (most > 0 && done == most) {
                break;
            }
            if (Files.exists(online)
                    && Files.readString(online, StandardCharsets.UTF_8).strip().equals("0")) {
                Files.writeString(online, "1");
                done++;
            }
        }
        return done;
    }

    private List<Path> units(String kind) {
        Path directory = sys.resolve("devices/system").resolve(kind);
        List<Path> units = new ArrayList<>();
        String[] names = directory.toFile().list();
        if (names != null) {
            Arrays.sort(names);
            for (String name : names) {
                if (name.startsWith(kind)
                        && name.length() > kind.length()
                        && Character.isDigit(name.charAt(kind.length()))) {
                    units.add(directory.resolve(name));
                }
            }
        }
        return units;
    }

    /** {@return the unit in which memory can be plugged; 0 if it cannot} */
    long memoryBlockBytes() {
        Path file = sys.resolve("devices/system/memory/block_size_bytes");
        try {
            return Long.parseUnsignedLong(
                    Files.readString(file, StandardCharsets.UTF_8).strip(), 16);
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
    }

    /** {@return whether the kernel wants to be told of plugged memory} */
    boolean canProbeMemory() {
        return Files.exists(sys.resolve("devices/system/memory/probe"));
    }
}
