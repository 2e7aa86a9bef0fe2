// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.api.agent.Box;
import io.bunkai.api.agent.LinuxCapabilities;
import io.bunkai.api.agent.LinuxDevice;
import io.bunkai.api.agent.LinuxDeviceCgroup;
import io.bunkai.api.agent.LinuxIDMapping;
import io.bunkai.api.agent.LinuxNamespace;
import io.bunkai.api.agent.LinuxSeccomp;
import io.bunkai.api.agent.LinuxSeccompArg;
import io.bunkai.api.agent.LinuxSyscall;
import io.bunkai.api.agent.POSIXRlimit;
import io.bunkai.api.agent.Spec;
import io.bunkai.api.agent.StringUser;
import io.bunkai.oci.RuntimeSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The run-time specification in the agent's protocol. Host hooks stay on the host; what a guest has
 * of its own (the host's devices, cpusets, namespaces by path) is left out, as Kata leaves it out.
 *
 * @spec https://github.com/opencontainers/runtime-spec/blob/v1.2.0/config.md config.json
 */
final class AgentSpec {
    private AgentSpec() {}

    /** {@return the whole specification} */
    static Spec of(RuntimeSpec spec) {
        Spec.Builder built =
                Spec.newBuilder()
                        .setVersion(spec.ociVersion())
                        .putAllAnnotations(spec.annotations());
        if (spec.hostname() != null) {
            built.setHostname(spec.hostname());
        }
        if (spec.process() != null) {
            built.setProcess(process(spec.process()));
        }
        if (spec.root() != null) {
            built.setRoot(
                    io.bunkai.api.agent.Root.newBuilder()
                            .setPath(spec.root().path())
                            .setReadonly(spec.root().readonly()));
        }
        for (RuntimeSpec.Mount mount : spec.mounts()) {
            built.addMounts(
                    io.bunkai.api.agent.Mount.newBuilder()
                            .setDestination(mount.destination())
                            .setSource(mount.source())
                            .setType(mount.type())
                            .addAllOptions(mount.options()));
        }
        if (spec.linux() != null) {
            built.setLinux(linux(spec.linux()));
        }
        return built.build();
    }

    /** {@return one block device} */
    static io.bunkai.api.agent.Device device(Plan.Device device) {
        return io.bunkai.api.agent.Device.newBuilder()
                .setType("blk")
                .setId(device.source())
                .setContainerPath(device.path())
                .build();
    }

    /** {@return one storage} */
    static io.bunkai.api.agent.Storage storage(Plan.Storage storage) {
        return io.bunkai.api.agent.Storage.newBuilder()
                .setDriver(storage.driver())
                .setSource(storage.source())
                .setFstype(storage.fileSystem())
                .addAllOptions(storage.options())
                .setMountPoint(storage.mountPoint())
                .build();
    }

    /**
     * {@return the user as the guest looks it up in the container's own files; empty if none is
     * named}
     */
    static Optional<StringUser> user(String user) {
        if (user.isEmpty()) {
            return Optional.empty();
        }
        int colon = user.indexOf(':');
        StringUser.Builder built =
                StringUser.newBuilder().setUid(colon < 0 ? user : user.substring(0, colon));
        if (colon >= 0) {
            built.setGid(user.substring(colon + 1));
        }
        return Optional.of(built.build());
    }

    /** {@return a further process: the container's own, but for what the request says} */
    static io.bunkai.api.agent.Process exec(ExecRequest request, RuntimeSpec container) {
        RuntimeSpec.ContainerProcess own = container.process();
        if (own == null) {
            throw new IllegalStateException("a container without a process");
        }
        List<String> environment = own.env();
        if (request.terminal().isPresent()
                && environment.stream().noneMatch(variable -> variable.startsWith("TERM="))) {
            environment = mergedEnvironment(environment, List.of("TERM=xterm"));
        }
        RuntimeSpec.ContainerProcess process =
                own.withArgs(request.arguments())
                        .withEnv(mergedEnvironment(environment, request.environment()));
        if (!request.directory().isEmpty()) {
            process = process.withCwd(request.directory());
        }
        io.bunkai.api.agent.Process.Builder built = process(process).toBuilder();
        built.setTerminal(request.terminal().isPresent()).clearConsoleSize();
        request.terminal()
                .ifPresent(size ->
                        built.setConsoleSize(
                                Box.newBuilder().setHeight(size.rows()).setWidth(size.columns())));
        return built.build();
    }

    /**
     * {@return both, the later value of a name in the place of the earlier one} A name without a
     * value takes the variable away, as it does for Docker.
     */
    static List<String> mergedEnvironment(List<String> base, List<String> added) {
        Map<String, String> byName = new LinkedHashMap<>();
        for (List<String> variables : List.of(base, added)) {
            for (String variable : variables) {
                int equals = variable.indexOf('=');
                if (equals < 0) {
                    byName.remove(variable);
                } else {
                    byName.put(variable.substring(0, equals), variable);
                }
            }
        }
        return new ArrayList<>(byName.values());
    }

    static io.bunkai.api.agent.Process process(RuntimeSpec.ContainerProcess process) {
        io.bunkai.api.agent.Process.Builder built =
                io.bunkai.api.agent.Process.newBuilder()
                        .setTerminal(process.terminal())
                        .setUser(
                                io.bunkai.api.agent.User.newBuilder()
                                        .setUID((int) process.user().uid())
                                        .setGID((int) process.user().gid())
                                        .addAllAdditionalGids(
                                                process.user().additionalGids().stream()
                                                        .map(Long::intValue)
                                                        .toList()))
                        .addAllArgs(process.args())
                        .addAllEnv(process.env())
                        .setCwd(process.cwd())
                        .setNoNewPrivileges(process.noNewPrivileges())
                        .setApparmorProfile(process.apparmorProfile())
                        .setSelinuxLabel(process.selinuxLabel());
        if (process.consoleSize() != null) {
            built.setConsoleSize(
                    Box.newBuilder()
                            .setHeight(process.consoleSize().height())
                            .setWidth(process.consoleSize().width()));
        }
        if (process.oomScoreAdj() != null) {
            built.setOOMScoreAdj(process.oomScoreAdj());
        }
        if (process.capabilities() != null) {
            RuntimeSpec.Capabilities capabilities = process.capabilities();
            built.setCapabilities(
                    LinuxCapabilities.newBuilder()
                            .addAllBounding(capabilities.bounding())
                            .addAllEffective(capabilities.effective())
                            .addAllInheritable(capabilities.inheritable())
                            .addAllPermitted(capabilities.permitted())
                            .addAllAmbient(capabilities.ambient()));
        }
        for (RuntimeSpec.Rlimit limit : process.rlimits()) {
            built.addRlimits(
                    POSIXRlimit.newBuilder()
                            .setType(limit.type())
                            .setHard(limit.hard().longValue())
                            .setSoft(limit.soft().longValue()));
        }
        return built.build();
    }

    private static io.bunkai.api.agent.Linux linux(RuntimeSpec.Linux linux) {
        io.bunkai.api.agent.Linux.Builder built =
                io.bunkai.api.agent.Linux.newBuilder()
                        .putAllSysctl(linux.sysctl())
                        .setCgroupsPath(linux.cgroupsPath())
                        .setRootfsPropagation(linux.rootfsPropagation())
                        .addAllMaskedPaths(linux.maskedPaths())
                        .addAllReadonlyPaths(linux.readonlyPaths())
                        .setMountLabel(linux.mountLabel());
        linux.uidMappings().forEach(mapping -> built.addUIDMappings(mapping(mapping)));
        linux.gidMappings().forEach(mapping -> built.addGIDMappings(mapping(mapping)));
        for (RuntimeSpec.Namespace namespace : linux.namespaces()) {
            built.addNamespaces(LinuxNamespace.newBuilder().setType(namespace.type()));
        }
        for (RuntimeSpec.Device device : linux.devices()) {
            built.addDevices(device(device));
        }
        if (linux.resources() != null) {
            built.setResources(resources(linux.resources()));
        }
        if (linux.seccomp() != null) {
            built.setSeccomp(seccomp(linux.seccomp()));
        }
        return built.build();
    }

    private static LinuxIDMapping mapping(RuntimeSpec.IdMapping mapping) {
        return LinuxIDMapping.newBuilder()
                .setHostID((int) mapping.hostID())
                .setContainerID((int) mapping.containerID())
                .setSize((int) mapping.size())
                .build();
    }

    private static LinuxDevice device(RuntimeSpec.Device device) {
        return LinuxDevice.newBuilder()
                .setPath(device.path())
                .setType(device.type())
                .setMajor(device.major())
                .setMinor(device.minor())
                .setFileMode(orZero(device.fileMode()))
                .setUID((int) orZero(device.uid()))
                .setGID((int) orZero(device.gid()))
                .build();
    }

    static io.bunkai.api.agent.LinuxResources resources(RuntimeSpec.Resources resources) {
        io.bunkai.api.agent.LinuxResources.Builder built =
                io.bunkai.api.agent.LinuxResources.newBuilder();
        for (RuntimeSpec.DeviceRule rule : resources.devices()) {
            built.addDevices(
                    LinuxDeviceCgroup.newBuilder()
                            .setAllow(rule.allow())
                            .setType(orEmpty(rule.type()))
                            .setMajor(rule.major() == null ? -1 : rule.major())
                            .setMinor(rule.minor() == null ? -1 : rule.minor())
                            .setAccess(orEmpty(rule.access())));
        }
        RuntimeSpec.Memory memory = resources.memory();
        if (memory != null) {
            built.setMemory(
                    io.bunkai.api.agent.LinuxMemory.newBuilder()
                            .setLimit(orZero(memory.limit()))
                            .setReservation(orZero(memory.reservation()))
                            .setSwap(orZero(memory.swap()))
                            .setSwappiness(orZero(memory.swappiness()))
                            .setDisableOOMKiller(Boolean.TRUE.equals(memory.disableOOMKiller())));
        }
        RuntimeSpec.Cpu cpu = resources.cpu();
        if (cpu != null) {
            built.setCPU(
                    io.bunkai.api.agent.LinuxCPU.newBuilder()
                            .setShares(orZero(cpu.shares()))
                            .setQuota(orZero(cpu.quota()))
                            .setPeriod(orZero(cpu.period()))
                            .setRealtimeRuntime(orZero(cpu.realtimeRuntime()))
                            .setRealtimePeriod(orZero(cpu.realtimePeriod())));
        }
        if (resources.pids() != null) {
            built.setPids(
                    io.bunkai.api.agent.LinuxPids.newBuilder().setLimit(resources.pids().limit()));
        }
        return built.build();
    }

    private static LinuxSeccomp seccomp(RuntimeSpec.Seccomp seccomp) {
        LinuxSeccomp.Builder built =
                LinuxSeccomp.newBuilder()
                        .setDefaultAction(seccomp.defaultAction())
                        .addAllArchitectures(seccomp.architectures())
                        .addAllFlags(seccomp.flags());
        for (RuntimeSpec.Syscall call : seccomp.syscalls()) {
            LinuxSyscall.Builder rule =
                    LinuxSyscall.newBuilder().addAllNames(call.names()).setAction(call.action());
            if (call.errnoRet() != null) {
                rule.setErrnoret(call.errnoRet());
            }
            for (RuntimeSpec.SyscallArgument argument : call.args()) {
                rule.addArgs(
                        LinuxSeccompArg.newBuilder()
                                .setIndex(argument.index())
                                .setValue(argument.value().longValue())
                                .setValueTwo(
                                        argument.valueTwo() == null
                                                ? 0
                                                : argument.valueTwo().longValue())
                                .setOp(argument.op()));
            }
            built.addSyscalls(rule);
        }
        return built.build();
    }

    private static long orZero(@Nullable Long value) {
        return value == null ? 0 : value;
    }

    private static int orZero(@Nullable Integer value) {
        return value == null ? 0 : value;
    }

    private static String orEmpty(@Nullable String value) {
        return value == null ? "" : value;
    }
}
