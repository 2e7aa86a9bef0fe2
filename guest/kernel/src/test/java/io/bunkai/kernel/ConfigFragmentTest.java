// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ConfigFragmentTest {
    @Test
    void aGroupIsAReasonAndItsOptions() {
        ConfigFragment fragment =
                ConfigFragment.parse(
                        "x",
                        """
                        # The head of the file.

                        # Why, on
                        # two lines.
                        CONFIG_A=y
                        # CONFIG_B is not set
                        CONFIG_C="a text"

                        # Another reason.
                        CONFIG_D=128
                        """);
        assertThat(fragment.groups())
                .containsExactly(
                        new ConfigFragment.Group(
                                "Why, on two lines.",
                                List.of(
                                        new ConfigOption("CONFIG_A", "y"),
                                        new ConfigOption("CONFIG_B", "n"),
                                        new ConfigOption("CONFIG_C", "\"a text\""))),
                        new ConfigFragment.Group(
                                "Another reason.", List.of(new ConfigOption("CONFIG_D", "128"))));
    }

    @Test
    void aGroupWithoutAReasonIsRefusedWithItsLine() {
        assertThatThrownBy(() -> ConfigFragment.parse("x", "# why\nCONFIG_A=y\n\nCONFIG_B=y\n"))
                .isInstanceOf(Fault.class)
                .hasMessage("fragment x, line 4: the group of CONFIG_B has no reason");
    }

    @Test
    void anOptionThatStandsTwiceIsRefused() {
        assertThatThrownBy(() -> ConfigFragment.parse("x", "# why\nCONFIG_A=y\nCONFIG_A=n\n"))
                .hasMessage("fragment x, line 3: CONFIG_A is there twice");
    }

    @Test
    void aLineThatIsNothingIsRefused() {
        assertThatThrownBy(() -> ConfigFragment.parse("x", "# why\nCONFIG_A\n"))
                .hasMessage("fragment x, line 2: 'CONFIG_A' is neither an option nor a reason");
        assertThatThrownBy(() -> ConfigFragment.parse("x", "# why\nCONFIG_A=y\n# late\n"))
                .hasMessageContaining("line 3");
    }

    @Test
    void everyFragmentOfOursGivesAReasonForEveryGroup() throws Exception {
        for (Architecture architecture : Architecture.values()) {
            for (String name : new Variant(true, true, true, true).fragments(architecture)) {
                ConfigFragment fragment = KernelBuild.fragment(name);
                assertThat(fragment.groups()).as(name).isNotEmpty();
                assertThat(fragment.groups())
                        .as(name)
                        .allSatisfy(group -> assertThat(group.reason()).hasSizeGreaterThan(20));
            }
        }
    }

    /** What one part of a kernel asks for another does not take away; a variant may. */
    @Test
    void thePartsOfThePlainKernelDoNotContradictEachOther() throws Exception {
        for (Architecture architecture : Architecture.values()) {
            Map<String, String> all = new HashMap<>();
            for (String name : Variant.PLAIN.fragments(architecture)) {
                for (ConfigOption option : KernelBuild.fragment(name).options()) {
                    String other = all.put(option.name(), option.value());
                    assertThat(other == null || other.equals(option.value()))
                            .as("%s in %s", option, name)
                            .isTrue();
                }
            }
        }
    }

    @Test
    void thePlainKernelHasWhatTheGuestImageNeeds() throws Exception {
        StringBuilder all = new StringBuilder();
        for (String name : Variant.PLAIN.fragments(Architecture.X86_64)) {
            all.append(KernelBuild.fragment(name).text()).append('\n');
        }
        assertThat(all.toString().lines())
                .contains(
                        "CONFIG_VIRTIO_PCI=y",
                        "CONFIG_VIRTIO_BLK=y",
                        "CONFIG_EROFS_FS=y",
                        "CONFIG_OVERLAY_FS=y",
                        "CONFIG_VIRTIO_FS=y",
                        "CONFIG_VIRTIO_CONSOLE=y",
                        "CONFIG_DEVTMPFS_MOUNT=y",
                        "CONFIG_VMGENID=y",
                        "CONFIG_PVH=y",
                        "CONFIG_MODULES=n");
    }
}
