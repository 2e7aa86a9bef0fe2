// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.GZIPInputStream;

/**
 * What can be found out about a kernel without running it.
 *
 * @param architecture as {@code uname -m} prints it; empty if the file does not tell
 * @param release as {@code uname -r} prints it; empty if nothing tells
 * @param options its configuration, name without {@code CONFIG_} to value; nothing if it is not
 *     known
 * @param bootModules the modules that its initrd loads
 */
record KernelFile(
        String architecture,
        String release,
        Optional<Map<String, String>> options,
        Set<String> bootModules) {
    private static final int HEAD = 1 << 16;
    private static final int MOST_CONFIG_BYTES = 4 << 20;
    private static final int MOST_KERNEL_BYTES = 256 << 20;
    private static final int WINDOW = 1 << 20;
    private static final byte[] CONFIG_BEGIN = "IKCFG_ST".getBytes(StandardCharsets.US_ASCII);
    private static final int ELF_MACHINE = 18;
    private static final int ARM_MAGIC = 0x644d5241;
    private static final int GZIP_MAGIC = 0x8b1f;
    private static final Charset UTF_8 = StandardCharsets.UTF_8;

    KernelFile {
        bootModules = Set.copyOf(bootModules);
    }

    static KernelFile read(Path named) throws IOException {
        Path file = named.toRealPath();
        ByteBuffer head;
        try (InputStream in = unpacked(Files.newInputStream(file))) {
            head = ByteBuffer.wrap(in.readNBytes(HEAD)).order(ByteOrder.LITTLE_ENDIAN);
        }
        Map<String, Object> manifest = manifest(file);
        String release = release(head);
        if (release.isEmpty()) {
            release = JsonText.text(manifest, "kernelRelease");
        }
        Optional<Map<String, String>> options = embedded(file);
        if (options.isEmpty()) {
            options = beside(named, file, release);
        }
        Set<String> modules = new HashSet<>();
        for (String name : JsonText.texts(manifest, "bootModules").orElse(List.of())) {
            modules.add(moduleName(name));
        }
        return new KernelFile(architecture(head), release, options, modules);
    }

    /** {@return the module in a file of this name} */
    static String moduleName(String file) {
        int end = file.indexOf(".ko");
        return (end < 0 ? file : file.substring(0, end)).replace('-', '_');
    }

    private static String architecture(ByteBuffer head) {
        if (head.limit() < 1024) {
            return "";
        }
        if (head.getInt(0) == 0x464c457f) {
            return switch (head.getShort(ELF_MACHINE)) {
                case 62 -> "x86_64";
                case 183 -> "aarch64";
                default -> "";
            };
        }
        if (isBzImage(head)) {
            return "x86_64";
        }
        return head.getInt(56) == ARM_MAGIC ? "aarch64" : "";
    }

    /**
     * Whether the file begins with the boot sector of the x86 boot protocol.
     *
     * @spec https://docs.kernel.org/arch/x86/boot.html header
     */
    private static boolean isBzImage(ByteBuffer head) {
        return head.limit() > 0x210 && head.getInt(0x202) == 0x53726448; // HdrS
    }

    private static String release(ByteBuffer head) {
        if (!isBzImage(head)) {
            return "";
        }
        int at = (head.getShort(0x20e) & 0xffff) + 0x200;
        StringBuilder text = new StringBuilder();
        for (int i = at; i < head.limit() && head.get(i) > ' '; i++) {
            text.append((char) head.get(i));
        }
        return text.toString();
    }

    /** {@return the configuration that the kernel carries itself, if it does and is not packed} */
    private static Optional<Map<String, String>> embedded(Path file) throws IOException {
        long at;
        try (InputStream in = unpacked(Files.newInputStream(file))) {
            at = indexOfConfig(in);
        }
        if (at < 0) {
            return Optional.empty();
        }
        try (InputStream in = unpacked(Files.newInputStream(file))) {
            in.skipNBytes(at + CONFIG_BEGIN.length);
            InputStream config = new GZIPInputStream(in);
            return Optional.of(parse(new String(config.readNBytes(MOST_CONFIG_BYTES), UTF_8)));
        } catch (IOException e) {
            return Optional.empty(); // the mark is there by chance
        }
    }

    private static Optional<Map<String, String>> beside(Path named, Path file, String release)
            throws IOException {
        Set<Path> candidates = new LinkedHashSet<>();
        for (Path kernel : List.of(file, named)) {
            String name = String.valueOf(kernel.getFileName());
            candidates.add(kernel.resolveSibling(name + ".config"));
            for (String prefix : List.of("vmlinux-", "vmlinuz-")) {
                if (name.startsWith(prefix)) {
                    candidates.add(
                            kernel.resolveSibling("config-" + name.substring(prefix.length())));
                }
            }
        }
        if (!release.isEmpty()) {
            candidates.add(file.resolveSibling("config-" + release));
        }
        for (Path candidate : candidates) {
            if (Files.isRegularFile(candidate)) {
                return Optional.of(parse(limited(candidate)));
            }
        }
        return Optional.empty();
    }

    /** The description of a guest as a whole, if this kernel is part of it. */
    private static Map<String, Object> manifest(Path kernel) throws IOException {
        try {
            Map<String, Object> manifest =
                    JsonText.object(limited(kernel.resolveSibling("manifest.json")))
                            .orElse(Map.of());
            return JsonText.has(manifest, "files", String.valueOf(kernel.getFileName()))
                    ? manifest
                    : Map.of();
        } catch (NoSuchFileException e) {
            return Map.of();
        }
    }

    private static String limited(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return new String(in.readNBytes(MOST_CONFIG_BYTES), UTF_8);
        }
    }

    static Map<String, String> parse(String config) {
        Map<String, String> options = new HashMap<>();
        for (String line : config.lines().toList()) {
            int end = line.indexOf('=');
            if (line.startsWith("CONFIG_") && end > 0) {
                options.put(line.substring("CONFIG_".length(), end), line.substring(end + 1));
            }
        }
        return options;
    }

    private static InputStream unpacked(InputStream in) throws IOException {
        byte[] magic = in.readNBytes(2);
        InputStream whole =
                new SequenceInputStream(
                        Collections.enumeration(
                                new ArrayList<>(List.of(new ByteArrayInputStream(magic), in))));
        return magic.length == 2 && ((magic[0] & 0xff) | ((magic[1] & 0xff) << 8)) == GZIP_MAGIC
                ? new GZIPInputStream(whole)
                : whole;
    }

    /** {@return where the mark before the configuration is; -1 if there is none} */
    private static long indexOfConfig(InputStream in) throws IOException {
        int overlap = CONFIG_BEGIN.length - 1;
        byte[] window = new byte[WINDOW];
        long begin = 0;
        int kept = 0;
        while (begin < MOST_KERNEL_BYTES) {
            int length = kept + in.readNBytes(window, kept, window.length - kept);
            int at = indexOf(window, length, CONFIG_BEGIN);
            if (at >= 0) {
                return begin + at;
            }
            if (length < window.length) {
                return -1;
            }
            System.arraycopy(window, length - overlap, window, 0, overlap);
            begin += length - overlap;
            kept = overlap;
        }
        return -1;
    }

    /** Looks at every eighth byte of most of the content: kernels are large. */
    private static int indexOf(byte[] content, int length, byte[] wanted) {
        int last = wanted.length - 1;
        int[] skip = new int[256];
        Arrays.fill(skip, wanted.length);
        for (int i = 0; i < last; i++) {
            skip[wanted[i] & 0xff] = last - i;
        }
        for (int end = last; end < length; end += skip[content[end] & 0xff]) {
            int i = 0;
            while (i <= last && content[end - i] == wanted[last - i]) {
                i++;
            }
            if (i > last) {
                return end - last;
            }
        }
        return -1;
    }
}
