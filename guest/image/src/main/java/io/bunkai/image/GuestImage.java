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

    /** What the file that describes {@link #ROOT_FS} is called. */
    static final String ROOT_FS_MANIFEST = ROOT_FS + ".json";

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
     * @param output the result: a folder, replaced as a whole, or the file of a single image
     * @param agentJars folder with the jars of the agent, as a module path
     * @param jdk home of the JDK to take the runtime from
     * @param cache folder that keeps downloaded packages
     * @param kernelPackage Debian package of the kernel, or one that depends on it
     * @param epochSeconds the time of every file
     */
    public record Request(
            Path output,
            Path agentJars,
            Path jdk,
            Path cache,
            String kernelPackage,
            long epochSeconds) {
        /** 1 January 2026. */
        public static final long DEFAULT_TIME = 1_767_225_600;

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
                BuildInputs.of(
                        request.agentJars(),
                        java.version(),
                        request.kernelPackage(),
                        request.epochSeconds());
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
        HostCommands.requirePrograms(ImageFormat.PLAIN_EROFS.fileSystem().program());
        BuildInputs inputs =
                BuildInputs.of(
                        request.agentJars(),
                        java.version(),
                        request.kernelPackage(),
                        request.epochSeconds());
        try (OutputDirectory output = OutputDirectory.open(request.output())) {
            Path results = output.results();
            Root root = root(output.work());

            progress.step("making the initramfs");
            Path kernel = onlyEntry(root.kernelTree().resolve("boot"), "vmlinuz-");
            Files.copy(kernel, results.resolve(KERNEL));
            SortedMap<String, String> kernels = new TreeMap<>(Map.of("kvm", KERNEL, "tcg", KERNEL));
            if (KernelUnpacker.unpack(kernel, results.resolve(UNPACKED_KERNEL))) {
                kernels.put("tcg", UNPACKED_KERNEL);
            }
            Path config = onlyEntry(root.kernelTree().resolve("boot"), "config-");
            String configName = "config-" + root.modules().release();
            Files.copy(config, results.resolve(configName));
            Initramfs.write(
                    results.resolve(INITRD),
                    root.busybox(),
                    root.bootModules(),
                    request.epochSeconds());

            pack(root, ImageFormat.PLAIN_EROFS, output.work(), results.resolve(ROOT_FS));

            SortedMap<String, String> packages = versions(root.choice());
            SortedMap<String, ImageManifest.Content> contents = new TreeMap<>();
            for (String name :
                    List.of(
                            KERNEL,
                            UNPACKED_KERNEL,
                            configName,
                            INITRD,
                            ROOT_FS,
                            ROOT_FS_MANIFEST)) {
                if (Files.exists(results.resolve(name))) {
                    contents.put(name, ImageManifest.Content.of(results.resolve(name)));
                }
            }
            ImageManifest manifest =
                    new ImageManifest(
                            inputs.digest(packages),
                            root.choice().architecture(),
                            request.kernelPackage(),
                            root.modules().release(),
                            root.content().agentVersion(),
                            root.content().javaVersion(),
                            List.copyOf(root.content().javaModules()),
                            root.content().aot().bytes(),
                            packages,
                            root.bootModules().stream()
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

    /**
     * Builds the root file system alone, as one file with its manifest beside it.
     *
     * @return the file's size on the disk and as it is read
     * @throws Fault with the step that failed and what to do about it
     * @throws InterruptedException if this thread was interrupted; nothing was changed
     */
    ContentManifest.Image buildFile(ImageFormat format) throws IOException, InterruptedException {
        HostCommands.requirePrograms(format.fileSystem().program());
        try (OutputDirectory output = OutputDirectory.open(request.output())) {
            String name = String.valueOf(request.output().getFileName());
            ContentManifest.Image image =
                    pack(
                            root(output.work()),
                            format,
                            output.work(),
                            output.results().resolve(name));
            checkInterrupt();
            output.publishFiles(List.of(name, name + ".json"));
            return image;
        }
    }

    /**
     * A root file system that is complete, and what is needed to boot it.
     *
     * @param choice the packages
     * @param kernelTree the kernel's package, unpacked
     * @param busybox the program
     * @param modules of that kernel
     * @param bootModules those of an initramfs
     * @param tree what becomes the image
     * @param content its description, which it holds, too
     */
    private record Root(
            Choice choice,
            Path kernelTree,
            Path busybox,
            KernelModules modules,
            List<Path> bootModules,
            RootTree tree,
            ContentManifest content) {}

    private Root root(Path work) throws IOException, InterruptedException {
        String javaVersion = java.version();
        String protocol = JavaRuntime.agentProtocol(BuildInputs.jarsIn(request.agentJars()));

        progress.step("choosing packages");
        Choice choice = Choice.of(source, request);

        progress.step("fetching " + choice.all().size() + " packages");
        Map<String, Path> files = source.fetch(choice.all().values());

        progress.step("unpacking");
        Path kernelTree = unpack(work.resolve("kernel"), files, choice.kernel().keySet());
        Path programTree = unpack(work.resolve("programs"), files, choice.programs().keySet());
        Path busybox =
                findBusybox(unpack(work.resolve("busybox"), files, choice.busybox().keySet()));
        KernelModules modules =
                KernelModules.index(onlyEntry(PackageTree.resolve(kernelTree, "lib/modules"), ""));
        List<Path> bootModules = modules.loadOrder(Initramfs.BOOT_MODULES);
        List<Path> extraModules = modules.loadOrder(EXTRA_MODULES);
        strip(bootModules, extraModules);

        progress.step("linking the Java runtime");
        RootTree tree = RootTree.create(work.resolve("root"));
        Set<String> javaModules = java.modulesFor(request.agentJars());
        List<Path> natives = java.link(javaModules, tree.resolve(RootTree.JRE));

        progress.step("filling the root file system");
        fill(tree, busybox, programTree, natives);
        addModules(tree, modules, extraModules);
        checkInterrupt();

        progress.step("training the agent, unless that was done before");
        // The AOT cache remembers the times of the jars and of the runtime's own modules.
        Instant time = Instant.ofEpochSecond(request.epochSeconds());
        Trees.setTimes(tree.root(), time);
        AotStore.Entry aot =
                new AotStore(
                                request.cache().resolve("aot"),
                                new AotTraining(commands, tree),
                                tree,
                                request.epochSeconds())
                        .provide();

        ContentManifest content =
                new ContentManifest(
                        machine(choice.architecture()),
                        request.epochSeconds(),
                        JavaRuntime.agentVersion(request.agentJars()),
                        protocol,
                        javaVersion,
                        javaModules,
                        aot,
                        versions(choice),
                        new TreeMap<>(Map.of("busybox", "usr/bin/busybox", "crun", CRUN)),
                        modules.release(),
                        extraModules.stream()
                                .map(module -> String.valueOf(module.getFileName()))
                                .toList(),
                        TreeListing.of(tree.root()));
        tree.write(ContentManifest.PLACE, content.toJson(Optional.empty()));
        Trees.setTimes(tree.root(), time);
        return new Root(choice, kernelTree, busybox, modules, bootModules, tree, content);
    }

    /** Writes the image and its manifest. */
    private ContentManifest.Image pack(Root root, ImageFormat format, Path work, Path file)
            throws IOException, InterruptedException {
        progress.step("packing the root file system");
        ContentManifest.Image image =
                ImageWriter.write(
                        commands,
                        root.tree().root(),
                        format,
                        root.content().uuid(),
                        request.epochSeconds(),
                        work,
                        file);
        Files.writeString(
                file.resolveSibling(file.getFileName() + ".json"),
                root.content().toJson(Optional.of(image)));
        return image;
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

    /** {@return a Debian architecture's name as the kernel has it} */
    private static String machine(String architecture) {
        return switch (architecture) {
            case "amd64" -> "x86_64";
            case "arm64" -> "aarch64";
            default -> architecture;
        };
    }

    private static String debianArchitecture() {
        String architecture = System.getProperty("os.arch", "");
        return switch (architecture) {
            case "aarch64" -> "arm64";
            default -> architecture;
        };
    }
}
