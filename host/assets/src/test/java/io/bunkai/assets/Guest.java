// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.zip.GZIPOutputStream;

/** Kernels and images in the making, as small as the check lets them be. */
final class Guest {
    static final String UUID = "00112233445566778899aabbccddeeff";

    /** A configuration with everything built in. */
    static final String CONFIG = config();

    private Guest() {}

    private static String config() {
        StringBuilder text = new StringBuilder("# Linux\n");
        for (KernelFeature feature : KernelFeature.values()) {
            feature.parts().forEach(part -> text.append("CONFIG_" + part.option() + "=y\n"));
        }
        return text.toString();
    }

    /** An ELF file for this machine number. */
    static byte[] elf(int machine) {
        ByteBuffer file = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(0, 0x464c457f).putShort(18, (short) machine);
        return file.array();
    }

    /** The same with a configuration inside. */
    static byte[] elf(int machine, String config) throws IOException {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.write(elf(machine));
        file.write("xIKCFG_ST".getBytes(StandardCharsets.US_ASCII));
        file.write(packed(config.getBytes(StandardCharsets.UTF_8)));
        file.write("IKCFG_ED".getBytes(StandardCharsets.US_ASCII));
        return file.toByteArray();
    }

    static byte[] packed(byte[] content) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(content);
        }
        return packed.toByteArray();
    }

    /** A super-block of EROFS and nothing else. */
    static byte[] erofs(boolean compressed) {
        ByteBuffer file = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(1024, 0xE0F5E1E2).putInt(1024 + 80, compressed ? 1 : 0);
        file.put(1024 + 48, HexFormat.of().parseHex(UUID));
        return file.array();
    }

    /** A manifest whose digest fits. */
    static String manifest(String architecture, String protocol, String programs, String more) {
        return signed(
                """
                {
                  "format" : 1,
                  "architecture" : "%s",
                  "agent" : { "version" : "0.1.0", "protocols" : [ "%s" ] },
                  "programs" : { %s },
                  "kernelFeatures" : [ "cgroup2", "seccomp"%s ],
                  "image" : { "bytes" : 8192, "uuid" : "00112233-4455-6677-8899-aabbccddeeff" },
                  "digest" : "%s"
                }
                """
                        .formatted(architecture, protocol, programs, more, "0".repeat(64)));
    }

    static String manifest() {
        return manifest("x86_64", "0.0.1", "\"crun\" : { }", "");
    }

    static String signed(String zeros) {
        byte[] digest = ManifestText.sha256().digest(zeros.getBytes(StandardCharsets.UTF_8));
        return zeros.replace("0".repeat(64), HexFormat.of().formatHex(digest));
    }

    static void write(Path image, String manifest) throws IOException {
        Files.write(image, erofs(false));
        Files.writeString(GuestCheck.manifestOf(image), manifest);
    }
}
