// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class WaiversTest {
    private static final Waivers WAIVERS =
            Waivers.parse(
                    """
                    # a comment
                    CONFIG_OLD -6.2 came later
                    CONFIG_GONE 6.9- = CONFIG_NEW_NAME got another name
                    CONFIG_BETWEEN aarch64 5.10-6.1.90 was broken
                    """);

    private static boolean waived(String option, Architecture architecture, String version) {
        return WAIVERS.of(option, architecture, KernelVersion.parse(version)).isPresent();
    }

    @Test
    void aRangeHasItsFirstVersionAndNotItsLast() {
        assertThat(waived("CONFIG_OLD", Architecture.X86_64, "6.1.176")).isTrue();
        assertThat(waived("CONFIG_OLD", Architecture.X86_64, "6.2")).isFalse();
        assertThat(waived("CONFIG_GONE", Architecture.X86_64, "6.8.12")).isFalse();
        assertThat(waived("CONFIG_GONE", Architecture.X86_64, "6.9")).isTrue();
        assertThat(waived("CONFIG_BETWEEN", Architecture.AARCH64, "5.9")).isFalse();
        assertThat(waived("CONFIG_BETWEEN", Architecture.AARCH64, "6.1.89")).isTrue();
        assertThat(waived("CONFIG_BETWEEN", Architecture.AARCH64, "6.1.90")).isFalse();
    }

    @Test
    void aWaiverOfOneArchitectureIsNoneOfAnother() {
        assertThat(waived("CONFIG_BETWEEN", Architecture.X86_64, "5.19")).isFalse();
    }

    @Test
    void whatHasAnotherNameIsAskedForUnderThatName() {
        List<ConfigOption> wanted =
                List.of(new ConfigOption("CONFIG_GONE", "y"), new ConfigOption("CONFIG_OLD", "y"));
        assertThat(WAIVERS.renamed(wanted, Architecture.X86_64, KernelVersion.parse("6.12")))
                .containsExactly(new ConfigOption("CONFIG_NEW_NAME", "y"));
        assertThat(WAIVERS.renamed(wanted, Architecture.X86_64, KernelVersion.parse("6.1")))
                .isEmpty();
    }

    @Test
    void aLineWithoutRangeOrReasonIsRefused() {
        assertThatThrownBy(() -> Waivers.parse("CONFIG_A 6.1-\n")).hasMessageContaining("line 1");
        assertThatThrownBy(() -> Waivers.parse("\nCONFIG_A - why\n"))
                .hasMessageContaining("line 2");
        assertThatThrownBy(() -> Waivers.parse("CONFIG_A\n")).hasMessageContaining("CONFIG_A");
    }

    @Test
    void ourOwnListCanBeRead() throws Exception {
        Waivers ours =
                Waivers.parse(new String(Resources.read("waivers.conf"), StandardCharsets.UTF_8));
        assertThat(
                        ours.of(
                                "CONFIG_TDX_GUEST_DRIVER",
                                Architecture.X86_64,
                                KernelVersion.parse("6.1.176")))
                .isPresent();
    }
}
