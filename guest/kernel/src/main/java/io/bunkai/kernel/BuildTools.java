// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** What a kernel is built with, and the Debian packages that bring it. */
final class BuildTools {
    /**
     * Something that has to be there.
     *
     * @param sign a program of PATH, or a file by its absolute path
     * @param debianPackage what brings it
     * @param reason what it does for a kernel
     */
    record Tool(String sign, String debianPackage, String reason) {}

    private static final List<Tool> ALWAYS =
            List.of(
                    new Tool("make", "make", "knows what depends on what"),
                    new Tool(
                            "gcc", "gcc", "compiles the kernel, and the tools that it is built by"),
                    new Tool("ld", "binutils", "links"),
                    new Tool("/usr/include/stdio.h", "libc6-dev", "declares the C library"),
                    new Tool("flex", "flex", "makes the configuration's parser"),
                    new Tool("bison", "bison", "makes the configuration's parser"),
                    new Tool("bc", "bc", "computes constants of time"),
                    new Tool("perl", "perl", "runs scripts of the build"),
                    new Tool("tar", "tar", "unpacks the source"),
                    new Tool("xz", "xz-utils", "unpacks the source"),
                    new Tool("gzip", "gzip", "packs the kernel"),
                    new Tool("nice", "coreutils", "leaves the machine to others"),
                    new Tool("/usr/include/libelf.h", "libelf-dev", "lets objtool check the code"),
                    new Tool(
                            "/usr/include/openssl/opensslv.h",
                            "libssl-dev",
                            "signs what a configuration wants signed"));

    private static final List<Tool> DEBIAN =
            List.of(
                    new Tool("apt-get", "apt", "fetches the source"),
                    new Tool("dpkg-deb", "dpkg", "unpacks the source's package"));

    private static final Tool AARCH64 =
            new Tool("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu", "compiles for aarch64");
    private static final Tool X86_64 =
            new Tool("x86_64-linux-gnu-gcc", "gcc-x86-64-linux-gnu", "compiles for x86_64");
    private static final Tool PATCH = new Tool("patch", "patch", "applies patches");
    private static final Tool PAHOLE = new Tool("pahole", "pahole", "writes types for eBPF");

    private final ToolRunner runner;
    private final Predicate<String> isThere;
    private final boolean root;

    BuildTools(ToolRunner runner) throws IOException {
        this(
                runner,
                BuildTools::isOnThisMachine,
                Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0));
    }

    BuildTools(ToolRunner runner, Predicate<String> isThere, boolean root) {
        this.runner = runner;
        this.isThere = isThere;
        this.root = root;
    }

    /** {@return what a request needs} */
    static List<Tool> neededFor(KernelRequest request) {
        List<Tool> tools = new ArrayList<>(ALWAYS);
        if (request.source() instanceof KernelSource.Debian) {
            tools.addAll(DEBIAN);
        }
        if (request.architecture() != Architecture.ofThisMachine()) {
            tools.add(request.architecture() == Architecture.AARCH64 ? AARCH64 : X86_64);
        }
        if (!request.patches().isEmpty()) {
            tools.add(PATCH);
        }
        if (request.variant().debug()) {
            tools.add(PAHOLE);
        }
        return tools;
    }

    /**
     * Makes sure that all of these are there before the work begins.
     *
     * @param install whether missing packages may be installed
     * @param progress is told what is installed
     * @throws Fault FAILED_PRECONDITION with the packages' names if some are missing and may not,
     *     or cannot, be installed
     */
    void require(List<Tool> tools, boolean install, Consumer<String> progress)
            throws IOException, InterruptedException {
        List<Tool> missing = missingOf(tools);
        if (missing.isEmpty()) {
            return;
        }
        String packages =
                String.join(" ", missing.stream().map(Tool::debianPackage).distinct().toList());
        if (!install || !root || !isThere.test("apt-get")) {
            String why =
                    !install
                            ? "nothing is installed, as --no-install has it"
                            : root ? "this machine has no apt-get" : "installing them needs root";
            throw Fault.failedPrecondition(
                            "tools to build a kernel with are missing: %s",
                            String.join(", ", missing.stream().map(Tool::sign).toList()))
                    .causedBy(Fault.failedPrecondition("%s", why))
                    .withHint("apt-get install %s", packages);
        }
        missing.forEach(tool ->
                progress.accept(
                        "installing %s, which %s".formatted(tool.debianPackage(), tool.reason())));
        List<String> command =
                new ArrayList<>(List.of("apt-get", "install", "-y", "--no-install-recommends"));
        command.addAll(List.of(packages.split(" ", -1)));
        runner.check(Path.of("/"), Map.of("DEBIAN_FRONTEND", "noninteractive"), command, _ -> {});
        List<Tool> still = missingOf(tools);
        if (!still.isEmpty()) {
            throw Fault.failedPrecondition(
                    "%s installed, and still missing: %s",
                    packages, String.join(", ", still.stream().map(Tool::sign).toList()));
        }
    }

    private List<Tool> missingOf(List<Tool> tools) {
        return tools.stream().filter(tool -> !isThere.test(tool.sign())).toList();
    }

    private static boolean isOnThisMachine(String sign) {
        if (sign.startsWith("/")) {
            return Files.exists(Path.of(sign)) || isInArchitecturesInclude(sign);
        }
        for (String folder : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
            if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, sign))) {
                return true;
            }
        }
        return false;
    }

    /** Debian keeps what differs between architectures in a folder of its own. */
    private static boolean isInArchitecturesInclude(String header) {
        String name = header.replaceFirst("^/usr/include/", "");
        return Files.exists(Path.of("/usr/include/x86_64-linux-gnu", name))
                || Files.exists(Path.of("/usr/include/aarch64-linux-gnu", name));
    }
}
