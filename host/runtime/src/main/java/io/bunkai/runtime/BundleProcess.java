// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.oci.RuntimeSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What runs in a container that is made of a bundle: its specification, with what is the host's
 * taken out or exchanged for what the guest has.
 *
 * @param spec the specification for the guest
 * @param hooks what runs on the host
 * @param warnings sentences for people: what was left out
 */
record BundleProcess(RuntimeSpec spec, Plan.Hooks hooks, List<String> warnings) {
    private static final double NANO_CPUS_PER_CPU = 1e9;

    /**
     * Fits a bundle's specification to a guest.
     *
     * @param home where the container's files are in the guest
     * @param cgroupsPath of its control group in the guest
     * @throws Fault INVALID_ARGUMENT if the specification makes no sense
     */
    static BundleProcess of(BundleRequest request, String home, String cgroupsPath) {
        RuntimeSpec spec = request.spec();
        check(request);
        List<String> warnings = new ArrayList<>();
        RuntimeSpec.Root root = spec.root();
        RuntimeSpec.Linux linux = spec.linux();
        if (linux == null) {
            throw new IllegalStateException("checked above");
        }
        RuntimeSpec fitted =
                spec.withRoot(
                                new RuntimeSpec.Root(
                                        RootDisks.rootOf(home), root != null && root.readonly()))
                        .withLinux(linux.withCgroupsPath(cgroupsPath));
        return new BundleProcess(fitted, hooks(spec.hooks(), warnings), warnings);
    }

    private static void check(BundleRequest request) {
        RuntimeSpec spec = request.spec();
        Path file = request.bundle().resolve("config.json");
        if (spec.process() == null || spec.process().args().isEmpty()) {
            throw Fault.invalidArgument("%s names nothing to run", file)
                    .withHint("set process.args");
        }
        if (spec.linux() == null) {
            throw Fault.invalidArgument("%s is not for Linux", file)
                    .withHint("set linux, as the specification of a Linux container has it");
        }
        RequestCheck.check(spec.process());
    }

    private static Plan.Hooks hooks(
            RuntimeSpec.@org.jspecify.annotations.Nullable Hooks hooks, List<String> warnings) {
        if (hooks == null) {
            return Plan.Hooks.NONE;
        }
        if (!hooks.createContainer().isEmpty() || !hooks.startContainer().isEmpty()) {
            warnings.add(
                    "the hooks createContainer and startContainer were left out: they would run in"
                            + " the container's namespaces, which are the guest's");
        }
        List<RuntimeSpec.Hook> afterCreate = new ArrayList<>(hooks.prestart());
        afterCreate.addAll(hooks.createRuntime());
        return new Plan.Hooks(afterCreate, hooks.poststart(), hooks.poststop());
    }

    /**
     * {@return the path of the network namespace that the container is to join; empty for a new}
     */
    static String networkNamespace(RuntimeSpec spec) {
        RuntimeSpec.Linux linux = spec.linux();
        return linux == null
                ? ""
                : linux.namespaces().stream()
                        .filter(namespace -> namespace.type().equals("network"))
                        .map(RuntimeSpec.Namespace::path)
                        .findFirst()
                        .orElse("");
    }

    /** {@return the limit of processor time, in billionths of a processor; 0 for none} */
    static long nanoCpus(RuntimeSpec spec) {
        RuntimeSpec.Linux linux = spec.linux();
        RuntimeSpec.Cpu cpu =
                linux == null || linux.resources() == null ? null : linux.resources().cpu();
        if (cpu == null || cpu.quota() == null || cpu.quota() <= 0) {
            return 0;
        }
        long period = cpu.period() == null || cpu.period() <= 0 ? 100_000 : cpu.period();
        return (long) (NANO_CPUS_PER_CPU * cpu.quota() / period);
    }

    /** {@return the limit of memory} */
    static Optional<ByteSize> memory(RuntimeSpec spec) {
        RuntimeSpec.Linux linux = spec.linux();
        RuntimeSpec.Memory memory =
                linux == null || linux.resources() == null ? null : linux.resources().memory();
        return memory == null || memory.limit() == null || memory.limit() <= 0
                ? Optional.empty()
                : Optional.of(ByteSize.ofBytes(memory.limit()));
    }
}
