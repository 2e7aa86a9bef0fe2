// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * The options that say which kernel is meant: those of Kata Containers' build-kernel.sh, with the
 * same letters. What of them makes no sense here is refused, with the reason.
 */
final class KernelOptions {
    @Option(
            names = "-v",
            paramLabel = "VERSION",
            description = "Version of Linux, such as 6.1 or 6.1.127 (default: Debian's 6.1).")
    private @Nullable String version;

    @Option(
            names = "-a",
            paramLabel = "ARCH",
            description = "What it runs on: x86_64 or aarch64 (default: this machine's).")
    private @Nullable String architecture;

    @Option(
            names = "-g",
            paramLabel = "VENDOR",
            description = "For accelerators of this vendor: nvidia.")
    private @Nullable String gpu;

    @Option(names = "-x", description = "For confidential guests: AMD SEV-SNP and Intel TDX.")
    private boolean confidential;

    @Option(names = "-m", description = "For a measured root file system: dm-verity.")
    private boolean measured;

    @Option(names = "--debug", description = "With symbols, tracing and probes.")
    private boolean debug;

    @Option(
            names = "-c",
            paramLabel = "FILE",
            description = "Use this configuration instead of the fragments.")
    private @Nullable Path config;

    @Option(
            names = "-p",
            paramLabel = "DIR",
            description =
                    "Apply the patches in DIR/<major>.<minor>.x, or in DIR if there is none, in"
                            + " the order of their names.")
    private @Nullable Path patches;

    @Option(names = "-s", description = "Build even if options asked for did not stick.")
    private boolean skipChecks;

    @Option(names = "-k", paramLabel = "DIR", description = "Build this unpacked source.")
    private @Nullable Path tree;

    @Option(
            names = "--source",
            paramLabel = "PATH",
            description = "Build this archive, or this unpacked source.")
    private @Nullable Path source;

    @Option(
            names = "-u",
            paramLabel = "URL",
            description = "Download this archive; needs --digest.")
    private @Nullable String url;

    @Option(
            names = "--digest",
            paramLabel = "sha256:HEX",
            description = "What the archive has to be.")
    private @Nullable String digest;

    @Option(
            names = "-t",
            paramLabel = "HYPERVISOR",
            description = "What drives the machine: qemu, or kvm, which means it.")
    private @Nullable String hypervisor;

    // What is not done here is known all the same, so that the answer is a reason.

    @Option(names = "-b", hidden = true, paramLabel = "TYPE")
    private @Nullable String buildType;

    @Option(names = "-e", hidden = true)
    private boolean experimental;

    @Option(names = "-H", hidden = true, paramLabel = "FORMAT")
    private @Nullable String headers;

    @Option(names = "-r", hidden = true, paramLabel = "REF")
    private @Nullable String reference;

    /** Used by picocli. */
    KernelOptions() {}

    /** {@return the flags given that say that another kernel than the default one is meant} */
    List<String> given() {
        List<String> given = new ArrayList<>();
        add(given, "-v", version != null);
        add(given, "-a", architecture != null);
        add(given, "-g", gpu != null);
        add(given, "-x", confidential);
        add(given, "-m", measured);
        add(given, "--debug", debug);
        add(given, "-c", config != null);
        add(given, "-p", patches != null);
        add(given, "-s", skipChecks);
        add(given, "-k", tree != null);
        add(given, "--source", source != null);
        add(given, "-u", url != null);
        add(given, "--digest", digest != null);
        return given;
    }

    private static void add(List<String> names, String name, boolean isGiven) {
        if (isGiven) {
            names.add(name);
        }
    }

    /**
     * {@return what these options ask for}
     *
     * @throws Fault INVALID_ARGUMENT or UNIMPLEMENTED, with the reason, for what cannot be done
     */
    KernelRequest request(Map<String, String> environment) throws IOException {
        refuseWhatIsNotDone();
        Variant variant =
                new Variant(
                        gpu != null,
                        confidential,
                        measured,
                        debug
                                || environment
                                        .getOrDefault("KERNEL_DEBUG_ENABLED", "")
                                        .equals("yes"));
        if (config != null && !variant.equals(Variant.PLAIN)) {
            throw Fault.invalidArgument(
                            "-c gives a whole configuration, so that -g, -x, -m and"
                                    + " --debug would change nothing")
                    .withHint("put their options into %s, or leave -c out", config);
        }
        if (config != null && !Files.isRegularFile(config)) {
            throw Fault.notFound("there is no configuration %s", config);
        }
        KernelSource from = source();
        if (from instanceof KernelSource.Tree && patches != null) {
            throw Fault.invalidArgument(
                            "an unpacked source is not changed, so that -p has nothing"
                                    + " to work on")
                    .withHint("apply the patches there, or name an archive with --source");
        }
        return new KernelRequest(
                from,
                wantedVersion(from),
                architecture == null ? Architecture.ofThisMachine() : Architecture.of(architecture),
                variant,
                config == null ? null : config.toAbsolutePath(),
                patchFiles(),
                !skipChecks);
    }

    private String wantedVersion(KernelSource from) {
        if (version != null) {
            return version;
        }
        return from instanceof KernelSource.Debian ? KernelRequest.DEBIAN_SERIES : "";
    }

    private void refuseWhatIsNotDone() {
        if (buildType != null) {
            throw Fault.unimplemented("there is no build type '%s'", buildType)
                    .withHint(
                            "-b makes kernels for hypervisors that bunkai does not drive; leave it"
                                    + " out");
        }
        if (experimental) {
            throw Fault.unimplemented("there is no experimental kernel")
                    .withHint("name the source that you mean with --source or -u instead of -e");
        }
        if (headers != null) {
            throw Fault.unimplemented("no package of headers is made (-H %s)", headers)
                    .withHint(
                            "modules are built against the folder that 'setup -g nvidia' prints;"
                                    + " 'make bindeb-pkg' in it makes packages");
        }
        if (reference != null) {
            throw Fault.unimplemented(
                            "a name in a repository may stand for something else"
                                    + " tomorrow, so that -r cannot be verified")
                    .withHint(
                            "clone it, check out %s, and name the folder with --source", reference);
        }
        if (hypervisor != null && !List.of("qemu", "kvm").contains(hypervisor)) {
            throw Fault.unimplemented("bunkai drives QEMU, not %s", hypervisor)
                    .withHint("leave -t out");
        }
        if (gpu != null && !gpu.equals("nvidia")) {
            throw Fault.unimplemented("there are no fragments for accelerators of %s", gpu)
                    .withHint("-g nvidia; or give a whole configuration with -c");
        }
        List<String> sources = new ArrayList<>();
        add(sources, "-k", tree != null);
        add(sources, "--source", source != null);
        add(sources, "-u", url != null);
        if (sources.size() > 1) {
            throw Fault.invalidArgument(
                            "there is one source: %s cannot be given together",
                            String.join(" and ", sources))
                    .withHint("leave out all but one");
        }
    }

    private KernelSource source() throws IOException {
        String checked = digest == null ? "" : hex(digest);
        if (url != null) {
            return download(url, checked, url.substring(url.lastIndexOf('/') + 1));
        }
        Path local = tree != null ? tree : source;
        if (local != null) {
            Path place = local.toAbsolutePath().normalize();
            if (Files.isDirectory(place)) {
                if (!checked.isEmpty()) {
                    throw Fault.invalidArgument(
                                    "--digest is of an archive, and %s is a folder", place)
                            .withHint("leave --digest out");
                }
                return new KernelSource.Tree(place);
            }
            if (tree != null) {
                throw Fault.notFound("there is no folder %s", place)
                        .withHint("-k names an unpacked source, --source an archive too");
            }
            return new KernelSource.Tarball(place, checked);
        }
        if (version == null || version.equals(KernelRequest.DEBIAN_SERIES)) {
            if (!checked.isEmpty()) {
                throw Fault.invalidArgument(
                                "Debian's source is verified by apt; --digest is for others")
                        .withHint("leave --digest out, or name an archive with --source or -u");
            }
            return new KernelSource.Debian(KernelRequest.DEBIAN_SOURCE);
        }
        KernelVersion wanted = KernelVersion.parse(version);
        String archive = "linux-" + wanted + ".tar.xz";
        return download(
                "https://cdn.kernel.org/pub/linux/kernel/v%d.x/%s"
                        .formatted(wanted.major(), archive),
                checked,
                archive);
    }

    private static KernelSource download(String address, String given, String archive)
            throws IOException {
        Optional<String> known =
                given.isEmpty() ? SourceStore.knownDigest(archive) : Optional.of(given);
        if (known.isEmpty()) {
            throw Fault.invalidArgument(
                            "no digest of %s is known, and nothing unverified is built", archive)
                    .withHint(
                            "take it from the signed sha256sums.asc beside the archive, and give"
                                    + " it: --digest sha256:...");
        }
        try {
            URI uri = URI.create(address);
            if (uri.getHost() == null
                    || !List.of("http", "https").contains(String.valueOf(uri.getScheme()))) {
                throw new IllegalArgumentException("neither http nor https");
            }
            return new KernelSource.Download(uri, known.get());
        } catch (IllegalArgumentException e) {
            throw Fault.invalidArgument("'%s' is no address to download from", address)
                    .causedBy(e)
                    .withHint("for a file of this machine use --source");
        }
    }

    private static String hex(String digest) {
        String hex = digest.startsWith("sha256:") ? digest.substring("sha256:".length()) : digest;
        if (!hex.matches("[0-9a-f]{64}")) {
            throw Fault.invalidArgument("'%s' is no SHA-256", digest)
                    .withHint("it looks like sha256: and 64 digits from 0 to f");
        }
        return hex;
    }

    private List<Path> patchFiles() throws IOException {
        if (patches == null) {
            return List.of();
        }
        Path folder = patches.toAbsolutePath();
        if (version != null) {
            Path ofSeries = folder.resolve(KernelVersion.parse(version).patchFolder());
            folder = Files.isDirectory(ofSeries) ? ofSeries : folder;
        } else if (Files.isDirectory(folder.resolve(KernelRequest.DEBIAN_SERIES + ".x"))) {
            folder = folder.resolve(KernelRequest.DEBIAN_SERIES + ".x");
        }
        if (!Files.isDirectory(folder)) {
            throw Fault.notFound("there is no folder %s", folder);
        }
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> found =
                    files.filter(file -> file.toString().endsWith(".patch")).sorted().toList();
            if (found.isEmpty()) {
                throw Fault.notFound("there is no patch in %s", folder)
                        .withHint("their names end in .patch");
            }
            return found;
        }
    }
}
