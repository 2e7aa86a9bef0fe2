// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Says whether a kernel, an image and a runtime fit. Reads files and nothing else: no file system
 * is mounted, no program is run. Used by one thread.
 */
public final class GuestCheck {
    private static final int MOST_MANIFEST_BYTES = 1 << 20;
    private static final int CHUNK = 1 << 16;
    private static final String BUILD_KERNEL =
            "use a kernel that has it: bunkai guest kernel build default";

    private final Path kernelPath;
    private final Path imagePath;
    private final Expectations expected;
    private final Depth depth;
    private final List<Finding> findings = new ArrayList<>();

    /** How much is read. */
    public enum Depth {
        /** Descriptions and super-blocks: before a start. */
        QUICK,
        /** Also the whole image, for its digest. */
        THOROUGH
    }

    private GuestCheck(Path kernel, Path image, Expectations expected, Depth depth) {
        this.kernelPath = kernel;
        this.imagePath = image;
        this.expected = expected;
        this.depth = depth;
    }

    /**
     * {@return what was found; a file that cannot be read is a finding, too}
     *
     * @param kernel a bzImage, an ELF file or an arm64 Image, packed with gzip or not
     * @param image a disk image; its manifest is the file beside it with {@code .json} appended
     */
    public static GuestReport check(Path kernel, Path image, Expectations expected, Depth depth) {
        return new GuestCheck(kernel, image, expected, depth).run();
    }

    /** {@return the file that would describe this image} */
    public static Path manifestOf(Path image) {
        return image.resolveSibling(image.getFileName() + ".json");
    }

    private GuestReport run() {
        Optional<KernelFile> kernel = kernel();
        Optional<ImageFile> image = image();
        Map<String, Object> manifest = image.map(this::manifest).orElse(Map.of());
        architecture(kernel, manifest);
        if (!manifest.isEmpty()) {
            agent(manifest);
        }
        kernel.ifPresent(found -> features(found, image, manifest));
        findings.sort(java.util.Comparator.comparing(Finding::kind));
        return new GuestReport(kernelPath, imagePath, findings);
    }

    private Optional<KernelFile> kernel() {
        try {
            return Optional.of(KernelFile.read(kernelPath));
        } catch (NoSuchFileException e) {
            mismatch("kernel", "there is no file " + kernelPath, "correct kernel's path");
        } catch (IOException e) {
            mismatch("kernel", kernelPath + " cannot be read: " + e, "see to its permissions");
        }
        return Optional.empty();
    }

    private Optional<ImageFile> image() {
        try {
            ImageFile image = ImageFile.read(imagePath);
            if (image.fileSystem().isEmpty()) {
                unknown(
                        "file-system",
                        imagePath + " holds none of erofs, ext4, xfs",
                        "make sure that the kernel can mount it");
            }
            expected.fileSystem()
                    .filter(name -> !image.fileSystem().isEmpty())
                    .filter(name -> !name.equals(image.fileSystem()))
                    .ifPresent(name ->
                            mismatch(
                                    "file-system",
                                    "rootfs_type is %s, and %s holds %s"
                                            .formatted(name, imagePath, image.fileSystem()),
                                    "set rootfs_type = \"%s\" in [hypervisor.qemu]"
                                            .formatted(image.fileSystem())));
            if (image.dax().isPresent() && !image.dax().get()) {
                mismatch(
                        "dax",
                        "the checksum of the DAX super-block of %s is wrong".formatted(imagePath),
                        buildImage());
            }
            return Optional.of(image);
        } catch (NoSuchFileException e) {
            mismatch("image", "there is no file " + imagePath, "correct image's path");
        } catch (IOException e) {
            mismatch("image", imagePath + " cannot be read: " + e, "see to its permissions");
        }
        return Optional.empty();
    }

    /** {@return the manifest's members; none if there is none that can be used} */
    private Map<String, Object> manifest(ImageFile image) {
        Path file = manifestOf(imagePath);
        byte[] content;
        try (InputStream in = Files.newInputStream(file)) {
            content = in.readNBytes(MOST_MANIFEST_BYTES);
        } catch (NoSuchFileException e) {
            unknown(
                    "manifest",
                    "there is no manifest %s, so nothing is known of the agent and its needs"
                            .formatted(file),
                    "none, if the image is somebody else's; ours have one beside them");
            return Map.of();
        } catch (IOException e) {
            mismatch("manifest", file + " cannot be read: " + e, "see to its permissions");
            return Map.of();
        }
        Optional<Map<String, Object>> read = ManifestText.read(content);
        if (read.isEmpty()) {
            mismatch("manifest", file + " is damaged: its digest does not fit", buildImage());
            return Map.of();
        }
        Map<String, Object> manifest = read.get();
        String format = JsonText.text(manifest, "format");
        if (!format.equals(ManifestText.FORMAT)) {
            mismatch(
                    "manifest",
                    "%s has format %s, and this version reads format %s"
                            .formatted(file, format, ManifestText.FORMAT),
                    buildImage());
            return Map.of();
        }
        if (!belongs(manifest, image)) {
            mismatch(
                    "manifest",
                    "%s describes another image than %s".formatted(file, imagePath),
                    buildImage());
            return Map.of();
        }
        return manifest;
    }

    private boolean belongs(Map<String, Object> manifest, ImageFile image) {
        if (!JsonText.text(manifest, "image", "bytes").equals(Long.toString(image.bytes()))
                || !JsonText.text(manifest, "image", "uuid")
                        .replace("-", "")
                        .equals(image.uuid())) {
            return false;
        }
        if (depth == Depth.QUICK) {
            return true;
        }
        try {
            return JsonText.text(manifest, "image", "sha256").equals(sha256(imagePath));
        } catch (IOException e) {
            return false;
        }
    }

    private void architecture(Optional<KernelFile> kernel, Map<String, Object> manifest) {
        String ofKernel = kernel.map(KernelFile::architecture).orElse("");
        if (kernel.isPresent()) {
            if (ofKernel.isEmpty()) {
                unknown(
                        "architecture",
                        "%s does not say what it runs on".formatted(kernelPath),
                        "make sure that it is for " + expected.architecture());
            } else if (!ofKernel.equals(expected.architecture())) {
                mismatch(
                        "architecture",
                        "the kernel is for %s, and the machine is %s"
                                .formatted(ofKernel, expected.architecture()),
                        "use a kernel for " + expected.architecture());
            }
        }
        String ofImage = JsonText.text(manifest, "architecture");
        if (!ofImage.isEmpty() && !ofImage.equals(expected.architecture())) {
            mismatch(
                    "architecture",
                    "the image is for %s, and the machine is %s"
                            .formatted(ofImage, expected.architecture()),
                    "use an image for " + expected.architecture());
        }
    }

    private void agent(Map<String, Object> manifest) {
        Optional<List<String>> protocols = JsonText.texts(manifest, "agent", "protocols");
        if (protocols.isEmpty() || !protocols.get().contains(expected.agentProtocol())) {
            mismatch(
                    "agent",
                    "the image's agent %s speaks protocol %s, and the runtime speaks %s"
                            .formatted(
                                    JsonText.text(manifest, "agent", "version"),
                                    String.join(", ", protocols.orElse(List.of("of no version"))),
                                    expected.agentProtocol()),
                    buildImage());
        }
        if (!JsonText.has(manifest, "programs", "crun")) {
            mismatch("crun", "the image has no crun, which makes the containers", buildImage());
        }
    }

    private void features(
            KernelFile kernel, Optional<ImageFile> image, Map<String, Object> manifest) {
        Set<KernelFeature> wanted = new TreeSet<>(expected.features());
        for (String name : JsonText.texts(manifest, "kernelFeatures").orElse(List.of())) {
            KernelFeature.of(name)
                    .ifPresentOrElse(
                            wanted::add,
                            () ->
                                    unknown(
                                            name,
                                            "the image needs a kernel with %s, of which this"
                                                            .formatted(name)
                                                    + " version knows nothing",
                                            "update bunkai"));
        }
        image.ifPresent(found -> {
            KernelFeature.of(found.fileSystem()).ifPresent(wanted::add);
            if (found.partitionOffset() > 0) {
                wanted.add(KernelFeature.PARTITIONS);
            }
            if (found.compressed()) {
                wanted.add(KernelFeature.EROFS_LZ4);
            }
        });
        if (kernel.options().isEmpty()) {
            unknown(
                    "kernel",
                    "%s tells no configuration, neither inside nor in a file beside it"
                            .formatted(kernelPath),
                    "put it there as %s.config".formatted(kernelPath.getFileName()));
            return;
        }
        Set<String> modules = new HashSet<>(kernel.bootModules());
        if (!kernel.release().isEmpty()
                && kernel.release().equals(JsonText.text(manifest, "modules", "release"))) {
            JsonText.texts(manifest, "modules", "names")
                    .orElse(List.of())
                    .forEach(name -> modules.add(KernelFile.moduleName(name)));
        }
        for (KernelFeature feature : wanted) {
            for (KernelFeature.Part part : feature.parts()) {
                String value = kernel.options().get().getOrDefault(part.option(), "n");
                if (value.equals("m") && !modules.contains(part.module())) {
                    mismatch(
                            feature.label(),
                            ("the kernel has %s as a module (CONFIG_%s=m), which neither an initrd"
                                            + " of ours nor the image brings")
                                    .formatted(feature.label(), part.option()),
                            BUILD_KERNEL);
                } else if (!value.equals("m") && !value.equals("y")) {
                    mismatch(
                            feature.label(),
                            "the kernel has no %s (CONFIG_%s is not set)"
                                    .formatted(feature.label(), part.option()),
                            BUILD_KERNEL);
                }
            }
        }
    }

    private String buildImage() {
        return "build the image again: bunkai guest image build --output " + imagePath;
    }

    private void mismatch(String subject, String text, String remedy) {
        findings.add(Finding.mismatch(subject, text, remedy));
    }

    private void unknown(String subject, String text, String remedy) {
        findings.add(Finding.unknown(subject, text, remedy));
    }

    private static String sha256(Path file) throws IOException {
        MessageDigest digest = ManifestText.sha256();
        byte[] chunk = new byte[CHUNK];
        try (InputStream in = Files.newInputStream(file)) {
            for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
                digest.update(chunk, 0, count);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
