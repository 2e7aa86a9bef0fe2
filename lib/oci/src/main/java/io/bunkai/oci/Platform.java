// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The machine that an image is for, in the words of the Go language ({@code linux}, {@code amd64}).
 *
 * @param variant a generation of the processor ({@code v8}), empty if there is nothing to tell
 * @spec https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md OCI image
 *     specification 1.1, image index
 */
public record Platform(
        String architecture,
        String os,
        @JsonProperty("os.version") String osVersion,
        @JsonProperty("os.features") List<String> osFeatures,
        String variant) {

    public Platform {
        architecture = Copies.text(architecture);
        os = Copies.text(os);
        osVersion = Copies.text(osVersion);
        osFeatures = Copies.list(osFeatures);
        variant = Copies.text(variant);
    }

    /** {@return Linux on this architecture} */
    public static Platform linux(String architecture) {
        return new Platform(architecture, "linux", "", List.of(), "");
    }

    /** {@return Linux on the architecture of the machine that this program runs on} */
    public static Platform ofThisMachine() {
        return linux(goArchitecture(System.getProperty("os.arch", "")));
    }

    /** {@return Go's name for what Java or the kernel calls {@code machine}} */
    static String goArchitecture(String machine) {
        return switch (machine.toLowerCase(Locale.ROOT)) {
            case "amd64", "x86_64", "x86-64" -> "amd64";
            case "aarch64", "arm64" -> "arm64";
            case "ppc64le" -> "ppc64le";
            case "s390x" -> "s390x";
            case "riscv64" -> "riscv64";
            default -> machine;
        };
    }

    /** {@return whether something made for {@code other} runs here; variants are not compared} */
    public boolean runs(@Nullable Platform other) {
        return other != null && os.equals(other.os) && architecture.equals(other.architecture);
    }

    @Override
    public String toString() {
        return variant.isEmpty()
                ? os + "/" + architecture
                : os + "/" + architecture + "/" + variant;
    }
}
