// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The commands as somebody calls them, with tools that only pretend. */
class KernelMainTest {
    @TempDir private Path folder;

    private final FakeTools tools = new FakeTools();
    private final Map<String, String> environment = new HashMap<>();
    private final List<String> missing = new ArrayList<>();
    private StringWriter out = new StringWriter();
    private StringWriter err = new StringWriter();
    private Path source = Path.of("");

    @BeforeEach
    void makeASource() throws Exception {
        source = FakeTools.source(folder.resolve("linux"), "6", "1", "176");
        environment.put("BUNKAI_CACHE", folder.resolve("cache").toString());
    }

    private int run(String... arguments) {
        out = new StringWriter();
        err = new StringWriter();
        var needed = new BuildTools(tools, sign -> !missing.contains(sign), true);
        return KernelMain.run(
                new KernelMain.Surroundings(
                        environment,
                        tools,
                        needed,
                        new PrintWriter(out, true),
                        new PrintWriter(err, true)),
                arguments);
    }

    private int build(String... more) {
        List<String> all = new ArrayList<>(List.of("build", "-k", source.toString()));
        all.addAll(List.of(more));
        return run(all.toArray(String[]::new));
    }

    private Path printed() {
        return Path.of(out.toString().strip());
    }

    private long compilations() {
        return tools.commands.stream()
                .filter(command -> command.contains("bzImage") || command.contains("Image.gz"))
                .count();
    }

    // --- building ---

    @Test
    void aKernelHasTheNamesThatKataGivesAndItsManifest() throws Exception {
        assertThat(build()).as(err.toString()).isZero();
        String version = "6.1.176-" + KernelBuild.configVersion();
        assertThat(namesIn(printed()))
                .containsExactly(
                        "System.map-" + version,
                        "config-" + version,
                        "kernel-" + version + ".json",
                        "vmlinux-" + version,
                        "vmlinuz-" + version);
        KernelManifest manifest =
                KernelManifest.read(printed().resolve("kernel-" + version + ".json"));
        assertThat(manifest.release()).isEqualTo("6.1.176-bunkai");
        assertThat(manifest.compiler()).isEqualTo("gcc (Fake) 1.0");
        assertThat(manifest.modules()).isFalse();
        assertThat(manifest.initrd()).isFalse();
        assertThat(manifest.kernels())
                .containsEntry("tcg", "vmlinux-" + version)
                .containsEntry("kvm", "vmlinuz-" + version);
        assertThat(manifest.files().get("vmlinux-" + version))
                .isEqualTo(KernelManifest.Content.of(printed().resolve("vmlinux-" + version)));
    }

    @Test
    void anArchivesSourceIsChangedAndTheManifestSaysHowATreeIsBuiltAsItIs() throws Exception {
        Path archive = Files.writeString(folder.resolve("linux-6.1.176.tar.xz"), "an archive");
        assertThat(run("build", "--source", archive.toString())).as(err.toString()).isZero();
        assertThat(onlyManifest(printed()).changes())
                .containsOnlyKeys(SourceChanges.ours().of(KernelVersion.parse("6.1.176")).keySet());
        assertThat(build()).isZero();
        assertThat(onlyManifest(printed()).changes()).isEmpty();
    }

    @Test
    void theSameInputsAreNotBuiltTwice() {
        build();
        assertThat(build()).isZero();
        assertThat(err.toString()).contains("is current: 6.1.176-");
        assertThat(compilations()).isEqualTo(1);
    }

    @Test
    void forceBuildsAgain() {
        build();
        assertThat(build("-f")).isZero();
        assertThat(compilations()).isEqualTo(2);
    }

    @Test
    void anotherCompilerSourceFlagOrTimeIsAnotherKernel() throws Exception {
        build();
        Path first = printed();
        tools.compiler = "gcc (Fake) 1.1";
        build();
        Path otherCompiler = printed();
        Files.writeString(source.resolve("init.c"), "changed");
        build();
        Path otherSource = printed();
        build("-x");
        Path otherVariant = printed();
        environment.put("SOURCE_DATE_EPOCH", "1");
        build();
        assertThat(List.of(first, otherCompiler, otherSource, otherVariant, printed()))
                .doesNotHaveDuplicates();
        assertThat(compilations()).isEqualTo(5);
    }

    @Test
    void whatIsWrittenIntoAKernelIsFixedAndNothingElseOfTheCallersEnvironmentIsSeen() {
        environment.put("CFLAGS", "-march=native");
        build();
        assertThat(tools.environments.getLast())
                .containsEntry("KBUILD_BUILD_TIMESTAMP", "2026-01-01T00:00:00Z")
                .containsEntry("KBUILD_BUILD_USER", "bunkai")
                .containsEntry("KBUILD_BUILD_HOST", "bunkai")
                .containsEntry("ARCH", "x86")
                .doesNotContainKey("CFLAGS");
    }

    @Test
    void anOptionThatDidNotStickFailsByName() throws Exception {
        tools.unknown.addAll(List.of("CONFIG_VMGENID", "CONFIG_EROFS_FS"));
        assertThat(build()).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString())
                .contains(
                        "error: Linux 6.1.176 does not take 2 of the options asked for:"
                                + " CONFIG_EROFS_FS is n instead of y, CONFIG_VMGENID is n instead"
                                + " of y\n")
                .contains("hint:  ");
        assertThat(compilations()).isZero();

        assertThat(build("-s")).isZero();
        KernelManifest manifest = onlyManifest(printed());
        assertThat(manifest.dropped()).contains("CONFIG_VMGENID is n instead of y");
        assertThat(manifest.initrd()).isTrue();
    }

    @Test
    void anOlderLinuxNamesWhatItLacksUnderTheNamesThatItHas() throws Exception {
        source = FakeTools.source(folder.resolve("older"), "5", "19", "0");
        tools.unknown.addAll(List.of("CONFIG_EROFS_FS_SECURITY", "CONFIG_CPU_MITIGATIONS"));
        assertThat(build("-v", "5.19")).isEqualTo(KernelMain.FAILED);
        // The defences have another name there, which waivers.conf knows.
        assertThat(err.toString())
                .contains(
                        "error: Linux 5.19 does not take 1 of the options asked for:"
                                + " CONFIG_EROFS_FS_SECURITY is n instead of y\n");
    }

    @Test
    void aWaivedOptionIsNotedWithItsReason() throws Exception {
        tools.unknown.add("CONFIG_TDX_GUEST_DRIVER");
        assertThat(build("-x")).as(err.toString()).isZero();
        assertThat(onlyManifest(printed()).waived())
                .hasEntrySatisfying(
                        "CONFIG_TDX_GUEST_DRIVER",
                        reason -> assertThat(reason).contains("Linux 6.2"));
    }

    @Test
    void aFailedCompilationNamesTheFirstErrorAndLeavesNoKernel() {
        tools.compilation =
                List.of(
                        "  CC      init/main.o",
                        "init/main.c:7:1: error: expected ';'",
                        "make[1]: *** [init/main.o] Error 1");
        tools.compilationStatus = 2;
        assertThat(build()).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString())
                .contains("error: the kernel was not built\n")
                .contains("cause: make ended with status 2:")
                .contains("init/main.c:7:1: error: expected ';'")
                .containsPattern("hint:  the whole output is in .*\\.log\n");
        assertThat(folder.resolve("cache/kernel/results")).doesNotExist();
        // What was compiled is kept for the next attempt.
        assertThat(folder.resolve("cache/kernel/builds")).isNotEmptyDirectory();
    }

    @Test
    void aFullDiskIsToldAsSuch() {
        tools.compilation = List.of("init/main.o: write failed: No space left on device");
        tools.compilationStatus = 2;
        assertThat(build()).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString())
                .contains("error: the kernel was not built\n")
                .contains("cause: make found no space left: ")
                .contains("hint:  make room, or name another folder with --cache\n");
    }

    @Test
    void anInterruptedBuildLeavesNothingUnderAFinalNameAndGoesOn() {
        tools.interruptsCompilation = true;
        assertThat(build()).isEqualTo(KernelMain.INTERRUPTED);
        assertThat(err.toString()).contains("error: interrupted; no kernel was changed");
        assertThat(folder.resolve("cache/kernel/results")).doesNotExist();

        tools.interruptsCompilation = false;
        assertThat(build()).isZero();
    }

    @Test
    void missingToolsAreNamedWithTheirPackages() {
        missing.addAll(List.of("flex", "/usr/include/libelf.h"));
        assertThat(build("--no-install")).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString())
                .isEqualTo(
                        """
                        error: tools to build a kernel with are missing: flex, /usr/include/libelf.h
                        cause: nothing is installed, as --no-install has it
                        hint:  apt-get install flex libelf-dev
                        """);
        environment.put("BUNKAI_NO_INSTALL", "1");
        assertThat(build()).isEqualTo(KernelMain.FAILED);
    }

    @Test
    void anotherArchitectureNeedsItsCompiler() {
        missing.add("aarch64-linux-gnu-gcc");
        assertThat(build("-a", "aarch64", "--no-install")).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString()).contains("hint:  apt-get install gcc-aarch64-linux-gnu\n");

        missing.clear();
        assertThat(build("-a", "aarch64")).isZero();
        assertThat(tools.environments.getLast())
                .containsEntry("ARCH", "arm64")
                .containsEntry("CROSS_COMPILE", "aarch64-linux-gnu-");
    }

    @Test
    void setupCompilesNothingAndPrintsWhereTheConfigurationIs() {
        assertThat(run("setup", "-k", source.toString())).isZero();
        assertThat(printed().resolve(".config")).exists();
        assertThat(compilations()).isZero();
    }

    @Test
    void flagsMayStandBeforeTheCommandAsKatasDo() {
        assertThat(run("-k", source.toString(), "-a", "x86_64", "setup")).isZero();
    }

    @Test
    void aWholeConfigurationTakesThePlaceOfTheFragments() throws Exception {
        Path config = Files.writeString(folder.resolve("config"), "CONFIG_SMP=y\n");
        assertThat(build("-c", config.toString())).as(err.toString()).isZero();
        assertThat(onlyManifest(printed()).fragments()).isEmpty();
        assertThat(build("-c", config.toString(), "-x")).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString()).contains("-c gives a whole configuration");
    }

    // --- sources ---

    @Test
    void anArchiveWithAWrongDigestIsNotUnpacked() throws Exception {
        Path archive = Files.writeString(folder.resolve("linux.tar.xz"), "not a kernel");
        String wrong = "0".repeat(64);
        assertThat(run("build", "--source", archive.toString(), "--digest", "sha256:" + wrong))
                .isEqualTo(KernelMain.FAILED);
        assertThat(err.toString())
                .contains("linux.tar.xz is not the archive that was asked for\n")
                .contains("cause: its SHA-256 is " + Digests.sha256(archive) + ", not " + wrong)
                .contains("hint:  get it again, or correct --digest\n");
        assertThat(tools.commands).noneMatch(command -> command.getFirst().equals("tar"));
    }

    @Test
    void anArchiveIsUnpackedOnce() throws Exception {
        Path archive = Files.writeString(folder.resolve("linux.tar.xz"), "a kernel");
        String digest = "sha256:" + Digests.sha256(archive);
        assertThat(run("build", "--source", archive.toString(), "--digest", digest)).isZero();
        assertThat(run("build", "-f", "--source", archive.toString())).isZero();
        assertThat(tools.commands.stream().filter(command -> command.getFirst().equals("tar")))
                .hasSize(1);
    }

    @Test
    void patchesAreAppliedInOrderAndAreInputs() throws Exception {
        Path archive = Files.writeString(folder.resolve("linux.tar.xz"), "a kernel");
        Path patches = Files.createDirectories(folder.resolve("patches/6.1.x"));
        Files.writeString(patches.resolve("0002-b.patch"), "fits");
        Files.writeString(patches.resolve("0001-a.patch"), "fits too");
        String[] command = {
            "build", "--source", archive.toString(), "-p", folder.resolve("patches").toString()
        };
        assertThat(run(command)).as(err.toString()).isZero();
        assertThat(
                        tools.commands.stream()
                                .filter(words -> words.getFirst().equals("patch"))
                                .map(List::getLast))
                .satisfiesExactly(
                        first -> assertThat(first).endsWith("0001-a.patch"),
                        second -> assertThat(second).endsWith("0002-b.patch"));

        Files.writeString(patches.resolve("0003-c.patch"), "does not");
        assertThat(run(command)).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString()).contains("0003-c.patch does not fit");
        assertThat(namesIn(folder.resolve("cache/kernel/sources"))).hasSize(1);
    }

    @Test
    void anotherVersionThanTheOneAskedForIsRefused() {
        assertThat(build("-v", "5.19")).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString()).contains("error: the source is of Linux 6.1.176, not 5.19\n");
        assertThat(build("-v", "6.1")).isZero();
    }

    @Test
    void aFolderThatIsNoSourceIsRefused() {
        assertThat(run("build", "-k", folder.toString())).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString()).contains("is not the source of a kernel");
    }

    @Test
    void aVersionWithoutAKnownDigestIsNotDownloaded() {
        assertThat(run("build", "-v", "6.5.4")).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString())
                .contains("error: no digest of linux-6.5.4.tar.xz is known")
                .contains("--digest sha256:...");
        assertThat(run("build", "-u", "https://example.org/x.tar.xz")).isEqualTo(1);
        assertThat(tools.commands).isEmpty();
    }

    // --- what is not done here ---

    @ParameterizedTest
    @CsvSource({
        "-b dragonball-experimental, build type",
        "-e, experimental",
        "-H deb, headers",
        "-r v6.1, cannot be verified",
        "-t firecracker, 'bunkai drives QEMU, not firecracker'",
        "-g intel, accelerators of intel",
        "-a s390x, s390x",
        "-a vax, no architecture",
        "-p /nowhere, unpacked source is not changed",
        "-u https://example.org/linux.tar.xz, one source"
    })
    void aFlagThatMakesNoSenseHereIsRefusedWithTheReason(String flag, String reason) {
        assertThat(build(flag.split(" ", -1))).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString()).startsWith("error: ").contains(reason).contains("hint:  ");
        assertThat(tools.commands).isEmpty();
    }

    @Test
    void theHypervisorsOfOursAreTaken() {
        assertThat(build("-t", "kvm")).isZero();
        assertThat(build("-t", "qemu")).isZero();
    }

    @Test
    void theDefaultKernelIsWhatItIs() {
        assertThat(run("build", "default", "-x")).isEqualTo(KernelMain.USAGE);
        assertThat(err.toString()).contains("-x cannot be given with it");
        assertThat(run("build", "other")).isEqualTo(KernelMain.USAGE);
        assertThat(run("build", "--nonsense")).isEqualTo(KernelMain.USAGE);
        assertThat(run()).isEqualTo(KernelMain.USAGE);
    }

    // --- installing and listing ---

    @Test
    void anInstalledKernelIsInUseAndListed() throws Exception {
        build();
        String target = folder.resolve("installed").toString();
        assertThat(run("install", "-k", source.toString(), "--install-dir", target)).isZero();
        String version = "6.1.176-" + KernelBuild.configVersion();
        assertThat(Files.readSymbolicLink(printed().resolve("vmlinux.container")))
                .hasToString("vmlinux-" + version);
        assertThat(Files.readSymbolicLink(printed().resolve("vmlinuz.container")))
                .hasToString("vmlinuz-" + version);
        assertThat(printed().resolve("kernel.container.json")).isSymbolicLink();

        assertThat(run("list", "--install-dir", target)).isZero();
        assertThat(out.toString().lines().toList().get(1))
                .startsWith(version + " ")
                .contains(" x86_64 ")
                .endsWith("  default");
        assertThat(run("list", "--install-dir", target, "--format", "json")).isZero();
        assertThat(out.toString()).contains("\"default\" : true");
    }

    @Test
    void variantsAndArchitecturesLieBesideEachOther() throws Exception {
        String target = folder.resolve("installed").toString();
        for (String[] flags :
                List.of(
                        new String[] {"-g", "nvidia"},
                        new String[] {"-x"},
                        new String[] {"--debug"},
                        new String[] {"-a", "aarch64"})) {
            build(flags);
            List<String> command =
                    new ArrayList<>(
                            List.of("install", "-k", source.toString(), "--install-dir", target));
            command.addAll(List.of(flags));
            assertThat(run(command.toArray(String[]::new))).as(err.toString()).isZero();
        }
        assertThat(namesIn(Path.of(target)))
                .contains(
                        "vmlinux-nvidia-gpu.container",
                        "vmlinuz-confidential.container",
                        "vmlinux-debug.container",
                        "aarch64")
                .doesNotContain("vmlinux.container");
        run("list", "--install-dir", target);
        assertThat(out.toString().lines()).hasSize(5);
        assertThat(out.toString()).contains("aarch64").doesNotContain("default");
    }

    @Test
    void whatWasNotBuiltIsNotInstalled() {
        assertThat(run("install", "-k", source.toString(), "--install-dir", folder.toString()))
                .isEqualTo(KernelMain.FAILED);
        assertThat(err.toString()).contains("error: Linux 6.1.176 for x86_64 has not been built\n");
    }

    @Test
    void aDamagedKernelIsTold() throws Exception {
        build();
        Path target = folder.resolve("installed");
        run("install", "-k", source.toString(), "--install-dir", target.toString());
        Path kernel = target.resolve("vmlinux-6.1.176-" + KernelBuild.configVersion());
        Files.writeString(kernel, "VMLINUX");
        assertThat(run("list", "--install-dir", target.toString())).isZero();
        assertThat(run("list", "--verify", "--install-dir", target.toString()))
                .isEqualTo(KernelMain.FAILED);
        assertThat(err.toString()).contains("is not what was installed");
        Files.delete(kernel);
        assertThat(run("list", "--install-dir", target.toString())).isEqualTo(KernelMain.FAILED);
        assertThat(err.toString()).contains("is missing");
    }

    @Test
    void noKernelsAreAnEmptyList() {
        assertThat(run("list", "--install-dir", folder.resolve("none").toString())).isZero();
        assertThat(out.toString().lines()).hasSize(1);
    }

    private static KernelManifest onlyManifest(Path folder) throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            return KernelManifest.read(
                    files.filter(file -> file.toString().endsWith(".json"))
                            .findFirst()
                            .orElseThrow());
        }
    }

    private static List<String> namesIn(Path folder) throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
        }
    }
}
