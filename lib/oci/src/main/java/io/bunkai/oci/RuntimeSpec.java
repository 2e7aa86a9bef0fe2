// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The {@code config.json} of a bundle: what a low-level runtime needs to know to make a container.
 * Linux only.
 *
 * <p>Boxed numbers and booleans are nullable where the specification tells "not set" from zero.
 * Unsigned 64-bit numbers that reach beyond 63 bits in practice are {@link BigInteger}s.
 *
 * @param annotations whatever else is known of the container, by key
 * @spec https://github.com/opencontainers/runtime-spec/blob/v1.2.1/config.md OCI runtime
 *     specification 1.2, configuration
 */
public record RuntimeSpec(
        String ociVersion,
        @Nullable ContainerProcess process,
        @Nullable Root root,
        @Nullable String hostname,
        @Nullable String domainname,
        List<Mount> mounts,
        @Nullable Hooks hooks,
        Map<String, String> annotations,
        @Nullable Linux linux) {

    /** The version that is written. */
    public static final String VERSION = "1.2.0";

    public RuntimeSpec {
        ociVersion = Copies.text(ociVersion);
        mounts = Copies.list(mounts);
        annotations = Copies.map(annotations);
    }

    /** {@return this specification with that process} */
    public RuntimeSpec withProcess(ContainerProcess newProcess) {
        return new RuntimeSpec(
                ociVersion,
                newProcess,
                root,
                hostname,
                domainname,
                mounts,
                hooks,
                annotations,
                linux);
    }

    /** {@return this specification with that root} */
    public RuntimeSpec withRoot(Root newRoot) {
        return new RuntimeSpec(
                ociVersion,
                process,
                newRoot,
                hostname,
                domainname,
                mounts,
                hooks,
                annotations,
                linux);
    }

    /** {@return this specification with that host name} */
    public RuntimeSpec withHostname(String newHostname) {
        return new RuntimeSpec(
                ociVersion,
                process,
                root,
                newHostname,
                domainname,
                mounts,
                hooks,
                annotations,
                linux);
    }

    /** {@return this specification with exactly these mounts} */
    public RuntimeSpec withMounts(List<Mount> newMounts) {
        return new RuntimeSpec(
                ociVersion,
                process,
                root,
                hostname,
                domainname,
                newMounts,
                hooks,
                annotations,
                linux);
    }

    /** {@return this specification with exactly these annotations} */
    public RuntimeSpec withAnnotations(Map<String, String> newAnnotations) {
        return new RuntimeSpec(
                ociVersion,
                process,
                root,
                hostname,
                domainname,
                mounts,
                hooks,
                newAnnotations,
                linux);
    }

    /** {@return this specification with that Linux section} */
    public RuntimeSpec withLinux(Linux newLinux) {
        return new RuntimeSpec(
                ociVersion,
                process,
                root,
                hostname,
                domainname,
                mounts,
                hooks,
                annotations,
                newLinux);
    }

    /**
     * The container's root file system.
     *
     * @param path absolute, or relative to the bundle
     */
    public record Root(
            String path, @JsonInclude(JsonInclude.Include.NON_DEFAULT) boolean readonly) {
        public Root {
            path = Copies.text(path);
        }
    }

    /** A mount in the container, made in the order of the list. */
    public record Mount(
            String destination,
            String type,
            String source,
            List<String> options,
            List<IdMapping> uidMappings,
            List<IdMapping> gidMappings) {
        public Mount {
            destination = Copies.text(destination);
            type = Copies.text(type);
            source = Copies.text(source);
            options = Copies.list(options);
            uidMappings = Copies.list(uidMappings);
            gidMappings = Copies.list(gidMappings);
        }

        /** {@return a mount without id mappings} */
        public static Mount of(
                String destination, String type, String source, List<String> options) {
            return new Mount(destination, type, source, options, List.of(), List.of());
        }
    }

    /**
     * What runs.
     *
     * @param env {@code NAME=value}; the values may be secrets and are not in {@link #toString}
     */
    public record ContainerProcess(
            @JsonInclude(JsonInclude.Include.NON_DEFAULT) boolean terminal,
            @Nullable Box consoleSize,
            User user,
            List<String> args,
            List<String> env,
            String cwd,
            @Nullable Capabilities capabilities,
            List<Rlimit> rlimits,
            @JsonInclude(JsonInclude.Include.NON_DEFAULT) boolean noNewPrivileges,
            String apparmorProfile,
            @Nullable Integer oomScoreAdj,
            String selinuxLabel) {
        public ContainerProcess {
            user = user == null ? User.ROOT : user;
            args = Copies.list(args);
            env = Copies.list(env);
            cwd = Copies.text(cwd);
            rlimits = Copies.list(rlimits);
            apparmorProfile = Copies.text(apparmorProfile);
            selinuxLabel = Copies.text(selinuxLabel);
        }

        /** {@return this process with these arguments} */
        public ContainerProcess withArgs(List<String> newArgs) {
            return new ContainerProcess(
                    terminal,
                    consoleSize,
                    user,
                    newArgs,
                    env,
                    cwd,
                    capabilities,
                    rlimits,
                    noNewPrivileges,
                    apparmorProfile,
                    oomScoreAdj,
                    selinuxLabel);
        }

        /** {@return this process with this environment} */
        public ContainerProcess withEnv(List<String> newEnv) {
            return new ContainerProcess(
                    terminal,
                    consoleSize,
                    user,
                    args,
                    newEnv,
                    cwd,
                    capabilities,
                    rlimits,
                    noNewPrivileges,
                    apparmorProfile,
                    oomScoreAdj,
                    selinuxLabel);
        }

        /** {@return this process in this working directory} */
        public ContainerProcess withCwd(String newCwd) {
            return new ContainerProcess(
                    terminal,
                    consoleSize,
                    user,
                    args,
                    env,
                    newCwd,
                    capabilities,
                    rlimits,
                    noNewPrivileges,
                    apparmorProfile,
                    oomScoreAdj,
                    selinuxLabel);
        }

        /** {@return this process as this user} */
        public ContainerProcess withUser(User newUser) {
            return new ContainerProcess(
                    terminal,
                    consoleSize,
                    newUser,
                    args,
                    env,
                    cwd,
                    capabilities,
                    rlimits,
                    noNewPrivileges,
                    apparmorProfile,
                    oomScoreAdj,
                    selinuxLabel);
        }

        /** {@return this process on a terminal of that size; null leaves the size open} */
        public ContainerProcess onTerminal(@Nullable Box size) {
            return new ContainerProcess(
                    true,
                    size,
                    user,
                    args,
                    env,
                    cwd,
                    capabilities,
                    rlimits,
                    noNewPrivileges,
                    apparmorProfile,
                    oomScoreAdj,
                    selinuxLabel);
        }

        @Override
        public String toString() {
            return "Process[terminal=%s, user=%s, args=%s, env=%s names, cwd=%s]"
                    .formatted(terminal, user, args, env.size(), cwd);
        }
    }

    /** The size of a terminal in characters. */
    public record Box(int height, int width) {}

    /** Who a process runs as. */
    public record User(long uid, long gid, @Nullable Integer umask, List<Long> additionalGids) {
        /** User 0 and group 0. */
        public static final User ROOT = new User(0, 0, null, List.of());

        public User {
            additionalGids = Copies.list(additionalGids);
        }
    }

    /** The capability sets of a process, by names such as {@code CAP_CHOWN}. */
    public record Capabilities(
            List<String> bounding,
            List<String> effective,
            List<String> inheritable,
            List<String> permitted,
            List<String> ambient) {
        public Capabilities {
            bounding = Copies.list(bounding);
            effective = Copies.list(effective);
            inheritable = Copies.list(inheritable);
            permitted = Copies.list(permitted);
            ambient = Copies.list(ambient);
        }
    }

    /** A resource limit, by a name such as {@code RLIMIT_NOFILE}. */
    public record Rlimit(String type, BigInteger hard, BigInteger soft) {
        /** No limit: all 64 bits set. */
        public static final BigInteger UNLIMITED = new BigInteger("18446744073709551615");

        /** {@return a limit that is hard and soft at once} */
        public static Rlimit of(String type, long limit) {
            return new Rlimit(type, BigInteger.valueOf(limit), BigInteger.valueOf(limit));
        }
    }

    /** Programs to be run at steps of a container's life. */
    public record Hooks(
            List<Hook> prestart,
            List<Hook> createRuntime,
            List<Hook> createContainer,
            List<Hook> startContainer,
            List<Hook> poststart,
            List<Hook> poststop) {
        public Hooks {
            prestart = Copies.list(prestart);
            createRuntime = Copies.list(createRuntime);
            createContainer = Copies.list(createContainer);
            startContainer = Copies.list(startContainer);
            poststart = Copies.list(poststart);
            poststop = Copies.list(poststop);
        }
    }

    /**
     * A program to be run.
     *
     * @param timeout seconds, null for no limit
     */
    public record Hook(
            String path, List<String> args, List<String> env, @Nullable Integer timeout) {
        public Hook {
            path = Copies.text(path);
            args = Copies.list(args);
            env = Copies.list(env);
        }
    }

    /**
     * What only Linux has.
     *
     * @param cgroupsPath where the container's cgroup is, beneath the cgroup root
     */
    public record Linux(
            List<IdMapping> uidMappings,
            List<IdMapping> gidMappings,
            Map<String, String> sysctl,
            @Nullable Resources resources,
            String cgroupsPath,
            List<Namespace> namespaces,
            List<Device> devices,
            @Nullable Seccomp seccomp,
            String rootfsPropagation,
            List<String> maskedPaths,
            List<String> readonlyPaths,
            String mountLabel) {
        public Linux {
            uidMappings = Copies.list(uidMappings);
            gidMappings = Copies.list(gidMappings);
            sysctl = Copies.map(sysctl);
            cgroupsPath = Copies.text(cgroupsPath);
            namespaces = Copies.list(namespaces);
            devices = Copies.list(devices);
            rootfsPropagation = Copies.text(rootfsPropagation);
            maskedPaths = Copies.list(maskedPaths);
            readonlyPaths = Copies.list(readonlyPaths);
            mountLabel = Copies.text(mountLabel);
        }

        /** {@return this section with these limits} */
        public Linux withResources(Resources newResources) {
            return new Linux(
                    uidMappings,
                    gidMappings,
                    sysctl,
                    newResources,
                    cgroupsPath,
                    namespaces,
                    devices,
                    seccomp,
                    rootfsPropagation,
                    maskedPaths,
                    readonlyPaths,
                    mountLabel);
        }

        /** {@return this section with these devices} */
        public Linux withDevices(List<Device> newDevices) {
            return new Linux(
                    uidMappings,
                    gidMappings,
                    sysctl,
                    resources,
                    cgroupsPath,
                    namespaces,
                    newDevices,
                    seccomp,
                    rootfsPropagation,
                    maskedPaths,
                    readonlyPaths,
                    mountLabel);
        }

        /** {@return this section with this cgroup} */
        public Linux withCgroupsPath(String path) {
            return new Linux(
                    uidMappings,
                    gidMappings,
                    sysctl,
                    resources,
                    path,
                    namespaces,
                    devices,
                    seccomp,
                    rootfsPropagation,
                    maskedPaths,
                    readonlyPaths,
                    mountLabel);
        }
    }

    /** A range of ids in a container and what they are outside of it. */
    public record IdMapping(long containerID, long hostID, long size) {}

    /**
     * A namespace.
     *
     * @param type {@code pid}, {@code network}, {@code mount}, {@code ipc}, {@code uts}, {@code
     *     user}, {@code cgroup} or {@code time}
     * @param path an existing one to be joined; empty for a new one
     */
    public record Namespace(String type, String path) {
        public Namespace {
            type = Copies.text(type);
            path = Copies.text(path);
        }

        /** {@return a new namespace of this type} */
        public static Namespace fresh(String type) {
            return new Namespace(type, "");
        }
    }

    /**
     * A device node in the container.
     *
     * @param type {@code c}, {@code b}, {@code u} or {@code p}
     */
    public record Device(
            String path,
            String type,
            long major,
            long minor,
            @Nullable Integer fileMode,
            @Nullable Long uid,
            @Nullable Long gid) {}

    /** The limits of a container's cgroup. */
    public record Resources(
            List<DeviceRule> devices,
            @Nullable Memory memory,
            @Nullable Cpu cpu,
            @Nullable Pids pids,
            @Nullable BlockIo blockIO,
            List<HugepageLimit> hugepageLimits,
            @Nullable Network network,
            Map<String, Rdma> rdma,
            Map<String, String> unified) {
        public Resources {
            devices = Copies.list(devices);
            hugepageLimits = Copies.list(hugepageLimits);
            rdma = Copies.map(rdma);
            unified = Copies.map(unified);
        }

        /** {@return these limits with other device rules} */
        public Resources withDevices(List<DeviceRule> rules) {
            return new Resources(
                    rules, memory, cpu, pids, blockIO, hugepageLimits, network, rdma, unified);
        }

        /** {@return device rules and the three limits that people set} */
        public static Resources of(
                List<DeviceRule> devices,
                @Nullable Memory memory,
                @Nullable Cpu cpu,
                @Nullable Pids pids) {
            return new Resources(
                    devices, memory, cpu, pids, null, List.of(), null, Map.of(), Map.of());
        }
    }

    /**
     * Allows or denies a device.
     *
     * @param type {@code a}, {@code c} or {@code b}; null for all
     * @param major null for all
     * @param minor null for all
     * @param access any of {@code r}, {@code w}, {@code m}
     */
    public record DeviceRule(
            boolean allow,
            @Nullable String type,
            @Nullable Long major,
            @Nullable Long minor,
            @Nullable String access) {}

    /** Memory in bytes; -1 is no limit. */
    public record Memory(
            @Nullable Long limit,
            @Nullable Long reservation,
            @Nullable Long swap,
            @Nullable Long kernel,
            @Nullable Long kernelTCP,
            @Nullable Long swappiness,
            @Nullable Boolean disableOOMKiller,
            @Nullable Boolean useHierarchy,
            @Nullable Boolean checkBeforeUpdate) {

        /** {@return so many bytes of memory, and no swap beyond them} */
        public static Memory limit(long bytes) {
            return new Memory(bytes, null, bytes, null, null, null, null, null, null);
        }
    }

    /**
     * Processor time.
     *
     * @param quota microseconds per period; -1 is no limit
     * @param period microseconds
     */
    public record Cpu(
            @Nullable Long shares,
            @Nullable Long quota,
            @Nullable Long burst,
            @Nullable Long period,
            @Nullable Long realtimeRuntime,
            @Nullable Long realtimePeriod,
            @Nullable String cpus,
            @Nullable String mems,
            @Nullable Long idle) {

        /** {@return so many microseconds of processor time in each period} */
        public static Cpu quota(long quotaMicros, long periodMicros) {
            return new Cpu(null, quotaMicros, null, periodMicros, null, null, null, null, null);
        }
    }

    /** How many processes; -1 or 0 is no limit. */
    public record Pids(long limit) {}

    /** Weights and throttles of block devices. */
    public record BlockIo(
            @Nullable Integer weight,
            @Nullable Integer leafWeight,
            List<WeightDevice> weightDevice,
            List<ThrottleDevice> throttleReadBpsDevice,
            List<ThrottleDevice> throttleWriteBpsDevice,
            @JsonProperty("throttleReadIOPSDevice") List<ThrottleDevice> throttleReadIopsDevice,
            @JsonProperty("throttleWriteIOPSDevice") List<ThrottleDevice> throttleWriteIopsDevice) {
        public BlockIo {
            weightDevice = Copies.list(weightDevice);
            throttleReadBpsDevice = Copies.list(throttleReadBpsDevice);
            throttleWriteBpsDevice = Copies.list(throttleWriteBpsDevice);
            throttleReadIopsDevice = Copies.list(throttleReadIopsDevice);
            throttleWriteIopsDevice = Copies.list(throttleWriteIopsDevice);
        }
    }

    /** The weight of one block device. */
    public record WeightDevice(
            long major, long minor, @Nullable Integer weight, @Nullable Integer leafWeight) {}

    /** The limit of one block device, per second. */
    public record ThrottleDevice(long major, long minor, BigInteger rate) {}

    /** A limit for huge pages of one size, such as {@code 2MB}. */
    public record HugepageLimit(String pageSize, BigInteger limit) {}

    /** Class and priorities of network packets. */
    public record Network(@Nullable Long classID, List<InterfacePriority> priorities) {
        public Network {
            priorities = Copies.list(priorities);
        }
    }

    /** The priority of packets on one interface. */
    public record InterfacePriority(String name, long priority) {}

    /** Limits of a device for remote direct memory access. */
    public record Rdma(@Nullable Long hcaHandles, @Nullable Long hcaObjects) {}

    /**
     * A filter of system calls.
     *
     * @param defaultAction such as {@code SCMP_ACT_ERRNO}
     */
    public record Seccomp(
            String defaultAction,
            @Nullable Integer defaultErrnoRet,
            List<String> architectures,
            List<String> flags,
            String listenerPath,
            String listenerMetadata,
            List<Syscall> syscalls) {
        public Seccomp {
            defaultAction = Copies.text(defaultAction);
            architectures = Copies.list(architectures);
            flags = Copies.list(flags);
            listenerPath = Copies.text(listenerPath);
            listenerMetadata = Copies.text(listenerMetadata);
            syscalls = Copies.list(syscalls);
        }
    }

    /** What to do with some system calls. */
    public record Syscall(
            List<String> names,
            String action,
            @Nullable Integer errnoRet,
            List<SyscallArgument> args) {
        public Syscall {
            names = Copies.list(names);
            action = Copies.text(action);
            args = Copies.list(args);
        }
    }

    /** A condition on an argument of a system call. */
    public record SyscallArgument(
            int index, BigInteger value, @Nullable BigInteger valueTwo, String op) {}
}
