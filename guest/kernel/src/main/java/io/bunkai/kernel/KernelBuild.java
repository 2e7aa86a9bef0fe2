// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Builds one kernel. What it is made of is known before anything is compiled, and its digest names
 * both the folder that make works in, so that an interrupted build goes on where it ended, and the
 * finished kernel, so that nothing is built twice.
 *
 * <p>Used by one thread; interrupting it ends make, and nothing half made has a final name.
 */
final class KernelBuild {
    /** Part of the inputs: counts up when this class makes something else of the same ones. */
    private static final int FORMAT = 1;

    /** The time that is written into a kernel unless SOURCE_DATE_EPOCH is set. */
    private static final long DEFAULT_EPOCH =
            Instant.parse("2026-01-01T00:00:00Z").getEpochSecond();

    private final KernelRequest request;
    private final KernelCache cache;
    private final ToolRunner tools;
    private final Progress progress;
    private final Settings settings;

    /**
     * How to build.
     *
     * @param jobs how many compilers run at once
     * @param install whether missing packages may be installed
     * @param force whether to begin anew though there is a build folder or a kernel
     * @param trace whether commands are shown
     * @param epoch seconds since 1970 that are written into the kernel
     */
    record Settings(int jobs, boolean install, boolean force, boolean trace, long epoch) {
        /** {@return the time that SOURCE_DATE_EPOCH names, else one that never changes} */
        static long epoch(Map<String, String> environment) {
            String named = environment.getOrDefault("SOURCE_DATE_EPOCH", "");
            if (named.isEmpty()) {
                return DEFAULT_EPOCH;
            }
            try {
                return Long.parseUnsignedLong(named);
            } catch (NumberFormatException e) {
                throw Fault.invalidArgument("SOURCE_DATE_EPOCH is '%s'", named)
                        .causedBy(e)
                        .withHint("set it to seconds since 1970");
            }
        }
    }

    /**
     * A kernel that is ready to be compiled.
     *
     * @param inputs the digest of all that it is made of
     * @param lines what that digest is of
     */
    private record Prepared(
            SourceStore.Source source,
            List<ConfigFragment> fragments,
            String compiler,
            String linker,
            String inputs,
            String lines) {}

    /** What the kernel's configuration has become. */
    private record Configured(
            String text, SortedMap<String, String> waived, List<String> dropped) {}

    KernelBuild(
            KernelRequest request,
            KernelCache cache,
            ToolRunner tools,
            Progress progress,
            Settings settings) {
        this.request = request;
        this.cache = cache;
        this.tools = settings.trace() ? new Tracing(tools, progress) : tools;
        this.progress = progress;
        this.settings = settings;
    }

    /**
     * Prepares the source and the configuration, and compiles nothing.
     *
     * @return the folder that the configuration is in, and make would work in
     * @throws Fault FAILED_PRECONDITION with the names of options that did not stick
     */
    Path setup(BuildTools needed) throws IOException, InterruptedException {
        Prepared prepared = prepare(needed);
        try (Closer _ = lock(prepared)) {
            Path build = buildFolder(prepared);
            configure(prepared, build);
            return build;
        }
    }

    /**
     * Builds the kernel, unless there is one of the same inputs.
     *
     * @return what was built, in {@link KernelCache#result}
     * @throws Fault with the step that failed and what to do about it
     */
    KernelManifest build(BuildTools needed) throws IOException, InterruptedException {
        Prepared prepared = prepare(needed);
        try (Closer _ = lock(prepared)) {
            Optional<KernelManifest> known = finished(prepared.inputs());
            if (known.isPresent() && !settings.force()) {
                progress.step("is current: %s".formatted(known.get().name()));
                return known.get();
            }
            Path build = buildFolder(prepared);
            Configured configured = configure(prepared, build);
            compile(prepared, build);
            KernelManifest manifest = collect(prepared, configured, build);
            // What make left has no further use: other inputs get a folder of their own.
            if (!manifest.modules()) {
                Trees.delete(build);
            }
            return manifest;
        }
    }

    /**
     * {@return the kernel that was built of these inputs before}
     *
     * @throws Fault NOT_FOUND if there is none
     */
    KernelManifest built(BuildTools needed) throws IOException, InterruptedException {
        Prepared prepared = prepare(needed);
        return finished(prepared.inputs())
                .orElseThrow(() ->
                        InstalledKernels.nothingBuilt(
                                "Linux %s%s for %s"
                                        .formatted(
                                                prepared.source().version(),
                                                request.variant().suffix(),
                                                request.architecture().label())));
    }

    private Prepared prepare(BuildTools needed) throws IOException, InterruptedException {
        needed.require(BuildTools.neededFor(request), settings.install(), progress::step);
        cache.requireRoom(KernelCache.ROOM);
        SourceStore.Source source = new SourceStore(cache, tools, progress).provide(request);
        List<ConfigFragment> fragments = new ArrayList<>();
        if (request.config() == null) {
            for (String name : request.variant().fragments(request.architecture())) {
                fragments.add(fragment(name));
            }
        }
        String compiler = firstLine(List.of(cross() + "gcc", "--version"));
        String linker = firstLine(List.of(cross() + "ld", "--version"));
        StringBuilder lines = new StringBuilder();
        lines.append("format ").append(FORMAT).append('\n');
        lines.append("config-version ").append(configVersion()).append('\n');
        lines.append("source ").append(source.digest()).append('\n');
        lines.append("architecture ").append(request.architecture().label()).append('\n');
        lines.append("variant ").append(request.variant().suffix()).append('\n');
        lines.append("check ").append(request.check()).append('\n');
        lines.append("epoch ").append(settings.epoch()).append('\n');
        lines.append("compiler ").append(compiler).append('\n');
        lines.append("linker ").append(linker).append('\n');
        Path config = request.config();
        if (config != null) {
            lines.append("config ").append(Digests.sha256(config)).append('\n');
        }
        for (ConfigFragment fragment : fragments) {
            lines.append("fragment ").append(fragment.name()).append(' ');
            lines.append(Digests.sha256(fragment.text())).append('\n');
        }
        lines.append("waivers ").append(Digests.sha256(text("waivers.conf"))).append('\n');
        return new Prepared(
                source,
                fragments,
                compiler,
                linker,
                Digests.sha256(lines.toString()),
                lines.toString());
    }

    private String cross() {
        return request.architecture().crossPrefix(Architecture.ofThisMachine());
    }

    private String firstLine(List<String> command) throws IOException, InterruptedException {
        List<String> lines = tools.check(Path.of("/"), Map.of(), command, _ -> {});
        return lines.isEmpty() ? "" : lines.getFirst();
    }

    /** {@return the fragment of ours that has this name} */
    static ConfigFragment fragment(String name) throws IOException {
        return ConfigFragment.parse(name, text("fragments/" + name + ".conf"));
    }

    /** {@return the number that changes with our fragments, as part of a kernel's name} */
    static String configVersion() throws IOException {
        return text("config-version").strip();
    }

    private static String text(String resource) throws IOException {
        return new String(Resources.read(resource), StandardCharsets.UTF_8);
    }

    private Closer lock(Prepared prepared) throws IOException {
        return cache.lock(
                "build-" + prepared.inputs(),
                () -> progress.step("waiting for another build of the same kernel"));
    }

    private Path buildFolder(Prepared prepared) throws IOException {
        Path build = cache.build(prepared.inputs());
        if (settings.force()) {
            Trees.delete(build);
            build = cache.build(prepared.inputs());
        }
        Files.writeString(build.resolve("bunkai.inputs"), prepared.lines());
        return build;
    }

    // --- configuration ---

    private Configured configure(Prepared prepared, Path build)
            throws IOException, InterruptedException {
        progress.step("configuring Linux " + prepared.source().version());
        Path log = Files.createDirectories(cache.logs()).resolve(prepared.inputs() + ".log");
        KernelVersion version = prepared.source().version();
        Waivers waivers = Waivers.parse(text("waivers.conf"));
        List<ConfigOption> wanted = new ArrayList<>();
        Path result = build.resolve(".config");
        try (CompileOutput output = new CompileOutput(log, progress)) {
            Path config = request.config();
            if (config == null) {
                wanted.addAll(merge(prepared, build, waivers, output));
                make(
                        prepared,
                        build,
                        List.of("allnoconfig"),
                        build.resolve("merged.config"),
                        output);
            } else {
                wanted.addAll(ConfigFragment.parse("-c", reasoned(config)).options());
                Files.copy(config, result, StandardCopyOption.REPLACE_EXISTING);
            }
            make(prepared, build, List.of("olddefconfig"), null, output);
        }
        String text = Files.readString(result);
        SortedMap<String, String> waived = new TreeMap<>();
        List<KernelConfig.Dropped> dropped = new ArrayList<>();
        for (KernelConfig.Dropped drop : KernelConfig.parse(text).droppedOf(wanted)) {
            Optional<Waivers.Waiver> waiver =
                    waivers.of(drop.wanted().name(), request.architecture(), version);
            if (waiver.isPresent()) {
                waived.put(drop.wanted().name(), waiver.get().reason());
            } else {
                dropped.add(drop);
            }
        }
        List<String> names = dropped.stream().map(KernelConfig.Dropped::toString).toList();
        if (!dropped.isEmpty() && request.check()) {
            throw Fault.failedPrecondition(
                            "Linux %s does not take %d of the options asked for: %s",
                            version, dropped.size(), String.join(", ", names))
                    .withHint(
                            "look for what they depend on in %s; -s builds without them",
                            prepared.source().directory());
        }
        return new Configured(text, waived, names);
    }

    /** A configuration made elsewhere has no reasons beside its options. */
    private static String reasoned(Path config) throws IOException {
        StringBuilder text = new StringBuilder("# given as a whole\n");
        KernelConfig.read(config)
                .values()
                .forEach((name, value) -> text.append(name).append('=').append(value).append('\n'));
        return text.toString();
    }

    /** {@return what the fragments ask for, under this version's names} */
    private List<ConfigOption> merge(
            Prepared prepared, Path build, Waivers waivers, Consumer<String> output)
            throws IOException, InterruptedException {
        List<ConfigOption> wanted = new ArrayList<>();
        Path folder = build.resolve("fragments");
        Trees.delete(folder);
        Files.createDirectories(folder);
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "sh",
                                prepared.source()
                                        .directory()
                                        .resolve("scripts/kconfig/merge_config.sh")
                                        .toString(),
                                "-m",
                                "-O",
                                build.toString()));
        for (ConfigFragment fragment : prepared.fragments()) {
            Path file = folder.resolve(fragment.name() + ".conf");
            Files.writeString(file, fragment.text());
            command.add(file.toString());
            wanted.addAll(fragment.options());
        }
        List<ConfigOption> renamed =
                waivers.renamed(wanted, request.architecture(), prepared.source().version());
        if (!renamed.isEmpty()) {
            Path file = folder.resolve("renamed.conf");
            Files.write(file, renamed.stream().map(ConfigOption::toString).toList());
            command.add(file.toString());
            wanted.addAll(renamed);
        }
        tools.check(build, environment(), command, output);
        Files.move(
                build.resolve(".config"),
                build.resolve("merged.config"),
                StandardCopyOption.REPLACE_EXISTING);
        return wanted;
    }

    // --- compilation ---

    private void compile(Prepared prepared, Path build) throws IOException, InterruptedException {
        Path log = cache.logs().resolve(prepared.inputs() + ".log");
        progress.step(
                "compiling Linux %s for %s with %d jobs; log: %s"
                        .formatted(
                                prepared.source().version(),
                                request.architecture().label(),
                                settings.jobs(),
                                log));
        try (CompileOutput output = new CompileOutput(log, progress)) {
            try {
                List<String> targets = new ArrayList<>(request.architecture().targets());
                if (request.variant().nvidia()) {
                    targets.add("modules");
                }
                make(prepared, build, targets, null, output);
            } catch (Fault e) {
                throw Fault.of(e.code(), "the kernel was not built")
                        .causedBy(e)
                        .withHint("%s", e.hint().orElse("the whole output is in " + log));
            }
            progress.step("compiled, %d objects".formatted(output.objects()));
        }
    }

    private void make(
            Prepared prepared,
            Path build,
            List<String> targets,
            @Nullable Path allConfig,
            Consumer<String> output)
            throws IOException, InterruptedException {
        Map<String, String> environment = new TreeMap<>(environment());
        if (allConfig != null) {
            environment.put("KCONFIG_ALLCONFIG", allConfig.toString());
        }
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "nice",
                                "-n",
                                "10",
                                "make",
                                "-C",
                                prepared.source().directory().toString(),
                                "O=" + build,
                                "-j" + settings.jobs()));
        command.addAll(targets);
        tools.check(build, environment, command, output);
    }

    /** Whoever builds it, whenever and wherever: the same bytes. */
    private Map<String, String> environment() {
        Map<String, String> environment = new TreeMap<>();
        environment.put("ARCH", request.architecture().kbuild());
        environment.put("CROSS_COMPILE", cross());
        environment.put(
                "KBUILD_BUILD_TIMESTAMP", Instant.ofEpochSecond(settings.epoch()).toString());
        environment.put("KBUILD_BUILD_USER", "bunkai");
        environment.put("KBUILD_BUILD_HOST", "bunkai");
        environment.put("KBUILD_BUILD_VERSION", "1");
        environment.put("SOURCE_DATE_EPOCH", Long.toString(settings.epoch()));
        return environment;
    }

    // --- results ---

    private Optional<KernelManifest> finished(String inputs) throws IOException {
        Path folder = cache.result(inputs);
        for (InstalledKernels.Entry entry : new InstalledKernels(folder).list()) {
            if (entry.damage().isEmpty() && entry.manifest().inputs().equals(inputs)) {
                return Optional.of(entry.manifest());
            }
        }
        return Optional.empty();
    }

    private KernelManifest collect(Prepared prepared, Configured configured, Path build)
            throws IOException, InterruptedException {
        progress.step("collecting the kernel");
        Path target = cache.result(prepared.inputs());
        Path parent = Files.createDirectories(cache.root().resolve("results"));
        Path staging = Files.createTempDirectory(parent, ".arriving-");
        try {
            String suffix = request.variant().suffix();
            String name = prepared.source().version() + "-" + configVersion() + suffix;
            unpacked(build, staging.resolve("vmlinux-" + name));
            Files.copy(
                    build.resolve(request.architecture().packed()),
                    staging.resolve("vmlinuz-" + name));
            Files.writeString(staging.resolve("config-" + name), configured.text());
            Files.copy(build.resolve("System.map"), staging.resolve("System.map-" + name));
            SortedMap<String, KernelManifest.Content> files = new TreeMap<>();
            for (String kind : List.of("vmlinux-", "vmlinuz-", "config-", "System.map-")) {
                files.put(kind + name, KernelManifest.Content.of(staging.resolve(kind + name)));
            }
            SortedMap<String, String> fragments = new TreeMap<>();
            prepared.fragments()
                    .forEach(fragment ->
                            fragments.put(fragment.name(), Digests.sha256(fragment.text())));
            KernelConfig config = KernelConfig.parse(configured.text());
            KernelManifest manifest =
                    new KernelManifest(
                            prepared.inputs(),
                            name,
                            prepared.source().version().toString(),
                            Files.readString(build.resolve("include/config/kernel.release"))
                                    .strip(),
                            suffix,
                            request.architecture().label(),
                            prepared.source().origin(),
                            prepared.source().digest(),
                            prepared.source().changes(),
                            Digests.sha256(configured.text()),
                            prepared.compiler(),
                            prepared.linker(),
                            fragments,
                            configured.waived(),
                            configured.dropped(),
                            config.value("CONFIG_MODULES").equals("y"),
                            needsInitrd(config),
                            kernels(name),
                            files);
            Files.writeString(staging.resolve(manifest.file()), manifest.toJson());
            Trees.delete(target);
            Files.move(staging, target, StandardCopyOption.ATOMIC_MOVE);
            return manifest;
        } finally {
            Trees.delete(staging);
        }
    }

    /** Without its symbols a kernel is a third smaller, and QEMU reads all of it. */
    private void unpacked(Path build, Path target) throws IOException, InterruptedException {
        Path kernel = build.resolve(request.architecture().unpacked());
        if (request.architecture() == Architecture.X86_64 && !request.variant().debug()) {
            tools.check(
                    build,
                    Map.of(),
                    List.of(cross() + "strip", "-o", target.toString(), kernel.toString()),
                    _ -> {});
        } else {
            Files.copy(kernel, target);
        }
    }

    /** A kernel that reads disk and file system by itself needs nobody to load drivers first. */
    private static boolean needsInitrd(KernelConfig config) {
        return !List.of("CONFIG_VIRTIO_PCI", "CONFIG_VIRTIO_BLK", "CONFIG_EROFS_FS").stream()
                .allMatch(option -> config.value(option).equals("y"));
    }

    /**
     * An emulated processor is spared the unpacking. A real one does it in no time, and the code
     * that unpacks also puts the kernel at an address that nobody knows (KASLR).
     */
    private static SortedMap<String, String> kernels(String name) {
        return new TreeMap<>(Map.of("kvm", "vmlinuz-" + name, "tcg", "vmlinux-" + name));
    }

    /** Shows every command before it runs. */
    private record Tracing(ToolRunner tools, Progress progress) implements ToolRunner {
        @Override
        public int run(
                Path directory,
                Map<String, String> environment,
                List<String> command,
                Consumer<String> output)
                throws IOException, InterruptedException {
            progress.step("run in %s: %s".formatted(directory, String.join(" ", command)));
            return tools.run(directory, environment, command, output);
        }
    }
}
