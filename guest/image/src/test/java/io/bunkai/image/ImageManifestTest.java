// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageManifestTest {
    static final ImageManifest MANIFEST =
            new ImageManifest(
                    "abc",
                    "amd64",
                    "linux-image-cloud-amd64",
                    "6.1.0-1-cloud-amd64",
                    "0.1.0",
                    "25.0.3+9-LTS",
                    List.of("java.base"),
                    4711,
                    new TreeMap<>(Map.of("crun", "1.8.1-1")),
                    List.of("virtio.ko"),
                    new TreeMap<>(Map.of("kvm", "vmlinuz", "tcg", "vmlinux")),
                    new TreeMap<>(Map.of("kvm", "quiet", "tcg", "quiet nokaslr")),
                    new TreeMap<>(Map.of("vmlinuz", new ImageManifest.Content(3, "00ff"))));

    @TempDir private Path folder;

    @Test
    void isWrittenInAFixedOrder() {
        assertThat(MANIFEST.toJson())
                .isEqualTo(
                        """
                        {
                          "format" : 1,
                          "inputs" : "abc",
                          "architecture" : "amd64",
                          "kernelPackage" : "linux-image-cloud-amd64",
                          "kernelRelease" : "6.1.0-1-cloud-amd64",
                          "agentVersion" : "0.1.0",
                          "javaVersion" : "25.0.3+9-LTS",
                          "javaModules" : [ "java.base" ],
                          "aotCacheBytes" : 4711,
                          "packages" : {
                            "crun" : "1.8.1-1"
                          },
                          "bootModules" : [ "virtio.ko" ],
                          "kernels" : {
                            "kvm" : "vmlinuz",
                            "tcg" : "vmlinux"
                          },
                          "kernelParameters" : {
                            "kvm" : "quiet",
                            "tcg" : "quiet nokaslr"
                          },
                          "files" : {
                            "vmlinuz" : {
                              "bytes" : 3,
                              "sha256" : "00ff"
                            }
                          }
                        }
                        """);
    }

    @Test
    void isReadBackAsItWasWritten() throws IOException {
        assertThat(ImageManifest.read(folder)).isEmpty();
        Files.writeString(folder.resolve(ImageManifest.FILE), MANIFEST.toJson());
        assertThat(ImageManifest.read(folder)).hasValue(MANIFEST);
    }

    @Test
    void refusesWhatIsNoManifest() throws IOException {
        Files.writeString(folder.resolve(ImageManifest.FILE), "{\"format\": 1");
        assertThatThrownBy(() -> ImageManifest.read(folder)).isInstanceOf(Fault.class);
        Files.writeString(folder.resolve(ImageManifest.FILE), "{\"format\": 1}");
        assertThatThrownBy(() -> ImageManifest.read(folder)).isInstanceOf(Fault.class);
        Files.writeString(folder.resolve(ImageManifest.FILE), "{\"format\": 2}");
        assertThatThrownBy(() -> ImageManifest.read(folder))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("format 2");
    }
}
