// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PackageChoiceTest {
    private final Map<String, DebianPackage> offered = new TreeMap<>();
    private final PackageChoice choice =
            new PackageChoice(
                    new PackageSource() {
                        @Override
                        public Map<String, DebianPackage> find(Collection<String> names) {
                            Map<String, DebianPackage> found = new TreeMap<>(offered);
                            found.keySet().retainAll(names);
                            return found;
                        }

                        @Override
                        public Map<String, Path> fetch(Collection<DebianPackage> packages) {
                            throw new AssertionError("choosing must not download");
                        }
                    });

    @Test
    void takesEverythingThatIsDependedOn() throws Exception {
        offer("tool", "liba", "libb");
        offer("liba", "libc");
        offer("libb", "libc", "liba");
        offer("libc");
        offer("unrelated");
        assertThat(choice.withDependencies(List.of("tool")).keySet())
                .containsExactly("liba", "libb", "libc", "tool");
    }

    @Test
    void takesTheFirstAlternativeOnOffer() throws Exception {
        offer("tool", "gone|liba|libb");
        offer("liba");
        offer("libb");
        assertThat(choice.withDependencies(List.of("tool")).keySet())
                .containsExactly("liba", "tool");
    }

    @Test
    void takesNoSecondAlternativeWhenOneIsThereAlready() throws Exception {
        offer("tool", "libb", "other");
        offer("other", "liba|libb");
        offer("liba");
        offer("libb");
        assertThat(choice.withDependencies(List.of("tool")).keySet())
                .containsExactly("libb", "other", "tool");
    }

    @Test
    void saysWhatToDoWhenAPackageIsMissing() {
        offer("tool", "gone|lost");
        assertThatThrownBy(() -> choice.withDependencies(List.of("tool")))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> {
                            assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND);
                            assertThat(fault).hasMessage("apt offers no package gone or lost");
                            assertThat(fault.hint())
                                    .hasValueSatisfying(
                                            hint -> assertThat(hint).contains("apt-get update"));
                        });
    }

    @Test
    void followsANameToTheNewestKernelAndNothingElse() throws Exception {
        offer("linux-image-cloud", "linux-image-6.1.0-1-cloud");
        offer("linux-image-6.1.0-1-cloud", "kmod", "initramfs-tools");
        offer("kmod");
        assertThat(choice.kernel("linux-image-cloud").keySet())
                .containsExactly("linux-image-cloud", "linux-image-6.1.0-1-cloud");
        assertThat(choice.kernel("linux-image-6.1.0-1-cloud").keySet())
                .containsExactly("linux-image-6.1.0-1-cloud");
    }

    private void offer(String name, String... depends) {
        List<List<String>> dependencies =
                Arrays.stream(depends).map(names -> List.of(names.split("\\|"))).toList();
        offered.put(name, new DebianPackage(name, "1", "amd64", "00", dependencies));
    }
}
