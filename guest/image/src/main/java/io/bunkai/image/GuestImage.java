// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Builds the guest: a kernel, an initramfs and a root file system with the agent, out of Debian's
 * packages, a JDK and the agent's jars. Needs root, since the agent is trained in a root of its
 * own. Used by one thread; interrupting it ends the work, and nothing is left behind.
 */
public final class GuestImage {
    /** Kernel, as QEMU's {@code -kernel} wants it. */
    public static final String KERNEL = "vmlinuz";

    /** The same kernel unpacked, if that is possible: saves an emulated processor that work. */
    public static final String UNPACKED_KERNEL = "vmlinux";

    /** Initramfs, as QEMU's {@code -initrd} wants it. */
    public static final String INITRD = "initrd.img";

    /** Root file system, for a disk with the serial number {@code bunkai-root}. */
    public static final String ROOT_FS = "rootfs.erofs";

    /** Digests of the files the image was made from, for {@code sha256sum --check}. */
    public static final String INPUTS = "inputs.sha256";

    /** The time of every file: 1 January 2026. */
    private static final Instant TIME = Instant.parse("2026-01-01T00:00:00Z");

    private static final String BUSYBOX = "busybox-static";

    /** crun makes the containers; libc-bin has the locale in which any file name can be written. */
    private static final List<String> PROGRAM_PACKAGES = List.of("crun", "libc-bin");

    private static final String CRUN = "usr/bin/crun";
    private static final String LOCALE = "usr/lib/locale/C.utf8/LC_CTYPE";

    /** Loaded by /sbin/init when the guest has such a device. */
    private static final List<String> EXTRA_MODULES =
            List.of("virtio_net", "virtio_rng", "vmw_vsock_virtio_transport", "virtiofs");

    /**
     * What to build.
     *
     * @param output folder for the result; replaced as a whole
     * @param agentJars folder with the jars of the agent, as a module path
     * @param jdk home of the JDK to take the runtime from
     * @param cache folder that keeps downloaded packages
     * @param kernelPackage Debian package of the kernel, or one that depends on it
     */
    public record Request(Path output, Path agentJars, Path jdk, Path cache, String kernelPackage) {
        /** The kernel Debian builds for virtual machines. */
        public static final String DEFAULT_KERNEL_PACKAGE =
                "linux-image-cloud-" + debianArchitecture();
    }

    /** Told about each step as it begins. */
    public interface Progress {
        /** A step begins. */
        void step(String what);
    }

    private final Request request;
    private final Progress progress;
    private final CommandRunner commands;
    private final PackageSource source;
    private final JavaRuntime java;

    /** Prepares to build; does nothing yet. */
    public GuestImage(Request request, Progress progress) {
        this(request, progress, new HostCommands());
    }

    private GuestImage(Request request, Progress progress, CommandRunner commands) {
        this(request, progress, commands, new AptPackages(commands, request.cache()));
    }

    GuestImage(Request request, Progress progress, CommandRunner commands, PackageSource source) {
        this.request = request;
        this.progress = progress;
        this.commands = commands;
        this.source = source;
        this.java = new JavaRuntime(commands, request.jdk());
    }

    /**
     * Says why the image has to be built again.
     *
     * @param askApt whether packages that apt would choose today count, which takes a second; if
     *     not, an image of older packages is current
     * @return nothing if the image is as good as a new one
     * @throws Fault NOT_FOUND if the agent's jars or the JDK are missing
     */
    public Optional<String> staleReason(boolean askApt) throws IOException, InterruptedException {
        Optional<ImageManifest> existing;
        try {
            existing = ImageManifest.read(request.output());
        } catch (Fault e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
        if (existing.isEmpty()) {
            return Optional.of("there is no image in " + request.output());
        }
        ImageManifest manifest = existing.get();
        for (Map.Entry<String, ImageManifest.Content> file : manifest.files().entrySet()) {
            Path path = request.output().resolve(file.getKey());
            if (!Files.exists(path) || Files.size(path) != file.getValue().bytes()) {
                return Optional.of(file.getKey() + " is missing or damaged");
            }
        }
        BuildInputs inputs =
                BuildInputs.of(request.agentJars(), java.version(), request.kernelPackage());
        if (!inputs.digest(manifest.packages()).equals(manifest.inputs())) {
            return Optional.of("the agent, the builder, the JDK or the kernel's name changed");
        }
        if (askApt && !versions(Choice.of(source, request)).equals(manifest.packages())) {
            return Optional.of("apt offers other versions of the packages");
        }
        return Optional.empty();
    }

    /**
     * Builds the image and puts it in its place.
     *
     * @return the description of what was built
     * @throws Fault with the step that failed and what to do about it
     * @throws InterruptedException if this thread was interrupted; nothing was changed
     */
    public ImageManifest build() throws IOException, InterruptedException {
        HostCommands.requirePrograms();
        String javaVersion = java.version();
        BuildInputs inputs =
                BuildInputs.of(request.agentJars(), javaVersion, request.kernelPackage());
        try (OutputDirectory output = OutputDirectory.open(request.output())) {
            Path results = output.results();
            Path work = output.work();

            progress.step("choosing packages");
            Choice choice = Choice.of(source, request);

            progress.step("fetching " + choice.all().size() + " packages");
            Map<String, Path> files = source.fetch(choice.all().values());

            progress.step("unpacking");
            Path kernelTree = unpack(work.resolve("kernel"), files, choice.kernel().keySet());
            Path programTree = unpack(work.resolve("programs"), files, choice.programs().keySet());
            Path busybox =
                    findBusybox(unpack(work.resolve("busybox"), files, choice.busybox().keySet()));

            progress.step("making the initramfs");
            Path kernel = onlyEntry(kernelTree.resolve("boot"), "vmlinuz-");
            Files.copy(kernel, results.resolve(KERNEL));
            SortedMap<String, String> kernels = new TreeMap<>(Map.of("kvm", KERNEL, "tcg", KERNEL));
            if (KernelUnpacker.unpack(kernel, results.resolve(UNPACKED_KERNEL))) {
                kernels.put("tcg", UNPACKED_KERNEL);
            }
            KernelModules modules =
                    KernelModules.index(
                            onlyEntry(PackageTree.resolve(kernelTree, "lib/modules"), ""));
            List<Path> bootModules = modules.loadOrder(Initramfs.BOOT_MODULES);
            List<Path> extraModules = modules.loadOrder(EXTRA_MODULES);
            strip(bootModules, extraModules);
            Initramfs.write(results.resolve(INITRD), busybox, bootModules, TIME.getEpochSecond());

            progress.step("linking the Java runtime");
            RootTree tree = RootTree.create(work.resolve("root"));
            Set<String> javaModules = java.modulesFor(request.agentJars());
            List<Path> natives = java.link(javaModules, tree.resolve(RootTree.JRE));

            progress.step("filling the root file system");
            fill(tree, busybox, programTree, natives);
            addModules(tree, modules, extraModules);
            checkInterrupt();

            progress.step("training the agent");
            // The AOT cache remembers the times of the jars and of the runtime's own modules.
            Trees.setTimes(tree.root(), TIME);
            new AotTraining(commands, tree).run();

            progress.step("packing the root file system");
            Trees.setTimes(tree.root(), TIME);
            ErofsImage.write(
                    commands, tree.root(), results.resolve(ROOT_FS), TIME.getEpochSecond());

            SortedMap<String, String> packages = versions(choice);
            SortedMap<String, ImageManifest.Content> contents = new TreeMap<>();
            for (String name : List.of(KERNEL, UNPACKED_KERNEL, INITRD, ROOT_FS)) {
                if (Files.exists(results.resolve(name))) {
                    contents.put(name, ImageManifest.Content.of(results.resolve(name)));
                }
            }
            ImageManifest manifest =
                    new ImageManifest(
                            inputs.digest(packages),
                            choice.architecture(),
                            request.kernelPackage(),
                            modules.release(),
                            JavaRuntime.agentVersion(request.agentJars()),
                            javaVersion,
                            List.copyOf(javaModules),
                            Files.size(tree.resolve(RootTree.AOT_CACHE)),
                            packages,
                            bootModules.stream()
                                    .map(module -> String.valueOf(module.getFileName()))
                                    .toList(),
                            kernels,
                            KernelParameters.byAccelerator(),
                            contents);
            Files.writeString(results.resolve(INPUTS), inputs.checksums());
            Files.writeString(results.resolve(ImageManifest.FILE), manifest.toJson());
            checkInterrupt();
            output.publish();
            return manifest;
        }
    }

    /** The packages of a guest, by what they are for. */
    private record Choice(
            Map<String, DebianPackage> kernel,
            Map<String, DebianPackage> programs,
            Map<String, DebianPackage> busybox) {
        static Choice of(PackageSource source, Request request)
                throws IOException, InterruptedException {
            List<String> roots = new ArrayList<>(PROGRAM_PACKAGES);
            roots.add(BUSYBOX);
            roots.add(request.kernelPackage());
            source.prepare(roots);
            PackageChoice choice = new PackageChoice(source);
            return new Choice(
                    choice.kernel(request.kernelPackage()),
                    choice.withDependencies(PROGRAM_PACKAGES),
                    choice.withDependencies(List.of(BUSYBOX)));
        }

        SortedMap<String, DebianPackage> all() {
            SortedMap<String, DebianPackage> all = new TreeMap<>(kernel);
            all.putAll(programs);
            all.putAll(busybox);
            return all;
        }

        String architecture() {
            return busybox.values().iterator().next().architecture();
        }
    }

    private static SortedMap<String, String> versions(Choice choice) {
        SortedMap<String, String> versions = new TreeMap<>();
        choice.all().forEach((name, chosen) -> versions.put(name, chosen.version()));
        return versions;
    }

    private Path unpack(Path target, Map<String, Path> files, Set<String> names)
            throws IOException, InterruptedException {
        Files.createDirectories(target);
        for (String name : names) {
            Path file = files.get(name);
            if (file == null) {
                throw Fault.internal("package %s was not fetched", name);
            }
            commands.check(target, List.of("dpkg-deb", "-x", file.toString(), target.toString()));
        }
        return target;
    }

    /**
     * Takes signatures and type tables off the modules in place. Whoever gives the guest its kernel
     * gives it the modules too, so that checking a signature proves nothing, and it costs an
     * emulated processor a fifth of the boot.
     */
    private void strip(List<Path> bootModules, List<Path> extraModules)
            throws IOException, InterruptedException {
        Set<Path> modules = new TreeSet<>(bootModules);
        modules.addAll(extraModules);
        List<String> command =
                new ArrayList<>(List.of("strip", "--strip-debug", "--remove-section=.BTF", "--"));
        modules.forEach(module -> command.add(module.toString()));
        commands.check(Path.of("/"), command);
    }

    private void fill(RootTree tree, Path busybox, Path programTree, List<Path> natives)
            throws IOException {
        tree.addBusybox(busybox);
        Path crun = PackageTree.resolve(programTree, CRUN);
        tree.copy(crun, CRUN, 0755);
        tree.copy(PackageTree.resolve(programTree, LOCALE), LOCALE, 0644);
        List<Path> programs = new ArrayList<>(natives);
        programs.add(crun);
        String loader =
                ElfFile.read(crun)
                        .interpreter()
                        .orElseThrow(() -> Fault.internal("crun is not dynamically linked"));
        tree.addLibraries(new LibraryClosure(programTree).of(programs), loader, programTree);
        for (Path jar : BuildInputs.jarsIn(request.agentJars())) {
            tree.copy(jar, RootTree.AGENT + "/" + jar.getFileName(), 0644);
        }
    }

    private static void addModules(RootTree tree, KernelModules modules, List<Path> extra)
            throws IOException {
        String folder = "usr/lib/modules/" + modules.release();
        for (Path module : extra) {
            tree.copy(module, folder + "/" + module.getFileName(), 0644);
        }
        tree.write(
                folder + "/modules.dep",
                modules.dependencyTable(extra, module -> String.valueOf(module.getFileName())));
    }

    private static Path findBusybox(Path tree) throws IOException {
        for (String place : List.of("bin/busybox", "usr/bin/busybox")) {
            Path file = PackageTree.resolve(tree, place);
            if (Files.exists(file)) {
                if (ElfFile.read(file).interpreter().isPresent()) {
                    throw Fault.failedPrecondition("the busybox of %s is not static", BUSYBOX);
                }
                return file;
            }
        }
        throw Fault.notFound("package %s holds no busybox", BUSYBOX);
    }

    private static Path onlyEntry(Path folder, String prefix) throws IOException {
        List<Path> entries = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (Stream<Path> all = Files.list(folder)) {
                all.filter(entry -> String.valueOf(entry.getFileName()).startsWith(prefix))
                        .sorted()
                        .forEach(entries::add);
            }
        }
        if (entries.size() != 1) {
            throw Fault.failedPrecondition(
                            "the kernel's package holds %d entries %s/%s*, not one",
                            entries.size(), folder.getFileName(), prefix)
                    .withHint("name another package with --kernel-package");
        }
        return entries.getFirst();
    }

    private static void checkInterrupt() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException("the build was interrupted");
        }
    }

    private static String debianArchitecture() {
        String architecture = System.getProperty("os.arch", "");
        return switch (architecture) {
            case "aarch64" -> "arm64";
            default -> architecture;
        };
    }
}
