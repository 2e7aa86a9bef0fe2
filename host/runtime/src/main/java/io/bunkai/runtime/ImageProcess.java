// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import io.bunkai.oci.DefaultSpec;
import io.bunkai.oci.RuntimeSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What runs in a container that is made of an image: Docker's rules for request and image. */
final class ImageProcess {
    private static final long CPU_PERIOD_MICROS = 100_000;
    private static final long NANO_CPUS_PER_CPU = 1_000_000_000;

    /** A thousandth of a period is the least that the kernel takes. */
    private static final long SMALLEST_QUOTA_MICROS = 1000;

    private ImageProcess() {}

    /**
     * {@return the specification of the container}
     *
     * @param root where its root file system is in the guest
     * @param cgroupsPath of its control group in the guest
     * @param hostname its name
     * @throws Fault INVALID_ARGUMENT if there is nothing to run
     */
    static RuntimeSpec of(
            ContainerRequest request,
            ImageSource.Image image,
            String root,
            String cgroupsPath,
            String hostname) {
        RuntimeSpec spec = DefaultSpec.of(root, cgroupsPath, arguments(request, image));
        RuntimeSpec.ContainerProcess process = spec.process();
        RuntimeSpec.Linux linux = spec.linux();
        if (process == null || linux == null) {
            throw new IllegalStateException("the default has a process and is for Linux");
        }
        process = process.withEnv(environment(request, image, hostname, process.env()));
        String directory = request.directory().isEmpty() ? image.directory() : request.directory();
        // An image's may lack the slash, as builders of images forgive it.
        process = process.withCwd(directory.startsWith("/") ? directory : "/" + directory);
        if (request.terminal().isPresent()) {
            var size = request.terminal().get();
            process = process.onTerminal(new RuntimeSpec.Box(size.rows(), size.columns()));
        }
        return spec.withProcess(process)
                .withHostname(hostname)
                .withMounts(mounts(spec.mounts(), request.mounts()))
                .withLinux(linux.withResources(resources(request, linux)));
    }

    /** A mount at a place of the defaults' replaces it; what is nearer to the root comes first. */
    private static List<RuntimeSpec.Mount> mounts(
            List<RuntimeSpec.Mount> defaults, List<RuntimeSpec.Mount> asked) {
        Set<String> taken =
                asked.stream().map(RuntimeSpec.Mount::destination).collect(Collectors.toSet());
        List<RuntimeSpec.Mount> all = new ArrayList<>(defaults);
        all.removeIf(mount -> taken.contains(mount.destination()));
        asked.stream()
                .sorted(
                        Comparator.comparingInt(
                                mount -> Path.of(mount.destination()).getNameCount()))
                .forEach(all::add);
        return all;
    }

    private static List<String> arguments(ContainerRequest request, ImageSource.Image image) {
        List<String> arguments =
                new ArrayList<>(
                        request.entrypoint().map(ImageProcess::cleared).orElse(image.entrypoint()));
        boolean ownEntrypoint = request.entrypoint().isPresent();
        if (!request.arguments().isEmpty()) {
            arguments.addAll(request.arguments());
        } else if (!ownEntrypoint) {
            arguments.addAll(image.command());
        }
        if (arguments.isEmpty()) {
            throw Fault.invalidArgument("there is no command to run, and the image names none")
                    .withHint("write one behind the image: bunkai run IMAGE COMMAND");
        }
        return arguments;
    }

    /** Docker's way to say "none" is one empty word. */
    private static List<String> cleared(List<String> entrypoint) {
        return entrypoint.equals(List.of("")) ? List.of() : entrypoint;
    }

    private static List<String> environment(
            ContainerRequest request,
            ImageSource.Image image,
            String hostname,
            List<String> defaults) {
        List<String> own = new ArrayList<>();
        own.add("HOSTNAME=" + hostname);
        if (request.terminal().isPresent()) {
            own.add("TERM=xterm");
        }
        List<String> all = AgentSpec.mergedEnvironment(defaults, own);
        all = AgentSpec.mergedEnvironment(all, image.environment());
        return AgentSpec.mergedEnvironment(all, request.environment());
    }

    private static RuntimeSpec.Resources resources(
            ContainerRequest request, RuntimeSpec.Linux linux) {
        List<RuntimeSpec.DeviceRule> devices =
                linux.resources() == null ? List.of() : linux.resources().devices();
        RuntimeSpec.Memory memory =
                request.memory().map(size -> RuntimeSpec.Memory.limit(size.bytes())).orElse(null);
        RuntimeSpec.Cpu cpu = null;
        if (request.nanoCpus() > 0) {
            long quota = request.nanoCpus() / (NANO_CPUS_PER_CPU / CPU_PERIOD_MICROS);
            cpu = RuntimeSpec.Cpu.quota(Math.max(SMALLEST_QUOTA_MICROS, quota), CPU_PERIOD_MICROS);
        }
        return RuntimeSpec.Resources.of(devices, memory, cpu, null);
    }
}
