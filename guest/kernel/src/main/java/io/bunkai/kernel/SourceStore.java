// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Source trees: fetched, verified, unpacked once and then only read. Nothing is unpacked whose
 * digest is not what it has to be.
 */
final class SourceStore {
    /** No archive of a kernel is near it: a server must not fill the disk. */
    private static final long MOST_BYTES = 1L << 30;

    private static final Duration CONNECT = Duration.ofSeconds(20);
    private static final String TREE = "linux";

    private final KernelCache cache;
    private final ToolRunner tools;
    private final Progress progress;

    /**
     * A source that can be built from.
     *
     * @param directory its tree, which nobody writes to
     * @param version as its makefile has it
     * @param origin what it was made from, for people
     * @param digest of that, and of what was changed in it
     * @param changes what of ours was changed: path to reason; a tree of the caller's has none
     */
    record Source(
            Path directory,
            KernelVersion version,
            String origin,
            String digest,
            SortedMap<String, String> changes) {
        Source {
            changes = Collections.unmodifiableSortedMap(new TreeMap<>(changes));
        }
    }

    SourceStore(KernelCache cache, ToolRunner tools, Progress progress) {
        this.cache = cache;
        this.tools = tools;
        this.progress = progress;
    }

    /**
     * Makes the source of a request available.
     *
     * @throws Fault NOT_FOUND if there is none, UNAVAILABLE if it cannot be downloaded, DATA_LOSS
     *     if it is not what it has to be, FAILED_PRECONDITION if it is another version
     */
    Source provide(KernelRequest request) throws IOException, InterruptedException {
        Source source =
                switch (request.source()) {
                    case KernelSource.Debian(String name) -> ofDebian(name, request.patches());
                    case KernelSource.Tarball(Path file, String digest) ->
                            ofTarball(file, digest, request.patches());
                    case KernelSource.Download download ->
                            ofTarball(download(download), download.digest(), request.patches());
                    case KernelSource.Tree(Path directory) -> ofTree(directory);
                };
        if (!request.version().isEmpty() && !source.version().isMeantBy(request.version())) {
            throw Fault.failedPrecondition(
                            "the source is of Linux %s, not %s",
                            source.version(), request.version())
                    .withHint("leave -v out, or name the source of that version with --source");
        }
        return source;
    }

    private Source ofTree(Path directory) throws IOException {
        KernelVersion version = versionOf(directory);
        progress.step("computing the digest of " + directory);
        return new Source(
                directory,
                version,
                String.valueOf(directory.getFileName()),
                Digests.sha256OfTree(directory),
                Collections.emptySortedMap());
    }

    private Source ofTarball(Path file, String wanted, List<Path> patches)
            throws IOException, InterruptedException {
        if (!Files.isRegularFile(file)) {
            throw Fault.notFound("there is no archive %s", file);
        }
        String digest = Digests.sha256(file);
        verify(file, digest, wanted);
        String origin = String.valueOf(file.getFileName());
        return unpacked(origin, digest, patches, into -> extract(file, into));
    }

    private static void verify(Path file, String digest, String wanted) {
        if (!wanted.isEmpty() && !digest.equals(wanted)) {
            throw Fault.of(FaultCode.DATA_LOSS, "%s is not the archive that was asked for", file)
                    .causedBy(Fault.failedPrecondition("its SHA-256 is %s, not %s", digest, wanted))
                    .withHint("get it again, or correct --digest");
        }
    }

    // --- Debian ---

    private Source ofDebian(String name, List<Path> patches)
            throws IOException, InterruptedException {
        Map<String, String> offered = offered(name);
        String digest = offered.getOrDefault("SHA256", "");
        String version = offered.getOrDefault("Version", "");
        Path file = cache.downloads().resolve(name + "_" + digest + ".deb");
        String origin = name + " " + version;
        return unpacked(
                origin,
                digest,
                patches,
                into -> {
                    fetch(name, version, digest, file);
                    Path work = Files.createDirectories(into.resolve("package"));
                    progress.step("unpacking " + origin);
                    tools.check(
                            into,
                            Map.of(),
                            List.of("dpkg-deb", "-x", file.toString(), work.toString()),
                            _ -> {});
                    extract(onlyArchive(work.resolve("usr/src")), into);
                    Trees.delete(work);
                });
    }

    private Map<String, String> offered(String name) throws IOException, InterruptedException {
        List<String> lines = new ArrayList<>();
        int status =
                tools.run(
                        Path.of("/"),
                        Map.of(),
                        List.of("apt-cache", "show", "--no-all-versions", "--", name),
                        lines::add);
        Map<String, String> fields = new TreeMap<>();
        for (String line : lines) {
            int colon = line.indexOf(": ");
            if (colon > 0 && line.charAt(0) != ' ') {
                fields.putIfAbsent(line.substring(0, colon), line.substring(colon + 2).strip());
            }
        }
        if (status != 0 || !fields.getOrDefault("SHA256", "").matches("[0-9a-f]{64}")) {
            throw Fault.notFound("apt knows no package %s", name)
                    .withHint("run: apt-get update; or name a source with --source");
        }
        return fields;
    }

    private void fetch(String name, String version, String digest, Path target)
            throws IOException, InterruptedException {
        if (Files.exists(target) && Digests.sha256(target).equals(digest)) {
            return;
        }
        progress.step("fetching " + name + " " + version);
        Path arriving = Files.createTempDirectory(cache.downloads(), "arriving-");
        try {
            try {
                tools.check(
                        arriving,
                        Map.of(),
                        List.of(
                                "apt-get",
                                "--quiet",
                                "--option",
                                // The unprivileged user cannot write to our folder.
                                "APT::Sandbox::User=root",
                                "download",
                                "--",
                                name + "=" + version),
                        _ -> {});
            } catch (Fault e) {
                throw Fault.unavailable("%s %s could not be downloaded", name, version)
                        .causedBy(e)
                        .withHint("check the network, run: apt-get update, and try again");
            }
            Path file = onlyEntry(arriving);
            verify(file, Digests.sha256(file), digest);
            Files.move(file, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Trees.delete(arriving);
        }
    }

    private static Path onlyEntry(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.findFirst()
                    .orElseThrow(() -> Fault.unavailable("apt downloaded nothing"));
        }
    }

    private static Path onlyArchive(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(entry -> String.valueOf(entry.getFileName()).contains(".tar."))
                    .filter(entry -> !String.valueOf(entry.getFileName()).contains("patch"))
                    .findFirst()
                    .orElseThrow(() -> Fault.notFound("the package holds no source of a kernel"));
        } catch (NoSuchFileException e) {
            throw Fault.notFound("the package holds no source of a kernel").causedBy(e);
        }
    }

    // --- kernel.org, or wherever ---

    /** {@return the digest of an archive that kernel.org is known to publish} */
    static Optional<String> knownDigest(String archive) throws IOException {
        return new String(Resources.read("known-digests"), StandardCharsets.UTF_8)
                .lines()
                .filter(line -> line.endsWith("  " + archive))
                .map(line -> line.substring(0, line.indexOf(' ')))
                .findFirst();
    }

    private Path download(KernelSource.Download source) throws IOException, InterruptedException {
        Path target = cache.downloads().resolve(source.digest() + archiveEnd(source.address()));
        if (Files.exists(target) && Digests.sha256(target).equals(source.digest())) {
            return target;
        }
        progress.step("downloading " + source.address());
        Path arriving = Files.createTempFile(cache.downloads(), "arriving-", "");
        try (HttpClient client =
                HttpClient.newBuilder()
                        .connectTimeout(CONNECT)
                        .followRedirects(HttpClient.Redirect.NORMAL)
                        .build()) {
            HttpResponse<InputStream> response =
                    client.send(
                            HttpRequest.newBuilder(source.address()).build(),
                            HttpResponse.BodyHandlers.ofInputStream());
            if (response.statusCode() != 200) {
                response.body().close();
                throw Fault.unavailable("the server answers with status %d", response.statusCode());
            }
            try (InputStream in = response.body();
                    OutputStream out = Files.newOutputStream(arriving)) {
                copy(in, out);
            }
            verify(arriving, Digests.sha256(arriving), source.digest());
            Files.move(arriving, target, StandardCopyOption.ATOMIC_MOVE);
            return target;
        } catch (IOException e) {
            throw notDownloaded(source, e);
        } catch (Fault e) {
            throw e.code() == FaultCode.DATA_LOSS ? e : notDownloaded(source, e);
        } finally {
            Files.deleteIfExists(arriving);
        }
    }

    private static Fault notDownloaded(KernelSource.Download source, Exception cause) {
        return Fault.unavailable("%s could not be downloaded", source.address())
                .causedBy(cause)
                .withHint(
                        "without internet use Debian's source: leave -v and -u out, or name a"
                                + " file with --source");
    }

    private void copy(InputStream in, OutputStream out) throws IOException {
        byte[] chunk = new byte[1 << 16];
        long all = 0;
        for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
            all += count;
            if (all > MOST_BYTES) {
                throw new IOException(
                        "the archive is larger than %d bytes, which no kernel is"
                                .formatted(MOST_BYTES));
            }
            out.write(chunk, 0, count);
            progress.detail("%d MiB downloaded".formatted(all >> 20));
        }
    }

    private static String archiveEnd(URI address) {
        String path = String.valueOf(address.getPath());
        int at = path.lastIndexOf(".tar");
        return at < 0 ? ".tar" : path.substring(at);
    }

    // --- trees ---

    /** Puts a source into a folder. */
    private interface Filling {
        void fill(Path into) throws IOException, InterruptedException;
    }

    private Source unpacked(
            String origin, String archiveDigest, List<Path> patches, Filling filling)
            throws IOException, InterruptedException {
        SourceChanges changes = SourceChanges.ours();
        String digest = changed(archiveDigest, changes, patches);
        Path place = cache.sources().resolve(digest);
        try (Closer _ =
                cache.lock("source-" + digest, () -> progress.step("waiting for another build"))) {
            if (!Files.exists(place)) {
                Path staging = Files.createTempDirectory(cache.sources(), ".arriving-");
                try {
                    filling.fill(staging);
                    for (Path patch : patches) {
                        apply(patch, staging.resolve(TREE));
                    }
                    changes.apply(staging.resolve(TREE), versionOf(staging.resolve(TREE)));
                    Files.move(staging, place, StandardCopyOption.ATOMIC_MOVE);
                } finally {
                    Trees.delete(staging);
                }
            }
        }
        Path tree = place.resolve(TREE);
        KernelVersion version = versionOf(tree);
        return new Source(tree, version, origin, digest, changes.of(version));
    }

    private static String changed(String digest, SourceChanges changes, List<Path> patches)
            throws IOException {
        StringBuilder all = new StringBuilder(digest);
        all.append('\n').append(changes.digest());
        for (Path patch : patches) {
            all.append('\n').append(Digests.sha256(patch));
        }
        return Digests.sha256(all.toString());
    }

    private void apply(Path patch, Path tree) throws IOException, InterruptedException {
        progress.step("applying " + patch.getFileName());
        try {
            tools.check(
                    tree,
                    Map.of(),
                    List.of(
                            "patch",
                            "--strip=1",
                            "--batch",
                            "--forward",
                            "--fuzz=0",
                            "--input=" + patch.toAbsolutePath()),
                    _ -> {});
        } catch (Fault e) {
            throw Fault.failedPrecondition("the patch %s does not fit", patch)
                    .causedBy(e)
                    .withHint("patches are taken in the order of their names");
        }
    }

    private void extract(Path archive, Path into) throws IOException, InterruptedException {
        progress.step("unpacking " + archive.getFileName());
        Path tree = Files.createDirectories(into.resolve(TREE));
        tools.check(
                into,
                Map.of(),
                List.of(
                        "tar",
                        "--extract",
                        "--file=" + archive.toAbsolutePath(),
                        "--directory=" + tree,
                        "--strip-components=1",
                        "--no-same-owner"),
                _ -> {});
    }

    /**
     * {@return what a tree's makefile says it is}
     *
     * @throws Fault NOT_FOUND if it is no source of a kernel
     */
    static KernelVersion versionOf(Path tree) throws IOException {
        Path makefile = tree.resolve("Makefile");
        Map<String, String> fields = new TreeMap<>();
        if (Files.isRegularFile(makefile) && Files.exists(tree.resolve("Kbuild"))) {
            try (Stream<String> lines = Files.lines(makefile)) {
                lines.limit(20)
                        .map(line -> line.split("=", 2))
                        .filter(parts -> parts.length == 2)
                        .forEach(parts -> fields.putIfAbsent(parts[0].strip(), parts[1].strip()));
            }
        }
        String major = fields.getOrDefault("VERSION", "");
        if (!major.matches("\\d+")) {
            throw Fault.notFound("%s is not the source of a kernel", tree)
                    .withHint("the folder that Kbuild and Makefile are in is meant");
        }
        String patch = fields.getOrDefault("SUBLEVEL", "0");
        return KernelVersion.parse(
                "%s.%s%s%s"
                        .formatted(
                                major,
                                fields.getOrDefault("PATCHLEVEL", "0"),
                                patch.equals("0") ? "" : "." + patch,
                                fields.getOrDefault("EXTRAVERSION", "")));
    }
}
