// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GuestCheckTest {
    private static final Expectations EXPECTED =
            new Expectations(
                    "x86_64",
                    "0.0.1",
                    Optional.of("erofs"),
                    Set.of(KernelFeature.VIRTIO_BLK, KernelFeature.OVERLAYFS));

    @TempDir private Path folder;
    private Path kernel = Path.of("");
    private Path image = Path.of("");

    @BeforeEach
    void aGuestThatFits() throws Exception {
        kernel = Files.write(folder.resolve("vmlinux"), Guest.elf(62, Guest.CONFIG));
        image = folder.resolve("rootfs.erofs");
        Guest.write(image, Guest.manifest());
    }

    private GuestReport check(Expectations expected) {
        return GuestCheck.check(kernel, image, expected, GuestCheck.Depth.QUICK);
    }

    private List<String> mismatches() {
        return check(EXPECTED).mismatches().stream().map(Finding::toString).toList();
    }

    private void assertOne(String begin) {
        assertThat(mismatches()).singleElement().asString().startsWith(begin);
    }

    @Test
    void findsNothingInAGuestThatFits() {
        assertThat(check(EXPECTED).findings()).isEmpty();
    }

    // ---- the kernel ----

    @ParameterizedTest
    @CsvSource({
        "OVERLAY_FS, overlayfs",
        "VIRTIO_BLK, virtio-blk",
        "EROFS_FS, erofs",
        "SECCOMP_FILTER, seccomp",
        "CGROUP_BPF, cgroup2"
    })
    void namesWhatTheKernelLacks(String option, String feature) throws Exception {
        String without =
                Guest.CONFIG.replace(
                        "CONFIG_" + option + "=y\n", "# CONFIG_" + option + " is not set\n");
        Files.write(kernel, Guest.elf(62, without));
        assertOne(feature + ": the kernel has no " + feature + " (CONFIG_" + option);
    }

    @Test
    void virtioFsIsMissedOnlyWhereItIsNeeded() throws Exception {
        Files.write(kernel, Guest.elf(62, Guest.CONFIG.replace("CONFIG_VIRTIO_FS=y\n", "")));
        assertThat(mismatches()).isEmpty();
        assertThat(check(EXPECTED.with(Set.of(KernelFeature.VIRTIO_FS))).mismatches())
                .singleElement()
                .asString()
                .startsWith("virtio-fs: the kernel has no virtio-fs")
                .contains("bunkai guest kernel build");
    }

    @Test
    void aModuleCountsIfTheInitrdOrTheImageBringsIt() throws Exception {
        Files.write(kernel, Guest.elf(62, Guest.CONFIG.replace("VIRTIO_BLK=y", "VIRTIO_BLK=m")));
        assertOne("virtio-blk: the kernel has virtio-blk as a module");
        Files.writeString(
                folder.resolve("manifest.json"),
                """
                {"kernelRelease": "6.1.0", "bootModules": ["virtio-blk.ko"], "files": {"vmlinux": {}}}
                """);
        assertThat(mismatches()).isEmpty();
    }

    @Test
    void aModuleOfTheImageCountsForTheKernelItWasMadeFor() throws Exception {
        Files.write(kernel, Guest.elf(62, Guest.CONFIG.replace("OVERLAY_FS=y", "OVERLAY_FS=m")));
        Files.writeString(
                folder.resolve("manifest.json"),
                "{\"kernelRelease\": \"6.1.0\", \"files\": {\"vmlinux\": {}}}");
        for (String release : List.of("6.1.0", "6.1.1")) {
            String modules =
                    "\"modules\" : { \"release\" : \""
                            + release
                            + "\", \"names\" : [ \"overlay.ko\" ] },";
            String zeros = Guest.manifest().replaceAll("[0-9a-f]{64}", "0".repeat(64));
            Guest.write(image, Guest.signed(zeros.replace("\"image\" :", modules + "\"image\" :")));
            assertThat(check(EXPECTED).mismatches()).hasSize(release.equals("6.1.0") ? 0 : 1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"vmlinux.config", "vmlinux-6.1"})
    void readsAConfigurationThatLiesBesideTheKernel(String name) throws Exception {
        Files.write(kernel, Guest.elf(62));
        assertThat(check(EXPECTED).unknowns())
                .extracting(Finding::subject)
                .containsExactly("kernel");
        if (name.equals("vmlinux-6.1")) {
            Files.move(kernel, folder.resolve(name));
            Files.createSymbolicLink(kernel, Path.of(name));
            Files.writeString(folder.resolve("config-6.1"), Guest.CONFIG);
        } else {
            Files.writeString(folder.resolve(name), Guest.CONFIG);
        }
        assertThat(check(EXPECTED).findings()).isEmpty();
    }

    /** Kernels are read in windows of 1 MiB; the mark may lie across two. */
    @ParameterizedTest
    @ValueSource(ints = {(1 << 20) - 4097 - 4, (1 << 20) - 4097 - 9, 5 << 20})
    void readsAConfigurationFromAnywhereInAKernel(int distance) throws Exception {
        byte[] small = Guest.elf(62, Guest.CONFIG);
        byte[] large = new byte[small.length + distance];
        System.arraycopy(small, 0, large, 0, 4096);
        System.arraycopy(small, 4096, large, 4096 + distance, small.length - 4096);
        Files.write(kernel, large);
        assertThat(check(EXPECTED).findings()).isEmpty();
    }

    @Test
    void readsAPackedKernel() throws Exception {
        Files.write(kernel, Guest.packed(Guest.elf(62, Guest.CONFIG)));
        assertThat(check(EXPECTED).findings()).isEmpty();
    }

    @Test
    void aKernelForAnotherArchitectureIsNamed() throws Exception {
        Files.write(kernel, Guest.elf(183, Guest.CONFIG));
        assertOne("architecture: the kernel is for aarch64, and the machine is x86_64");
    }

    @Test
    void anythingElseThanAKernelIsUnknown() throws Exception {
        Files.writeString(kernel, "no kernel");
        assertThat(mismatches()).isEmpty();
        assertThat(check(EXPECTED).unknowns())
                .extracting(Finding::subject)
                .containsExactly("architecture", "kernel");
    }

    // ---- the image ----

    @Test
    void anImageForAnotherArchitectureIsNamed() throws Exception {
        Guest.write(image, Guest.manifest("aarch64", "0.0.1", "\"crun\" : { }", ""));
        assertOne("architecture: the image is for aarch64, and the machine is x86_64");
    }

    @Test
    void anAgentOfAnotherProtocolIsNamed() throws Exception {
        Guest.write(image, Guest.manifest("x86_64", "0.0.9", "\"crun\" : { }", ""));
        assertOne("agent: the image's agent 0.1.0 speaks protocol 0.0.9, and the runtime speaks");
    }

    @Test
    void anImageWithoutCrunIsNamed() throws Exception {
        Guest.write(image, Guest.manifest("x86_64", "0.0.1", "", ""));
        assertOne("crun: the image has no crun");
    }

    @Test
    void aManifestThatWasChangedIsNamed() throws Exception {
        Guest.write(image, Guest.manifest().replace("x86_64", "x86_65"));
        assertOne("manifest: " + image + ".json is damaged");
        Files.writeString(GuestCheck.manifestOf(image), "{\"format\" : 1}");
        assertOne("manifest: " + image + ".json is damaged");
    }

    @Test
    void aManifestOfAnotherImageIsNamed() throws Exception {
        Files.write(image, new byte[] {0}, java.nio.file.StandardOpenOption.APPEND);
        assertOne("manifest: " + image + ".json describes another image");
    }

    @Test
    void onlyAThoroughCheckReadsTheWholeImage() throws Exception {
        GuestReport thorough = GuestCheck.check(kernel, image, EXPECTED, GuestCheck.Depth.THOROUGH);
        assertThat(thorough.mismatches()).extracting(Finding::subject).containsExactly("manifest");
    }

    @Test
    void aManifestOfALaterFormatIsNamed() throws Exception {
        Guest.write(
                image,
                Guest.signed(
                        Guest.manifest()
                                .replaceAll("[0-9a-f]{64}", "0".repeat(64))
                                .replace("\"format\" : 1", "\"format\" : 2")));
        assertOne("manifest: " + image + ".json has format 2");
    }

    @Test
    void aForeignImageIsNotRefused() throws Exception {
        Files.delete(GuestCheck.manifestOf(image));
        assertThat(mismatches()).isEmpty();
        assertThat(check(EXPECTED).unknowns())
                .extracting(Finding::subject)
                .containsExactly("manifest");
        check(EXPECTED).refuseMismatches();
    }

    @Test
    void aNeedThatThisVersionDoesNotKnowIsUnknown() throws Exception {
        Guest.write(
                image, Guest.manifest("x86_64", "0.0.1", "\"crun\" : { }", ", \"time-travel\""));
        assertThat(mismatches()).isEmpty();
        assertThat(check(EXPECTED).unknowns())
                .extracting(Finding::subject)
                .containsExactly("time-travel");
    }

    @Test
    void aCompressedImageNeedsAKernelThatUnpacks() throws Exception {
        Files.write(image, Guest.erofs(true));
        assertThat(mismatches()).isEmpty();
        Files.write(kernel, Guest.elf(62, Guest.CONFIG.replace("CONFIG_EROFS_FS_ZIP=y\n", "")));
        assertOne("erofs-lz4: ");
    }

    @Test
    void anotherFileSystemThanTheConfiguredIsNamed() {
        assertThat(check(EXPECTED.withFileSystem("ext4")).mismatches())
                .singleElement()
                .asString()
                .contains("rootfs_type is ext4")
                .contains("set rootfs_type = \"erofs\"");
    }

    @Test
    void aDaxSuperBlockWithAWrongChecksumIsNamed() throws Exception {
        ByteBuffer content = ByteBuffer.wrap(Guest.erofs(false)).order(ByteOrder.LITTLE_ENDIAN);
        content.put(4096, "NVDIMM_PFN_INFO\0".getBytes(StandardCharsets.US_ASCII));
        Files.write(image, content.array());
        assertOne("dax: the checksum of the DAX super-block");
    }

    @Test
    void aFileSystemInAPartitionIsFoundAndNeedsAKernelThatFindsIt() throws Exception {
        assertThat(ImageLayout.isPartitioned(image)).isFalse();
        assertThat(ImageLayout.isPartitioned(folder.resolve("nothing"))).isFalse();
        ByteBuffer content = ByteBuffer.allocate(16_384).order(ByteOrder.LITTLE_ENDIAN);
        content.put(446 + 4, (byte) 0x83).putInt(446 + 8, 16).putShort(510, (short) 0xaa55);
        content.put(8192, Guest.erofs(false));
        Files.write(image, content.array());
        Files.delete(GuestCheck.manifestOf(image));
        assertThat(ImageLayout.isPartitioned(image)).isTrue();
        assertThat(mismatches()).isEmpty();
        Files.write(kernel, Guest.elf(62, Guest.CONFIG.replace("CONFIG_MSDOS_PARTITION=y\n", "")));
        assertOne("msdos-partitions: ");
    }

    @Test
    void allMismatchesAreInOneList() throws Exception {
        Files.write(kernel, Guest.elf(183, Guest.CONFIG.replace("CONFIG_OVERLAY_FS=y\n", "")));
        Guest.write(image, Guest.manifest("aarch64", "0.0.9", "", ""));
        assertThat(check(EXPECTED).mismatches())
                .extracting(Finding::subject)
                .containsExactly("architecture", "architecture", "agent", "crun", "overlayfs");
        assertThatThrownBy(() -> check(EXPECTED).refuseMismatches())
                .isInstanceOf(Fault.class)
                .hasMessageContaining("(5 found)")
                .hasMessageContaining("crun")
                .hasMessageContaining("OVERLAY_FS");
    }

    @Test
    void filesThatAreNotThereAreNamed() throws Exception {
        Files.delete(kernel);
        Files.delete(image);
        assertThat(mismatches())
                .containsExactly(
                        "kernel: there is no file %s (correct kernel's path)".formatted(kernel),
                        "image: there is no file %s (correct image's path)".formatted(image));
    }

    // ---- before a start ----

    @Test
    void aPairIsCheckedAgainOnlyIfAFileHasChanged() throws Exception {
        GuestChecks checks = new GuestChecks();
        checks.refuseMismatches(kernel, image, EXPECTED);
        var time = Files.getLastModifiedTime(kernel);
        byte[] bad = Files.readAllBytes(kernel);
        bad[18] = (byte) 183;
        Files.write(kernel, bad);
        Files.setLastModifiedTime(kernel, time);
        checks.refuseMismatches(kernel, image, EXPECTED); // looks the same, so is not read again
        Files.setLastModifiedTime(
                kernel, java.nio.file.attribute.FileTime.fromMillis(time.toMillis() + 2000));
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> checks.refuseMismatches(kernel, image, EXPECTED))
                    .hasMessageContaining("aarch64");
        }
    }

    @Test
    void noKernelOrImageMakesItFail() throws Exception {
        long seed = System.nanoTime();
        java.util.Random random = new java.util.Random(seed);
        for (int i = 0; i < 300; i++) {
            byte[] content = Guest.elf(62, Guest.CONFIG);
            byte[] disk = Guest.erofs(true);
            for (int j = 0; j < 20; j++) {
                content[random.nextInt(content.length)] = (byte) random.nextInt();
                disk[random.nextInt(disk.length)] = (byte) random.nextInt();
            }
            Files.write(kernel, content);
            Files.write(image, disk);
            assertThat(check(EXPECTED)).as("seed %d", seed).isNotNull();
        }
    }
}
