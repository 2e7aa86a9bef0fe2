// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class KernelConfigTest {
    private static final KernelConfig CONFIG =
            KernelConfig.parse(
                    """
                    #
                    # Automatically generated file; DO NOT EDIT.
                    #
                    CONFIG_SMP=y
                    CONFIG_NR_CPUS=128
                    # CONFIG_MODULES is not set
                    CONFIG_DEFAULT_HOSTNAME="bunkai"
                    CONFIG_NET=m
                    """);

    @Test
    void whatStuckIsNotTold() {
        assertThat(
                        CONFIG.droppedOf(
                                List.of(
                                        new ConfigOption("CONFIG_SMP", "y"),
                                        new ConfigOption("CONFIG_NR_CPUS", "128"),
                                        new ConfigOption("CONFIG_MODULES", "n"),
                                        new ConfigOption("CONFIG_UNKNOWN", "n"),
                                        new ConfigOption("CONFIG_DEFAULT_HOSTNAME", "\"bunkai\""))))
                .isEmpty();
    }

    @Test
    void whatDidNotStickIsToldByNameWithWhatItIsInstead() {
        assertThat(
                        CONFIG
                                .droppedOf(
                                        List.of(
                                                new ConfigOption("CONFIG_VMGENID", "y"),
                                                new ConfigOption("CONFIG_NET", "y"),
                                                new ConfigOption("CONFIG_NR_CPUS", "64"),
                                                new ConfigOption("CONFIG_SMP", "n")))
                                .stream()
                                .map(KernelConfig.Dropped::toString))
                .containsExactly(
                        "CONFIG_NET is m instead of y",
                        "CONFIG_NR_CPUS is 128 instead of 64",
                        "CONFIG_SMP is y instead of n",
                        "CONFIG_VMGENID is n instead of y");
    }

    @Test
    void ofTwoWishesTheLaterOneCounts() {
        assertThat(
                        CONFIG.droppedOf(
                                List.of(
                                        new ConfigOption("CONFIG_MODULES", "y"),
                                        new ConfigOption("CONFIG_MODULES", "n"))))
                .isEmpty();
    }
}
