// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * How fast this machine's timestamp counter runs.
 *
 * <p>An emulated processor reads the host's counter, and a guest's kernel finds out how fast that
 * is by comparing it with an emulated timer. Where the thread of the processor has to wait for the
 * host's at the wrong moment, it finds a fraction of the truth, trusts it, and its clock runs
 * several times too fast for as long as the machine lives. So it is told.
 */
public final class TimestampCounter {
    private static final Path PROCESSORS = Path.of("/proc/cpuinfo");
    private static final Path SCALING = Path.of("/sys/devices/system/cpu/cpu0/cpufreq");
    private static final int KILO_PER_MEGA = 1000;

    private TimestampCounter() {}

    /** {@return what tells a guest's kernel how fast the counter runs; empty if nobody knows} */
    public static Optional<String> kernelParameter() {
        try {
            return kilohertz(Files.readString(PROCESSORS), Files.exists(SCALING))
                    .map(kilohertz -> "tsc_early_khz=" + kilohertz);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /**
     * The kernel shows a processor's present frequency where it can measure or choose that, and the
     * counter's frequency otherwise, as in a virtual machine. Only the latter is of use.
     *
     * @param processors what /proc/cpuinfo says
     * @param scaling whether frequencies are chosen
     * @spec https://man7.org/linux/man-pages/man5/proc_cpuinfo.5.html proc_cpuinfo(5)
     */
    static Optional<Long> kilohertz(String processors, boolean scaling) {
        List<String> flags = Arrays.asList(field(processors, "flags").split(" "));
        if (scaling || flags.contains("aperfmperf") || !flags.contains("constant_tsc")) {
            return Optional.empty();
        }
        String megahertz = field(processors, "cpu MHz");
        return megahertz.matches("[0-9]{1,6}\\.[0-9]{3}")
                ? Optional.of(Math.round(Double.parseDouble(megahertz) * KILO_PER_MEGA))
                : Optional.empty();
    }

    private static String field(String processors, String name) {
        return processors
                .lines()
                .takeWhile(line -> !line.isBlank()) // the first one's
                .filter(line -> line.startsWith(name + "\t"))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElse("");
    }
}
