// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ContentManifestTest {
    private static ContentManifest of(String protocol) {
        return new ContentManifest(
                "x86_64",
                5,
                "0.1.0",
                protocol,
                "25.0.3",
                List.of("java.base"),
                new AotStore.Entry("00aa", 7, "00bb"),
                new TreeMap<>(Map.of("crun", "1.8.1-1")),
                new TreeMap<>(Map.of("crun", "usr/bin/crun")),
                "6.1.0",
                List.of("virtiofs.ko"),
                new TreeListing("00cc", new TreeMap<>(Map.of("usr/bin/crun", "00dd"))));
    }

    @Test
    void isWrittenInAFixedOrder() {
        ContentManifest manifest = of("0.0.1");
        String text =
                manifest.toJson(
                        Optional.of(
                                new ContentManifest.Image(
                                        ImageFormat.PLAIN_EROFS,
                                        new java.util.UUID(1, 2),
                                        4096,
                                        8192,
                                        "00ee")));
        assertThat(text.replaceAll("[0-9a-f]{64}", "D"))
                .isEqualTo(
                        """
                        {
                          "format" : 1,
                          "architecture" : "x86_64",
                          "sourceDateEpoch" : 5,
                          "agent" : {
                            "version" : "0.1.0",
                            "protocols" : [ "0.0.1" ]
                          },
                          "java" : {
                            "version" : "25.0.3",
                            "modules" : [ "java.base" ]
                          },
                          "aot" : {
                            "key" : "00aa",
                            "bytes" : 7,
                            "sha256" : "00bb"
                          },
                          "packages" : {
                            "crun" : "1.8.1-1"
                          },
                          "programs" : {
                            "crun" : {
                              "path" : "usr/bin/crun"
                            }
                          },
                          "kernelFeatures" : [ "binfmt-script", "cgroup2", "devpts", "devtmpfs", \
                        "inet", "mqueue", "namespaces", "overlayfs", "proc", "seccomp", "sysfs", \
                        "tmpfs", "unix-sockets", "virtio-console" ],
                          "modules" : {
                            "release" : "6.1.0",
                            "names" : [ "virtiofs.ko" ]
                          },
                          "tree" : "00cc",
                          "files" : {
                            "usr/bin/crun" : "00dd"
                          },
                          "image" : {
                            "fileSystem" : "erofs",
                            "layout" : "plain",
                            "compression" : "lz4hc-large",
                            "uuid" : "00000000-0000-0001-0000-000000000002",
                            "fileSystemBytes" : 4096,
                            "bytes" : 8192,
                            "sha256" : "00ee"
                          },
                          "digest" : "D"
                        }
                        """);
    }

    @Test
    void theDigestIsOfTheTextWithZerosInItsPlace() {
        String text = of("0.0.1").toJson(Optional.empty());
        Matcher digest = Pattern.compile("\"digest\" : \"([0-9a-f]{64})\"").matcher(text);
        assertThat(digest.find()).isTrue();
        assertThat(Digests.sha256(text.replace(digest.group(1), "0".repeat(64))))
                .isEqualTo(digest.group(1));
    }

    @Test
    void theSameContentHasTheSameIdentifierAndNoOtherHas() {
        assertThat(of("0.0.1").uuid()).isEqualTo(of("0.0.1").uuid());
        assertThat(of("0.0.2").uuid()).isNotEqualTo(of("0.0.1").uuid());
        assertThat(of("0.0.1").uuid().version()).isEqualTo(8);
        assertThat(of("0.0.1").uuid().variant()).isEqualTo(2);
    }
}
