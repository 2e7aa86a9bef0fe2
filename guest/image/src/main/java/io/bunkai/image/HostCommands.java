// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs programs with {@link ProcessBuilder}. A program never outlives the call that started it. */
final class HostCommands implements CommandRunner {
    private static final int TAIL_LINES = 8;
    private static final long GRACE_SECONDS = 5;

    /** The programs used, each with the Debian package that brings it. */
    private static final Map<String, String> PACKAGES =
            Map.of(
                    "apt-get", "apt",
                    "apt-cache", "apt",
                    "dpkg-deb", "dpkg",
                    "mkfs.erofs", "erofs-utils",
                    "mkfs.ext4", "e2fsprogs",
                    "strip", "binutils",
                    "unshare", "util-linux");

    /**
     * Looks for every program before the work begins.
     *
     * @param fileSystemProgram the one that makes the image; others of its kind are not needed
     * @throws Fault FAILED_PRECONDITION if one is missing, with the packages to install;
     *     PERMISSION_DENIED if we are not root
     */
    static void requirePrograms(String fileSystemProgram) throws IOException {
        if (!Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0)) {
            throw Fault.of(FaultCode.PERMISSION_DENIED, "a guest image can be built by root only")
                    .withHint("the agent is trained in a root file system of its own; use sudo");
        }
        List<String> missing = new ArrayList<>();
        PACKAGES.forEach((program, debianPackage) -> {
            boolean other = program.startsWith("mkfs.") && !program.equals(fileSystemProgram);
            if (!other && !isOnPath(program)) {
                missing.add(debianPackage);
            }
        });
        if (!missing.isEmpty()) {
            throw Fault.failedPrecondition("programs to build the guest image with are missing")
                    .withHint(
                            "apt-get install %s",
                            String.join(" ", missing.stream().distinct().sorted().toList()));
        }
    }

    @Override
    public Result run(Path directory, List<String> command)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
        builder.environment().put("LC_ALL", "C");
        builder.environment().put("DEBIAN_FRONTEND", "noninteractive");
        // Programs are told times in their arguments; mkfs.erofs would prefer this, even if empty.
        builder.environment().remove("SOURCE_DATE_EPOCH");
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        builder.environment().remove("JDK_JAVA_OPTIONS");
        Process process = builder.start();
        try {
            process.getOutputStream().close();
            CompletableFuture<String> output = readAll(process.getInputStream());
            CompletableFuture<String> errors = readAll(process.getErrorStream());
            int status = process.waitFor();
            return new Result(status, output.join(), errors.join());
        } finally {
            end(process);
        }
    }

    /** {@return a fault with the end of what the program wrote} */
    static Fault failed(List<String> command, Result result) {
        List<String> lines =
                (result.output() + result.errors())
                        .lines()
                        .map(String::strip)
                        .filter(line -> !line.isEmpty())
                        .toList();
        String tail =
                String.join(
                        "; ", lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
        Fault fault =
                Fault.failedPrecondition(
                        "%s ended with status %d", command.getFirst(), result.status());
        if (!tail.isEmpty()) {
            fault = fault.causedBy(new IOException(tail));
        }
        return NoSpace.is(tail) ? fault.withHint(NoSpace.HINT) : fault;
    }

    private static CompletableFuture<String> readAll(InputStream in) {
        CompletableFuture<String> text = new CompletableFuture<>();
        Thread.ofVirtual()
                .name("output")
                .start(() -> {
                    try (in) {
                        text.complete(new String(in.readAllBytes(), StandardCharsets.UTF_8));
                    } catch (IOException e) {
                        text.completeExceptionally(e);
                    }
                });
        return text;
    }

    /** Interrupted callers end the program: kindly first, since apt holds locks. */
    private static void end(Process process) {
        if (!process.isAlive()) {
            return;
        }
        List<ProcessHandle> children = process.descendants().toList();
        process.destroy();
        boolean interrupted = Thread.interrupted();
        try {
            if (!process.waitFor(GRACE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            interrupted = true;
            process.destroyForcibly();
        }
        children.forEach(ProcessHandle::destroyForcibly);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean isOnPath(String program) {
        for (String folder : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
            if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, program))) {
                return true;
            }
        }
        return false;
    }
}
