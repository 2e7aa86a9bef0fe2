// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Everything that is tuned for a guest whose instructions the processor carries out itself. */
record KvmProfile() implements Profile {
    private static final String PMU = "pmu";

    @Override
    public String accelerator() {
        return "kvm";
    }

    /**
     * The host's own processor. Its performance counters stay away from the guest unless they are
     * asked for: they cost time on every switch, and they are a side channel.
     */
    @Override
    public String cpu(List<String> features) {
        List<String> all = new ArrayList<>(features);
        if (features.stream().noneMatch(feature -> name(feature).equals(PMU))) {
            all.addFirst(PMU + "=off");
        }
        return Options.list("host", all);
    }

    @Override
    public Optional<String> firmware(String machineType) {
        return Optional.empty();
    }

    /** {@code +x}, {@code -x} and {@code x=off} are about the same feature. */
    private static String name(String feature) {
        String unsigned =
                feature.startsWith("+") || feature.startsWith("-") ? feature.substring(1) : feature;
        int equals = unsigned.indexOf('=');
        return equals < 0 ? unsigned : unsigned.substring(0, equals);
    }

    @Override
    public boolean hasGenerationId() {
        return true;
    }
}
