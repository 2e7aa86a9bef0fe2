// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.Fault;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A machine's processors.
 *
 * @param count how many there are at the start, at least one
 * @param maximum how many there can be later, at least {@code count}
 * @param features what is switched on or off in each, in the hypervisor's words: {@code pmu=off}
 */
public record CpuSpec(int count, int maximum, List<String> features) {
    private static final Pattern FEATURE =
            Pattern.compile("[+-]?[A-Za-z0-9][A-Za-z0-9_.-]*(=[A-Za-z0-9_.:-]+)?");

    /**
     * Checks and copies.
     *
     * @throws Fault INVALID_ARGUMENT if a number is out of range or a feature is no feature's name
     */
    public CpuSpec {
        features = List.copyOf(features);
        if (count < 1 || maximum < count) {
            throw Fault.invalidArgument(
                    "a machine cannot start with %d of %d processors", count, maximum);
        }
        for (String feature : features) {
            if (!FEATURE.matcher(feature).matches()) {
                throw Fault.invalidArgument("'%s' is not a processor feature", feature);
            }
        }
    }

    /** {@return processors of which none can be added later} */
    public static CpuSpec of(int count) {
        return new CpuSpec(count, count, List.of());
    }
}
