// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import static io.bunkai.testkit.Hex.hex;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.bunkai.api.agent.AgentDetails;
import io.bunkai.api.agent.BlkioStats;
import io.bunkai.api.agent.BlkioStatsEntry;
import io.bunkai.api.agent.Box;
import io.bunkai.api.agent.CgroupStats;
import io.bunkai.api.agent.CheckRequest;
import io.bunkai.api.agent.CloseStdinRequest;
import io.bunkai.api.agent.CpuStats;
import io.bunkai.api.agent.CpuUsage;
import io.bunkai.api.agent.CreateContainerRequest;
import io.bunkai.api.agent.CreateSandboxRequest;
import io.bunkai.api.agent.DestroySandboxRequest;
import io.bunkai.api.agent.Device;
import io.bunkai.api.agent.ExecProcessRequest;
import io.bunkai.api.agent.FSGroup;
import io.bunkai.api.agent.FSGroupChangePolicy;
import io.bunkai.api.agent.GetOOMEventRequest;
import io.bunkai.api.agent.GuestDetailsRequest;
import io.bunkai.api.agent.GuestDetailsResponse;
import io.bunkai.api.agent.HealthCheckResponse;
import io.bunkai.api.agent.Hook;
import io.bunkai.api.agent.Hooks;
import io.bunkai.api.agent.HugetlbStats;
import io.bunkai.api.agent.KernelModule;
import io.bunkai.api.agent.Linux;
import io.bunkai.api.agent.LinuxBlockIO;
import io.bunkai.api.agent.LinuxCPU;
import io.bunkai.api.agent.LinuxCapabilities;
import io.bunkai.api.agent.LinuxDevice;
import io.bunkai.api.agent.LinuxDeviceCgroup;
import io.bunkai.api.agent.LinuxHugepageLimit;
import io.bunkai.api.agent.LinuxIDMapping;
import io.bunkai.api.agent.LinuxIntelRdt;
import io.bunkai.api.agent.LinuxInterfacePriority;
import io.bunkai.api.agent.LinuxMemory;
import io.bunkai.api.agent.LinuxNamespace;
import io.bunkai.api.agent.LinuxNetwork;
import io.bunkai.api.agent.LinuxPids;
import io.bunkai.api.agent.LinuxResources;
import io.bunkai.api.agent.LinuxSeccomp;
import io.bunkai.api.agent.LinuxSeccompArg;
import io.bunkai.api.agent.LinuxSyscall;
import io.bunkai.api.agent.LinuxThrottleDevice;
import io.bunkai.api.agent.LinuxWeightDevice;
import io.bunkai.api.agent.MemoryData;
import io.bunkai.api.agent.MemoryStats;
import io.bunkai.api.agent.Mount;
import io.bunkai.api.agent.NetworkStats;
import io.bunkai.api.agent.OOMEvent;
import io.bunkai.api.agent.POSIXRlimit;
import io.bunkai.api.agent.PidsStats;
import io.bunkai.api.agent.Process;
import io.bunkai.api.agent.ReadStreamRequest;
import io.bunkai.api.agent.ReadStreamResponse;
import io.bunkai.api.agent.RemoveContainerRequest;
import io.bunkai.api.agent.ReseedRandomDevRequest;
import io.bunkai.api.agent.Root;
import io.bunkai.api.agent.SetGuestDateTimeRequest;
import io.bunkai.api.agent.SharedMount;
import io.bunkai.api.agent.SignalProcessRequest;
import io.bunkai.api.agent.Solaris;
import io.bunkai.api.agent.Spec;
import io.bunkai.api.agent.StartContainerRequest;
import io.bunkai.api.agent.StatsContainerRequest;
import io.bunkai.api.agent.StatsContainerResponse;
import io.bunkai.api.agent.Storage;
import io.bunkai.api.agent.StringUser;
import io.bunkai.api.agent.ThrottlingData;
import io.bunkai.api.agent.TtyWinResizeRequest;
import io.bunkai.api.agent.UpdateContainerRequest;
import io.bunkai.api.agent.User;
import io.bunkai.api.agent.VersionCheckResponse;
import io.bunkai.api.agent.WaitProcessRequest;
import io.bunkai.api.agent.WaitProcessResponse;
import io.bunkai.api.agent.Windows;
import io.bunkai.api.agent.WriteStreamRequest;
import io.bunkai.api.agent.WriteStreamResponse;
import java.util.List;

/**
 * One of each message that the runtime and the agent exchange, in three ways: built by the
 * generated code, as text for an independent encoder, and as the bytes that follow from the
 * protocol's field tables.
 *
 * <p>Every line of bytes is a tag (the field's number times 8 plus its wire type), for wire type 2
 * a length, and the value; what is indented is inside the message above it.
 *
 * @param name of the exchange
 * @param message as built
 * @param text as protocol buffers' text format has it
 * @param annotated the bytes, with the name of each field
 */
record AgentGolden(String name, MessageLite message, String text, String annotated) {
    static final List<AgentGolden> ALL =
            List.of(
                    check(),
                    checkAnswer(),
                    version(),
                    versionAnswer(),
                    guestDetails(),
                    guestDetailsAnswer(),
                    setGuestDateTime(),
                    reseedRandomDev(),
                    createSandbox(),
                    createContainer(),
                    startContainer(),
                    execProcess(),
                    signalProcess(),
                    waitProcess(),
                    waitProcessAnswer(),
                    waitProcessNegativeAnswer(),
                    updateContainer(),
                    writeStdin(),
                    writeStdinAnswer(),
                    readStdout(),
                    readStdoutAnswer(),
                    readStdoutEnd(),
                    closeStdin(),
                    ttyWinResize(),
                    removeContainer(),
                    statsContainer(),
                    statsContainerAnswer(),
                    getOomEvent(),
                    getOomEventAnswer(),
                    destroySandbox());

    /** {@return the message's name in the protocol's package} */
    String type() {
        return message.getClass().getSimpleName();
    }

    /** {@return the message as it travels} */
    byte[] bytes() {
        return hex(annotated);
    }

    @Override
    public String toString() {
        return name;
    }

    private static AgentGolden check() {
        return new AgentGolden(
                "check",
                CheckRequest.newBuilder().setService("grpc.AgentService").build(),
                """
                service: "grpc.AgentService"
                """,
                """
                0a11 677270632e4167656e7453657276696365  // 1 service: "grpc.AgentService"
                """);
    }

    private static AgentGolden checkAnswer() {
        return new AgentGolden(
                "checkAnswer",
                HealthCheckResponse.newBuilder()
                        .setStatus(HealthCheckResponse.ServingStatus.SERVING)
                        .build(),
                """
                status: SERVING
                """,
                """
                08 01  // 1 status: 1, SERVING
                """);
    }

    private static AgentGolden version() {
        return new AgentGolden("version", CheckRequest.getDefaultInstance(), "", "");
    }

    private static AgentGolden versionAnswer() {
        return new AgentGolden(
                "versionAnswer",
                VersionCheckResponse.newBuilder()
                        .setGrpcVersion("0.0.1")
                        .setAgentVersion("0.1.0")
                        .build(),
                """
                grpc_version: "0.0.1"
                agent_version: "0.1.0"
                """,
                """
                0a05 302e302e31  // 1 grpc_version: "0.0.1"
                1205 302e312e30  // 2 agent_version: "0.1.0"
                """);
    }

    private static AgentGolden guestDetails() {
        return new AgentGolden(
                "guestDetails",
                GuestDetailsRequest.newBuilder()
                        .setMemBlockSize(true)
                        .setMemHotplugProbe(true)
                        .build(),
                """
                mem_block_size: true
                mem_hotplug_probe: true
                """,
                """
                08 01  // 1 mem_block_size: true
                10 01  // 2 mem_hotplug_probe: true
                """);
    }

    private static AgentGolden guestDetailsAnswer() {
        return new AgentGolden(
                "guestDetailsAnswer",
                GuestDetailsResponse.newBuilder()
                        .setMemBlockSizeBytes(134217728)
                        .setAgentDetails(
                                AgentDetails.newBuilder()
                                        .setVersion("0.1.0")
                                        .setInitDaemon(true)
                                        .addDeviceHandlers("blk")
                                        .addStorageHandlers("blk")
                                        .addStorageHandlers("overlayfs")
                                        .setSupportsSeccomp(true)
                                        .addExtraFeatures("sessions"))
                        .setSupportMemHotplugProbe(true)
                        .build(),
                """
                mem_block_size_bytes: 134217728
                agent_details {
                  version: "0.1.0"
                  init_daemon: true
                  device_handlers: "blk"
                  storage_handlers: "blk"
                  storage_handlers: "overlayfs"
                  supports_seccomp: true
                  extra_features: "sessions"
                }
                support_mem_hotplug_probe: true
                """,
                """
                08 80808040  // 1 mem_block_size_bytes: 134217728
                122a  // 2 agent_details
                   0a05 302e312e30  // 1 version: "0.1.0"
                   10 01  // 2 init_daemon: true
                   1a03 626c6b  // 3 device_handlers: "blk"
                   2203 626c6b  // 4 storage_handlers: "blk"
                   2209 6f7665726c61796673  // 4 storage_handlers: "overlayfs"
                   28 01  // 5 supports_seccomp: true
                   3208 73657373696f6e73  // 6 extra_features: "sessions"
                18 01  // 3 support_mem_hotplug_probe: true
                """);
    }

    private static AgentGolden setGuestDateTime() {
        return new AgentGolden(
                "setGuestDateTime",
                SetGuestDateTimeRequest.newBuilder().setSec(1767225600).setUsec(250000).build(),
                """
                Sec: 1767225600
                Usec: 250000
                """,
                """
                08 80f2d6ca06  // 1 Sec: 1767225600
                10 90a10f  // 2 Usec: 250000
                """);
    }

    private static AgentGolden reseedRandomDev() {
        return new AgentGolden(
                "reseedRandomDev",
                ReseedRandomDevRequest.newBuilder()
                        .setData(ByteString.copyFrom(hex("00017f80feff55aa")))
                        .build(),
                """
                data: "\\x00\\x01\\x7f\\x80\\xfe\\xff\\x55\\xaa"
                """,
                """
                1208 00017f80feff55aa  // 2 data: 8 bytes
                """);
    }

    private static AgentGolden createSandbox() {
        return new AgentGolden(
                "createSandbox",
                CreateSandboxRequest.newBuilder()
                        .setHostname("pod")
                        .addDns("nameserver 10.0.0.10")
                        .addDns("search example.org")
                        .addStorages(
                                Storage.newBuilder()
                                        .setDriver("ephemeral")
                                        .addDriverOptions("a=b")
                                        .setSource("shm")
                                        .setFstype("tmpfs")
                                        .addOptions("mode=1777")
                                        .addOptions("size=64m")
                                        .setMountPoint("/run/kata-containers/sandbox/shm")
                                        .setFsGroup(
                                                FSGroup.newBuilder()
                                                        .setGroupId(2000)
                                                        .setGroupChangePolicy(
                                                                FSGroupChangePolicy.OnRootMismatch))
                                        .setShared(true))
                        .setSandboxPidns(true)
                        .setSandboxId("a1b2")
                        .setGuestHookPath("/usr/share/hooks")
                        .addKernelModules(
                                KernelModule.newBuilder()
                                        .setName("dummy")
                                        .addParameters("numdummies=2"))
                        .build(),
                """
                hostname: "pod"
                dns: "nameserver 10.0.0.10"
                dns: "search example.org"
                storages {
                  driver: "ephemeral"
                  driver_options: "a=b"
                  source: "shm"
                  fstype: "tmpfs"
                  options: "mode=1777"
                  options: "size=64m"
                  mount_point: "/run/kata-containers/sandbox/shm"
                  fs_group {
                    group_id: 2000
                    group_change_policy: OnRootMismatch
                  }
                  shared: true
                }
                sandbox_pidns: true
                sandbox_id: "a1b2"
                guest_hook_path: "/usr/share/hooks"
                kernel_modules {
                  name: "dummy"
                  parameters: "numdummies=2"
                }
                """,
                """
                0a03 706f64  // 1 hostname: "pod"
                1214 6e616d657365727665722031302e302e302e3130  // 2 dns: "nameserver 10.0.0.10"
                1212 736561726368206578616d706c652e6f7267  // 2 dns: "search example.org"
                1a5c  // 3 storages
                   0a09 657068656d6572616c  // 1 driver: "ephemeral"
                   1203 613d62  // 2 driver_options: "a=b"
                   1a03 73686d  // 3 source: "shm"
                   2205 746d706673  // 4 fstype: "tmpfs"
                   2a09 6d6f64653d31373737  // 5 options: "mode=1777"
                   2a08 73697a653d36346d  // 5 options: "size=64m"
                   3220  // 6 mount_point: "/run/kata-containers/sandbox/shm"
                      2f72756e2f6b6174612d636f6e7461696e6572732f73616e64626f78
                      2f73686d
                   3a05  // 7 fs_group
                      10 d00f  // 2 group_id: 2000
                      18 01  // 3 group_change_policy: 1, OnRootMismatch
                   40 01  // 8 shared: true
                20 01  // 4 sandbox_pidns: true
                2a04 61316232  // 5 sandbox_id: "a1b2"
                3210 2f7573722f73686172652f686f6f6b73  // 6 guest_hook_path: "/usr/share/hooks"
                3a15  // 7 kernel_modules
                   0a05 64756d6d79  // 1 name: "dummy"
                   120c 6e756d64756d6d6965733d32  // 2 parameters: "numdummies=2"
                """);
    }

    private static AgentGolden createContainer() {
        return new AgentGolden(
                "createContainer",
                CreateContainerRequest.newBuilder()
                        .setContainerId("a1b2")
                        .setExecId("a1b2")
                        .setStringUser(
                                StringUser.newBuilder()
                                        .setUid("app")
                                        .setGid("users")
                                        .addAdditionalGids("audio"))
                        .addDevices(
                                Device.newBuilder()
                                        .setId("disk")
                                        .setType("blk")
                                        .setVmPath("/dev/vdc")
                                        .setContainerPath("/dev/data")
                                        .addOptions("rw"))
                        .addStorages(
                                Storage.newBuilder()
                                        .setDriver("blk")
                                        .setSource("05")
                                        .setFstype("erofs")
                                        .addOptions("ro")
                                        .setMountPoint("/run/kata-containers/a1b2/lower"))
                        .addStorages(
                                Storage.newBuilder()
                                        .setDriver("ephemeral")
                                        .setSource("tmpfs")
                                        .setFstype("tmpfs")
                                        .setMountPoint("/run/kata-containers/a1b2/rw"))
                        .addStorages(
                                Storage.newBuilder()
                                        .setDriver("overlayfs")
                                        .setSource("overlay")
                                        .setFstype("overlay")
                                        .addOptions("lowerdir=/run/kata-containers/a1b2/lower")
                                        .setMountPoint("/run/kata-containers/a1b2/rootfs"))
                        .setOCI(
                                Spec.newBuilder()
                                        .setVersion("1.1.0")
                                        .setProcess(
                                                Process.newBuilder()
                                                        .setTerminal(true)
                                                        .setConsoleSize(
                                                                Box.newBuilder()
                                                                        .setHeight(24)
                                                                        .setWidth(80))
                                                        .setUser(
                                                                User.newBuilder()
                                                                        .setUID(1000)
                                                                        .setGID(1001)
                                                                        .addAdditionalGids(10)
                                                                        .addAdditionalGids(300)
                                                                        .setUsername("app"))
                                                        .addArgs("sh")
                                                        .addArgs("-c")
                                                        .addArgs("exit 7")
                                                        .addEnv("PATH=/bin")
                                                        .addEnv("TERM=xterm")
                                                        .setCwd("/")
                                                        .setCapabilities(
                                                                LinuxCapabilities.newBuilder()
                                                                        .addBounding("CAP_KILL")
                                                                        .addEffective("CAP_KILL")
                                                                        .addInheritable("CAP_CHOWN")
                                                                        .addPermitted("CAP_KILL")
                                                                        .addAmbient("CAP_CHOWN"))
                                                        .addRlimits(
                                                                POSIXRlimit.newBuilder()
                                                                        .setType("RLIMIT_NOFILE")
                                                                        .setHard(-1L)
                                                                        .setSoft(1024))
                                                        .setNoNewPrivileges(true)
                                                        .setApparmorProfile("none")
                                                        .setOOMScoreAdj(-999)
                                                        .setSelinuxLabel("s0"))
                                        .setRoot(
                                                Root.newBuilder()
                                                        .setPath("/run/kata-containers/a1b2/rootfs")
                                                        .setReadonly(true))
                                        .setHostname("box")
                                        .addMounts(
                                                Mount.newBuilder()
                                                        .setDestination("/proc")
                                                        .setSource("proc")
                                                        .setType("proc")
                                                        .addOptions("nosuid")
                                                        .addOptions("noexec"))
                                        .setHooks(
                                                Hooks.newBuilder()
                                                        .addPrestart(
                                                                Hook.newBuilder()
                                                                        .setPath("/h1")
                                                                        .addArgs("hook")
                                                                        .addEnv("A=1")
                                                                        .setTimeout(5))
                                                        .addPoststart(
                                                                Hook.newBuilder()
                                                                        .setPath("/h2")
                                                                        .addArgs("hook")
                                                                        .addEnv("A=1")
                                                                        .setTimeout(5))
                                                        .addPoststop(
                                                                Hook.newBuilder()
                                                                        .setPath("/h3")
                                                                        .addArgs("hook")
                                                                        .addEnv("A=1")
                                                                        .setTimeout(5))
                                                        .addCreateRuntime(
                                                                Hook.newBuilder()
                                                                        .setPath("/h4")
                                                                        .addArgs("hook")
                                                                        .addEnv("A=1")
                                                                        .setTimeout(5))
                                                        .addCreateContainer(
                                                                Hook.newBuilder()
                                                                        .setPath("/h5")
                                                                        .addArgs("hook")
                                                                        .addEnv("A=1")
                                                                        .setTimeout(5))
                                                        .addStartContainer(
                                                                Hook.newBuilder()
                                                                        .setPath("/h6")
                                                                        .addArgs("hook")
                                                                        .addEnv("A=1")
                                                                        .setTimeout(5)))
                                        .putAnnotations("io.bunkai.a", "1")
                                        .setLinux(
                                                Linux.newBuilder()
                                                        .addUIDMappings(
                                                                LinuxIDMapping.newBuilder()
                                                                        .setHostID(100000)
                                                                        .setContainerID(1)
                                                                        .setSize(65536))
                                                        .addGIDMappings(
                                                                LinuxIDMapping.newBuilder()
                                                                        .setHostID(200000)
                                                                        .setContainerID(2)
                                                                        .setSize(65536))
                                                        .putSysctl("net.ipv4.ip_forward", "1")
                                                        .setResources(
                                                                LinuxResources.newBuilder()
                                                                        .addDevices(
                                                                                LinuxDeviceCgroup
                                                                                        .newBuilder()
                                                                                        .setAllow(
                                                                                                true)
                                                                                        .setType(
                                                                                                "c")
                                                                                        .setMajor(1)
                                                                                        .setMinor(
                                                                                                -1)
                                                                                        .setAccess(
                                                                                                "rwm"))
                                                                        .setMemory(
                                                                                LinuxMemory
                                                                                        .newBuilder()
                                                                                        .setLimit(
                                                                                                536870912)
                                                                                        .setReservation(
                                                                                                268435456)
                                                                                        .setSwap(-1)
                                                                                        .setKernel(
                                                                                                4096)
                                                                                        .setKernelTCP(
                                                                                                8192)
                                                                                        .setSwappiness(
                                                                                                60)
                                                                                        .setDisableOOMKiller(
                                                                                                true))
                                                                        .setCPU(
                                                                                LinuxCPU
                                                                                        .newBuilder()
                                                                                        .setShares(
                                                                                                1024)
                                                                                        .setQuota(
                                                                                                200000)
                                                                                        .setPeriod(
                                                                                                100000)
                                                                                        .setRealtimeRuntime(
                                                                                                950000)
                                                                                        .setRealtimePeriod(
                                                                                                1000000)
                                                                                        .setCpus(
                                                                                                "0-1")
                                                                                        .setMems(
                                                                                                "0"))
                                                                        .setPids(
                                                                                LinuxPids
                                                                                        .newBuilder()
                                                                                        .setLimit(
                                                                                                100))
                                                                        .setBlockIO(
                                                                                LinuxBlockIO
                                                                                        .newBuilder()
                                                                                        .setWeight(
                                                                                                500)
                                                                                        .setLeafWeight(
                                                                                                300)
                                                                                        .addWeightDevice(
                                                                                                LinuxWeightDevice
                                                                                                        .newBuilder()
                                                                                                        .setMajor(
                                                                                                                8)
                                                                                                        .setMinor(
                                                                                                                1)
                                                                                                        .setWeight(
                                                                                                                400)
                                                                                                        .setLeafWeight(
                                                                                                                200))
                                                                                        .addThrottleReadBpsDevice(
                                                                                                LinuxThrottleDevice
                                                                                                        .newBuilder()
                                                                                                        .setMajor(
                                                                                                                8)
                                                                                                        .setMinor(
                                                                                                                4)
                                                                                                        .setRate(
                                                                                                                4000))
                                                                                        .addThrottleWriteBpsDevice(
                                                                                                LinuxThrottleDevice
                                                                                                        .newBuilder()
                                                                                                        .setMajor(
                                                                                                                8)
                                                                                                        .setMinor(
                                                                                                                5)
                                                                                                        .setRate(
                                                                                                                5000))
                                                                                        .addThrottleReadIOPSDevice(
                                                                                                LinuxThrottleDevice
                                                                                                        .newBuilder()
                                                                                                        .setMajor(
                                                                                                                8)
                                                                                                        .setMinor(
                                                                                                                6)
                                                                                                        .setRate(
                                                                                                                6000))
                                                                                        .addThrottleWriteIOPSDevice(
                                                                                                LinuxThrottleDevice
                                                                                                        .newBuilder()
                                                                                                        .setMajor(
                                                                                                                8)
                                                                                                        .setMinor(
                                                                                                                7)
                                                                                                        .setRate(
                                                                                                                7000)))
                                                                        .addHugepageLimits(
                                                                                LinuxHugepageLimit
                                                                                        .newBuilder()
                                                                                        .setPagesize(
                                                                                                "2MB")
                                                                                        .setLimit(
                                                                                                4194304))
                                                                        .setNetwork(
                                                                                LinuxNetwork
                                                                                        .newBuilder()
                                                                                        .setClassID(
                                                                                                1048577)
                                                                                        .addPriorities(
                                                                                                LinuxInterfacePriority
                                                                                                        .newBuilder()
                                                                                                        .setName(
                                                                                                                "eth0")
                                                                                                        .setPriority(
                                                                                                                3))))
                                                        .setCgroupsPath("/bunkai/a1b2")
                                                        .addNamespaces(
                                                                LinuxNamespace.newBuilder()
                                                                        .setType("pid"))
                                                        .addNamespaces(
                                                                LinuxNamespace.newBuilder()
                                                                        .setType("mount")
                                                                        .setPath("/proc/1/ns/mnt"))
                                                        .addDevices(
                                                                LinuxDevice.newBuilder()
                                                                        .setPath("/dev/fuse")
                                                                        .setType("c")
                                                                        .setMajor(10)
                                                                        .setMinor(229)
                                                                        .setFileMode(438)
                                                                        .setUID(1)
                                                                        .setGID(2))
                                                        .setSeccomp(
                                                                LinuxSeccomp.newBuilder()
                                                                        .setDefaultAction(
                                                                                "SCMP_ACT_ERRNO")
                                                                        .addArchitectures(
                                                                                "SCMP_ARCH_X86_64")
                                                                        .addFlags(
                                                                                "SECCOMP_FILTER_FLAG_LOG")
                                                                        .addSyscalls(
                                                                                LinuxSyscall
                                                                                        .newBuilder()
                                                                                        .addNames(
                                                                                                "clone")
                                                                                        .addNames(
                                                                                                "fork")
                                                                                        .setAction(
                                                                                                "SCMP_ACT_ERRNO")
                                                                                        .setErrnoret(
                                                                                                0)
                                                                                        .addArgs(
                                                                                                LinuxSeccompArg
                                                                                                        .newBuilder()
                                                                                                        .setIndex(
                                                                                                                1)
                                                                                                        .setValue(
                                                                                                                2114060288)
                                                                                                        .setValueTwo(
                                                                                                                3)
                                                                                                        .setOp(
                                                                                                                "SCMP_CMP_MASKED_EQ"))))
                                                        .setRootfsPropagation("private")
                                                        .addMaskedPaths("/proc/kcore")
                                                        .addReadonlyPaths("/proc/sys")
                                                        .setMountLabel("l")
                                                        .setIntelRdt(
                                                                LinuxIntelRdt.newBuilder()
                                                                        .setL3CacheSchema(
                                                                                "L3:0=f")))
                                        .setSolaris(Solaris.newBuilder().setDummy("s"))
                                        .setWindows(Windows.newBuilder().setDummy("w")))
                        .setSandboxPidns(true)
                        .addSharedMounts(
                                SharedMount.newBuilder()
                                        .setName("v")
                                        .setSrcCtr("c1")
                                        .setSrcPath("/a")
                                        .setDstCtr("c2")
                                        .setDstPath("/b"))
                        .setStdinPort(1028)
                        .setStdoutPort(1029)
                        .setStderrPort(1030)
                        .build(),
                """
                container_id: "a1b2"
                exec_id: "a1b2"
                string_user {
                  uid: "app"
                  gid: "users"
                  additionalGids: "audio"
                }
                devices {
                  id: "disk"
                  type: "blk"
                  vm_path: "/dev/vdc"
                  container_path: "/dev/data"
                  options: "rw"
                }
                storages {
                  driver: "blk"
                  source: "05"
                  fstype: "erofs"
                  options: "ro"
                  mount_point: "/run/kata-containers/a1b2/lower"
                }
                storages {
                  driver: "ephemeral"
                  source: "tmpfs"
                  fstype: "tmpfs"
                  mount_point: "/run/kata-containers/a1b2/rw"
                }
                storages {
                  driver: "overlayfs"
                  source: "overlay"
                  fstype: "overlay"
                  options: "lowerdir=/run/kata-containers/a1b2/lower"
                  mount_point: "/run/kata-containers/a1b2/rootfs"
                }
                OCI {
                  Version: "1.1.0"
                  Process {
                    Terminal: true
                    ConsoleSize {
                      Height: 24
                      Width: 80
                    }
                    User {
                      UID: 1000
                      GID: 1001
                      AdditionalGids: [10, 300]
                      Username: "app"
                    }
                    Args: "sh"
                    Args: "-c"
                    Args: "exit 7"
                    Env: "PATH=/bin"
                    Env: "TERM=xterm"
                    Cwd: "/"
                    Capabilities {
                      Bounding: "CAP_KILL"
                      Effective: "CAP_KILL"
                      Inheritable: "CAP_CHOWN"
                      Permitted: "CAP_KILL"
                      Ambient: "CAP_CHOWN"
                    }
                    Rlimits {
                      Type: "RLIMIT_NOFILE"
                      Hard: 18446744073709551615
                      Soft: 1024
                    }
                    NoNewPrivileges: true
                    ApparmorProfile: "none"
                    OOMScoreAdj: -999
                    SelinuxLabel: "s0"
                  }
                  Root {
                    Path: "/run/kata-containers/a1b2/rootfs"
                    Readonly: true
                  }
                  Hostname: "box"
                  Mounts {
                    destination: "/proc"
                    source: "proc"
                    type: "proc"
                    options: "nosuid"
                    options: "noexec"
                  }
                  Hooks {
                    Prestart {
                      Path: "/h1"
                      Args: "hook"
                      Env: "A=1"
                      Timeout: 5
                    }
                    Poststart {
                      Path: "/h2"
                      Args: "hook"
                      Env: "A=1"
                      Timeout: 5
                    }
                    Poststop {
                      Path: "/h3"
                      Args: "hook"
                      Env: "A=1"
                      Timeout: 5
                    }
                    CreateRuntime {
                      Path: "/h4"
                      Args: "hook"
                      Env: "A=1"
                      Timeout: 5
                    }
                    CreateContainer {
                      Path: "/h5"
                      Args: "hook"
                      Env: "A=1"
                      Timeout: 5
                    }
                    StartContainer {
                      Path: "/h6"
                      Args: "hook"
                      Env: "A=1"
                      Timeout: 5
                    }
                  }
                  Annotations {
                    key: "io.bunkai.a"
                    value: "1"
                  }
                  Linux {
                    UIDMappings {
                      HostID: 100000
                      ContainerID: 1
                      Size: 65536
                    }
                    GIDMappings {
                      HostID: 200000
                      ContainerID: 2
                      Size: 65536
                    }
                    Sysctl {
                      key: "net.ipv4.ip_forward"
                      value: "1"
                    }
                    Resources {
                      Devices {
                        Allow: true
                        Type: "c"
                        Major: 1
                        Minor: -1
                        Access: "rwm"
                      }
                      Memory {
                        Limit: 536870912
                        Reservation: 268435456
                        Swap: -1
                        Kernel: 4096
                        KernelTCP: 8192
                        Swappiness: 60
                        DisableOOMKiller: true
                      }
                      CPU {
                        Shares: 1024
                        Quota: 200000
                        Period: 100000
                        RealtimeRuntime: 950000
                        RealtimePeriod: 1000000
                        Cpus: "0-1"
                        Mems: "0"
                      }
                      Pids {
                        Limit: 100
                      }
                      BlockIO {
                        Weight: 500
                        LeafWeight: 300
                        WeightDevice {
                          Major: 8
                          Minor: 1
                          Weight: 400
                          LeafWeight: 200
                        }
                        ThrottleReadBpsDevice {
                          Major: 8
                          Minor: 4
                          Rate: 4000
                        }
                        ThrottleWriteBpsDevice {
                          Major: 8
                          Minor: 5
                          Rate: 5000
                        }
                        ThrottleReadIOPSDevice {
                          Major: 8
                          Minor: 6
                          Rate: 6000
                        }
                        ThrottleWriteIOPSDevice {
                          Major: 8
                          Minor: 7
                          Rate: 7000
                        }
                      }
                      HugepageLimits {
                        Pagesize: "2MB"
                        Limit: 4194304
                      }
                      Network {
                        ClassID: 1048577
                        Priorities {
                          Name: "eth0"
                          Priority: 3
                        }
                      }
                    }
                    CgroupsPath: "/bunkai/a1b2"
                    Namespaces {
                      Type: "pid"
                    }
                    Namespaces {
                      Type: "mount"
                      Path: "/proc/1/ns/mnt"
                    }
                    Devices {
                      Path: "/dev/fuse"
                      Type: "c"
                      Major: 10
                      Minor: 229
                      FileMode: 438
                      UID: 1
                      GID: 2
                    }
                    Seccomp {
                      DefaultAction: "SCMP_ACT_ERRNO"
                      Architectures: "SCMP_ARCH_X86_64"
                      Flags: "SECCOMP_FILTER_FLAG_LOG"
                      Syscalls {
                        Names: "clone"
                        Names: "fork"
                        Action: "SCMP_ACT_ERRNO"
                        errnoret: 0
                        Args {
                          Index: 1
                          Value: 2114060288
                          ValueTwo: 3
                          Op: "SCMP_CMP_MASKED_EQ"
                        }
                      }
                    }
                    RootfsPropagation: "private"
                    MaskedPaths: "/proc/kcore"
                    ReadonlyPaths: "/proc/sys"
                    MountLabel: "l"
                    IntelRdt {
                      L3CacheSchema: "L3:0=f"
                    }
                  }
                  Solaris {
                    dummy: "s"
                  }
                  Windows {
                    dummy: "w"
                  }
                }
                sandbox_pidns: true
                shared_mounts {
                  name: "v"
                  src_ctr: "c1"
                  src_path: "/a"
                  dst_ctr: "c2"
                  dst_path: "/b"
                }
                stdin_port: 1028
                stdout_port: 1029
                stderr_port: 1030
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1204 61316232  // 2 exec_id: "a1b2"
                1a13  // 3 string_user
                   0a03 617070  // 1 uid: "app"
                   1205 7573657273  // 2 gid: "users"
                   1a05 617564696f  // 3 additionalGids: "audio"
                2224  // 4 devices
                   0a04 6469736b  // 1 id: "disk"
                   1203 626c6b  // 2 type: "blk"
                   1a08 2f6465762f766463  // 3 vm_path: "/dev/vdc"
                   2209 2f6465762f64617461  // 4 container_path: "/dev/data"
                   2a02 7277  // 5 options: "rw"
                2a35  // 5 storages
                   0a03 626c6b  // 1 driver: "blk"
                   1a02 3035  // 3 source: "05"
                   2205 65726f6673  // 4 fstype: "erofs"
                   2a02 726f  // 5 options: "ro"
                   321f  // 6 mount_point: "/run/kata-containers/a1b2/lower"
                      2f72756e2f6b6174612d636f6e7461696e6572732f613162322f6c6f
                      776572
                2a37  // 5 storages
                   0a09 657068656d6572616c  // 1 driver: "ephemeral"
                   1a05 746d706673  // 3 source: "tmpfs"
                   2205 746d706673  // 4 fstype: "tmpfs"
                   321c  // 6 mount_point: "/run/kata-containers/a1b2/rw"
                      2f72756e2f6b6174612d636f6e7461696e6572732f613162322f7277
                2a69  // 5 storages
                   0a09 6f7665726c61796673  // 1 driver: "overlayfs"
                   1a07 6f7665726c6179  // 3 source: "overlay"
                   2207 6f7665726c6179  // 4 fstype: "overlay"
                   2a28  // 5 options: "lowerdir=/run/kata-containers/a1b2/lower"
                      6c6f7765726469723d2f72756e2f6b6174612d636f6e7461696e6572
                      732f613162322f6c6f776572
                   3220  // 6 mount_point: "/run/kata-containers/a1b2/rootfs"
                      2f72756e2f6b6174612d636f6e7461696e6572732f613162322f726f
                      6f746673
                32ff06  // 6 OCI
                   0a05 312e312e30  // 1 Version: "1.1.0"
                   12b001  // 2 Process
                      08 01  // 1 Terminal: true
                      1204  // 2 ConsoleSize
                         08 18  // 1 Height: 24
                         10 50  // 2 Width: 80
                      1a10  // 3 User
                         08 e807  // 1 UID: 1000
                         10 e907  // 2 GID: 1001
                         1a03 0aac02  // 3 AdditionalGids: 10, 300
                         2203 617070  // 4 Username: "app"
                      2202 7368  // 4 Args: "sh"
                      2202 2d63  // 4 Args: "-c"
                      2206 657869742037  // 4 Args: "exit 7"
                      2a09 504154483d2f62696e  // 5 Env: "PATH=/bin"
                      2a0a 5445524d3d787465726d  // 5 Env: "TERM=xterm"
                      3201 2f  // 6 Cwd: "/"
                      3a34  // 7 Capabilities
                         0a08 4341505f4b494c4c  // 1 Bounding: "CAP_KILL"
                         1208 4341505f4b494c4c  // 2 Effective: "CAP_KILL"
                         1a09 4341505f43484f574e  // 3 Inheritable: "CAP_CHOWN"
                         2208 4341505f4b494c4c  // 4 Permitted: "CAP_KILL"
                         2a09 4341505f43484f574e  // 5 Ambient: "CAP_CHOWN"
                      421d  // 8 Rlimits
                         0a0d 524c494d49545f4e4f46494c45  // 1 Type: "RLIMIT_NOFILE"
                         10 ffffffffffffffffff01  // 2 Hard: 18446744073709551615
                         18 8008  // 3 Soft: 1024
                      48 01  // 9 NoNewPrivileges: true
                      5204 6e6f6e65  // 10 ApparmorProfile: "none"
                      58 99f8ffffffffffffff01  // 11 OOMScoreAdj: -999
                      6202 7330  // 12 SelinuxLabel: "s0"
                   1a24  // 3 Root
                      0a20  // 1 Path: "/run/kata-containers/a1b2/rootfs"
                         2f72756e2f6b6174612d636f6e7461696e6572732f613162322f726f
                         6f746673
                      10 01  // 2 Readonly: true
                   2203 626f78  // 4 Hostname: "box"
                   2a23  // 5 Mounts
                      0a05 2f70726f63  // 1 destination: "/proc"
                      1204 70726f63  // 2 source: "proc"
                      1a04 70726f63  // 3 type: "proc"
                      2206 6e6f73756964  // 4 options: "nosuid"
                      2206 6e6f65786563  // 4 options: "noexec"
                   3278  // 6 Hooks
                      0a12  // 1 Prestart
                         0a03 2f6831  // 1 Path: "/h1"
                         1204 686f6f6b  // 2 Args: "hook"
                         1a03 413d31  // 3 Env: "A=1"
                         20 05  // 4 Timeout: 5
                      1212  // 2 Poststart
                         0a03 2f6832  // 1 Path: "/h2"
                         1204 686f6f6b  // 2 Args: "hook"
                         1a03 413d31  // 3 Env: "A=1"
                         20 05  // 4 Timeout: 5
                      1a12  // 3 Poststop
                         0a03 2f6833  // 1 Path: "/h3"
                         1204 686f6f6b  // 2 Args: "hook"
                         1a03 413d31  // 3 Env: "A=1"
                         20 05  // 4 Timeout: 5
                      2212  // 4 CreateRuntime
                         0a03 2f6834  // 1 Path: "/h4"
                         1204 686f6f6b  // 2 Args: "hook"
                         1a03 413d31  // 3 Env: "A=1"
                         20 05  // 4 Timeout: 5
                      2a12  // 5 CreateContainer
                         0a03 2f6835  // 1 Path: "/h5"
                         1204 686f6f6b  // 2 Args: "hook"
                         1a03 413d31  // 3 Env: "A=1"
                         20 05  // 4 Timeout: 5
                      3212  // 6 StartContainer
                         0a03 2f6836  // 1 Path: "/h6"
                         1204 686f6f6b  // 2 Args: "hook"
                         1a03 413d31  // 3 Env: "A=1"
                         20 05  // 4 Timeout: 5
                   3a10  // 7 Annotations
                      0a0b 696f2e62756e6b61692e61  // 1 key: "io.bunkai.a"
                      1201 31  // 2 value: "1"
                   42dc03  // 8 Linux
                      0a0a  // 1 UIDMappings
                         08 a08d06  // 1 HostID: 100000
                         10 01  // 2 ContainerID: 1
                         18 808004  // 3 Size: 65536
                      120a  // 2 GIDMappings
                         08 c09a0c  // 1 HostID: 200000
                         10 02  // 2 ContainerID: 2
                         18 808004  // 3 Size: 65536
                      1a18  // 3 Sysctl
                         0a13 6e65742e697076342e69705f666f7277617264  // 1 key: "net.ipv4.ip_forward"
                         1201 31  // 2 value: "1"
                      22b101  // 4 Resources
                         0a17  // 1 Devices
                            08 01  // 1 Allow: true
                            1201 63  // 2 Type: "c"
                            18 01  // 3 Major: 1
                            20 ffffffffffffffffff01  // 4 Minor: -1
                            2a03 72776d  // 5 Access: "rwm"
                         1221  // 2 Memory
                            08 8080808002  // 1 Limit: 536870912
                            10 8080808001  // 2 Reservation: 268435456
                            18 ffffffffffffffffff01  // 3 Swap: -1
                            20 8020  // 4 Kernel: 4096
                            28 8040  // 5 KernelTCP: 8192
                            30 3c  // 6 Swappiness: 60
                            38 01  // 7 DisableOOMKiller: true
                         1a1b  // 3 CPU
                            08 8008  // 1 Shares: 1024
                            10 c09a0c  // 2 Quota: 200000
                            18 a08d06  // 3 Period: 100000
                            20 f0fd39  // 4 RealtimeRuntime: 950000
                            28 c0843d  // 5 RealtimePeriod: 1000000
                            3203 302d31  // 6 Cpus: "0-1"
                            3a01 30  // 7 Mems: "0"
                         2202  // 4 Pids
                            08 64  // 1 Limit: 100
                         2a36  // 5 BlockIO
                            08 f403  // 1 Weight: 500
                            10 ac02  // 2 LeafWeight: 300
                            1a0a  // 3 WeightDevice
                               08 08  // 1 Major: 8
                               10 01  // 2 Minor: 1
                               18 9003  // 3 Weight: 400
                               20 c801  // 4 LeafWeight: 200
                            2207  // 4 ThrottleReadBpsDevice
                               08 08  // 1 Major: 8
                               10 04  // 2 Minor: 4
                               18 a01f  // 3 Rate: 4000
                            2a07  // 5 ThrottleWriteBpsDevice
                               08 08  // 1 Major: 8
                               10 05  // 2 Minor: 5
                               18 8827  // 3 Rate: 5000
                            3207  // 6 ThrottleReadIOPSDevice
                               08 08  // 1 Major: 8
                               10 06  // 2 Minor: 6
                               18 f02e  // 3 Rate: 6000
                            3a07  // 7 ThrottleWriteIOPSDevice
                               08 08  // 1 Major: 8
                               10 07  // 2 Minor: 7
                               18 d836  // 3 Rate: 7000
                         320a  // 6 HugepageLimits
                            0a03 324d42  // 1 Pagesize: "2MB"
                            10 80808002  // 2 Limit: 4194304
                         3a0e  // 7 Network
                            08 818040  // 1 ClassID: 1048577
                            1208  // 2 Priorities
                               0a04 65746830  // 1 Name: "eth0"
                               10 03  // 2 Priority: 3
                      2a0c 2f62756e6b61692f61316232  // 5 CgroupsPath: "/bunkai/a1b2"
                      3205  // 6 Namespaces
                         0a03 706964  // 1 Type: "pid"
                      3217  // 6 Namespaces
                         0a05 6d6f756e74  // 1 Type: "mount"
                         120e 2f70726f632f312f6e732f6d6e74  // 2 Path: "/proc/1/ns/mnt"
                      3a1a  // 7 Devices
                         0a09 2f6465762f66757365  // 1 Path: "/dev/fuse"
                         1201 63  // 2 Type: "c"
                         18 0a  // 3 Major: 10
                         20 e501  // 4 Minor: 229
                         28 b603  // 5 FileMode: 438
                         30 01  // 6 UID: 1
                         38 02  // 7 GID: 2
                      427c  // 8 Seccomp
                         0a0e 53434d505f4143545f4552524e4f  // 1 DefaultAction: "SCMP_ACT_ERRNO"
                         1210 53434d505f415243485f5838365f3634  // 2 Architectures: "SCMP_ARCH_X86_64"
                         1a17 534543434f4d505f46494c5445525f464c41475f4c4f47  // 3 Flags: "SECCOMP_FILTER_FLAG_LOG"
                         223f  // 4 Syscalls
                            0a05 636c6f6e65  // 1 Names: "clone"
                            0a04 666f726b  // 1 Names: "fork"
                            120e 53434d505f4143545f4552524e4f  // 2 Action: "SCMP_ACT_ERRNO"
                            18 00  // 3 errnoret: 0
                            221e  // 4 Args
                               08 01  // 1 Index: 1
                               10 808088f007  // 2 Value: 2114060288
                               18 03  // 3 ValueTwo: 3
                               2212 53434d505f434d505f4d41534b45445f4551  // 4 Op: "SCMP_CMP_MASKED_EQ"
                      4a07 70726976617465  // 9 RootfsPropagation: "private"
                      520b 2f70726f632f6b636f7265  // 10 MaskedPaths: "/proc/kcore"
                      5a09 2f70726f632f737973  // 11 ReadonlyPaths: "/proc/sys"
                      6201 6c  // 12 MountLabel: "l"
                      6a08  // 13 IntelRdt
                         0a06 4c333a303d66  // 1 L3CacheSchema: "L3:0=f"
                   4a03  // 9 Solaris
                      0a01 73  // 1 dummy: "s"
                   5203  // 10 Windows
                      0a01 77  // 1 dummy: "w"
                38 01  // 7 sandbox_pidns: true
                4213  // 8 shared_mounts
                   0a01 76  // 1 name: "v"
                   1202 6331  // 2 src_ctr: "c1"
                   1a02 2f61  // 3 src_path: "/a"
                   2202 6332  // 4 dst_ctr: "c2"
                   2a02 2f62  // 5 dst_path: "/b"
                48 8408  // 9 stdin_port: 1028
                50 8508  // 10 stdout_port: 1029
                58 8608  // 11 stderr_port: 1030
                """);
    }

    private static AgentGolden startContainer() {
        return new AgentGolden(
                "startContainer",
                StartContainerRequest.newBuilder().setContainerId("a1b2").build(),
                """
                container_id: "a1b2"
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                """);
    }

    private static AgentGolden execProcess() {
        return new AgentGolden(
                "execProcess",
                ExecProcessRequest.newBuilder()
                        .setContainerId("a1b2")
                        .setExecId("e1")
                        .setStringUser(StringUser.newBuilder().setUid("0").setGid("0"))
                        .setProcess(Process.newBuilder().addArgs("id").setCwd("/tmp"))
                        .setStdinPort(1)
                        .setStdoutPort(2)
                        .setStderrPort(3)
                        .build(),
                """
                container_id: "a1b2"
                exec_id: "e1"
                string_user {
                  uid: "0"
                  gid: "0"
                }
                process {
                  Args: "id"
                  Cwd: "/tmp"
                }
                stdin_port: 1
                stdout_port: 2
                stderr_port: 3
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 6531  // 2 exec_id: "e1"
                1a06  // 3 string_user
                   0a01 30  // 1 uid: "0"
                   1201 30  // 2 gid: "0"
                220a  // 4 process
                   2202 6964  // 4 Args: "id"
                   3204 2f746d70  // 6 Cwd: "/tmp"
                28 01  // 5 stdin_port: 1
                30 02  // 6 stdout_port: 2
                38 03  // 7 stderr_port: 3
                """);
    }

    private static AgentGolden signalProcess() {
        return new AgentGolden(
                "signalProcess",
                SignalProcessRequest.newBuilder()
                        .setContainerId("a1b2")
                        .setExecId("e1")
                        .setSignal(15)
                        .build(),
                """
                container_id: "a1b2"
                exec_id: "e1"
                signal: 15
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 6531  // 2 exec_id: "e1"
                18 0f  // 3 signal: 15
                """);
    }

    private static AgentGolden waitProcess() {
        return new AgentGolden(
                "waitProcess",
                WaitProcessRequest.newBuilder().setContainerId("a1b2").setExecId("e1").build(),
                """
                container_id: "a1b2"
                exec_id: "e1"
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 6531  // 2 exec_id: "e1"
                """);
    }

    private static AgentGolden waitProcessAnswer() {
        return new AgentGolden(
                "waitProcessAnswer",
                WaitProcessResponse.newBuilder().setStatus(137).build(),
                """
                status: 137
                """,
                """
                08 8901  // 1 status: 137
                """);
    }

    private static AgentGolden waitProcessNegativeAnswer() {
        return new AgentGolden(
                "waitProcessNegativeAnswer",
                WaitProcessResponse.newBuilder().setStatus(-1).build(),
                """
                status: -1
                """,
                """
                08 ffffffffffffffffff01  // 1 status: -1
                """);
    }

    private static AgentGolden updateContainer() {
        return new AgentGolden(
                "updateContainer",
                UpdateContainerRequest.newBuilder()
                        .setContainerId("a1b2")
                        .setResources(
                                LinuxResources.newBuilder()
                                        .setCPU(
                                                LinuxCPU.newBuilder()
                                                        .setQuota(150000)
                                                        .setPeriod(100000)))
                        .build(),
                """
                container_id: "a1b2"
                resources {
                  CPU {
                    Quota: 150000
                    Period: 100000
                  }
                }
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                120a  // 2 resources
                   1a08  // 3 CPU
                      10 f09309  // 2 Quota: 150000
                      18 a08d06  // 3 Period: 100000
                """);
    }

    private static AgentGolden writeStdin() {
        return new AgentGolden(
                "writeStdin",
                WriteStreamRequest.newBuilder()
                        .setContainerId("a1b2")
                        .setExecId("e1")
                        .setData(ByteString.copyFrom(hex("68690a")))
                        .build(),
                """
                container_id: "a1b2"
                exec_id: "e1"
                data: "\\x68\\x69\\x0a"
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 6531  // 2 exec_id: "e1"
                1a03 68690a  // 3 data: 3 bytes
                """);
    }

    private static AgentGolden writeStdinAnswer() {
        return new AgentGolden(
                "writeStdinAnswer",
                WriteStreamResponse.newBuilder().setLen(3).build(),
                """
                len: 3
                """,
                """
                08 03  // 1 len: 3
                """);
    }

    private static AgentGolden readStdout() {
        return new AgentGolden(
                "readStdout",
                ReadStreamRequest.newBuilder()
                        .setContainerId("a1b2")
                        .setExecId("e1")
                        .setLen(32768)
                        .build(),
                """
                container_id: "a1b2"
                exec_id: "e1"
                len: 32768
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 6531  // 2 exec_id: "e1"
                18 808002  // 3 len: 32768
                """);
    }

    private static AgentGolden readStdoutAnswer() {
        return new AgentGolden(
                "readStdoutAnswer",
                ReadStreamResponse.newBuilder().setData(ByteString.copyFrom(hex("00ff0a"))).build(),
                """
                data: "\\x00\\xff\\x0a"
                """,
                """
                0a03 00ff0a  // 1 data: 3 bytes
                """);
    }

    private static AgentGolden readStdoutEnd() {
        return new AgentGolden("readStdoutEnd", ReadStreamResponse.getDefaultInstance(), "", "");
    }

    private static AgentGolden closeStdin() {
        return new AgentGolden(
                "closeStdin",
                CloseStdinRequest.newBuilder().setContainerId("a1b2").setExecId("e1").build(),
                """
                container_id: "a1b2"
                exec_id: "e1"
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 6531  // 2 exec_id: "e1"
                """);
    }

    private static AgentGolden ttyWinResize() {
        return new AgentGolden(
                "ttyWinResize",
                TtyWinResizeRequest.newBuilder()
                        .setContainerId("a1b2")
                        .setExecId("e1")
                        .setRow(50)
                        .setColumn(200)
                        .build(),
                """
                container_id: "a1b2"
                exec_id: "e1"
                row: 50
                column: 200
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                1202 6531  // 2 exec_id: "e1"
                18 32  // 3 row: 50
                20 c801  // 4 column: 200
                """);
    }

    private static AgentGolden removeContainer() {
        return new AgentGolden(
                "removeContainer",
                RemoveContainerRequest.newBuilder().setContainerId("a1b2").setTimeout(10).build(),
                """
                container_id: "a1b2"
                timeout: 10
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                10 0a  // 2 timeout: 10
                """);
    }

    private static AgentGolden statsContainer() {
        return new AgentGolden(
                "statsContainer",
                StatsContainerRequest.newBuilder().setContainerId("a1b2").build(),
                """
                container_id: "a1b2"
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                """);
    }

    private static AgentGolden statsContainerAnswer() {
        return new AgentGolden(
                "statsContainerAnswer",
                StatsContainerResponse.newBuilder()
                        .setCgroupStats(
                                CgroupStats.newBuilder()
                                        .setCpuStats(
                                                CpuStats.newBuilder()
                                                        .setCpuUsage(
                                                                CpuUsage.newBuilder()
                                                                        .setTotalUsage(5000000000L)
                                                                        .addPercpuUsage(3000000000L)
                                                                        .addPercpuUsage(2000000000L)
                                                                        .setUsageInKernelmode(
                                                                                1000000000)
                                                                        .setUsageInUsermode(
                                                                                4000000000L))
                                                        .setThrottlingData(
                                                                ThrottlingData.newBuilder()
                                                                        .setPeriods(10)
                                                                        .setThrottledPeriods(2)
                                                                        .setThrottledTime(300)))
                                        .setMemoryStats(
                                                MemoryStats.newBuilder()
                                                        .setCache(4096)
                                                        .setUsage(
                                                                MemoryData.newBuilder()
                                                                        .setUsage(1000)
                                                                        .setMaxUsage(2000)
                                                                        .setFailcnt(1)
                                                                        .setLimit(4000))
                                                        .setSwapUsage(
                                                                MemoryData.newBuilder()
                                                                        .setUsage(2000)
                                                                        .setMaxUsage(4000)
                                                                        .setFailcnt(1)
                                                                        .setLimit(8000))
                                                        .setKernelUsage(
                                                                MemoryData.newBuilder()
                                                                        .setUsage(3000)
                                                                        .setMaxUsage(6000)
                                                                        .setFailcnt(1)
                                                                        .setLimit(12000))
                                                        .setUseHierarchy(true)
                                                        .putStats("anon", 8192))
                                        .setPidsStats(
                                                PidsStats.newBuilder().setCurrent(3).setLimit(100))
                                        .setBlkioStats(
                                                BlkioStats.newBuilder()
                                                        .addIoServiceBytesRecursive(
                                                                BlkioStatsEntry.newBuilder()
                                                                        .setMajor(254)
                                                                        .setMinor(16)
                                                                        .setOp("Read")
                                                                        .setValue(1))
                                                        .addIoServicedRecursive(
                                                                BlkioStatsEntry.newBuilder()
                                                                        .setMajor(254)
                                                                        .setMinor(16)
                                                                        .setOp("Read")
                                                                        .setValue(2))
                                                        .addIoQueuedRecursive(
                                                                BlkioStatsEntry.newBuilder()
                                                                        .setMajor(254)
                                                                        .setMinor(16)
                                                                        .setOp("Read")
                                                                        .setValue(3))
                                                        .addIoServiceTimeRecursive(
                                                                BlkioStatsEntry.newBuilder()
                                                                        .setMajor(254)
                                                                        .setMinor(16)
                                                                        .setOp("Read")
                                                                        .setValue(4))
                                                        .addIoWaitTimeRecursive(
                                                                BlkioStatsEntry.newBuilder()
                                                                        .setMajor(254)
                                                                        .setMinor(16)
                                                                        .setOp("Read")
                                                                        .setValue(5))
                                                        .addIoMergedRecursive(
                                                                BlkioStatsEntry.newBuilder()
                                                                        .setMajor(254)
                                                                        .setMinor(16)
                                                                        .setOp("Read")
                                                                        .setValue(6))
                                                        .addIoTimeRecursive(
                                                                BlkioStatsEntry.newBuilder()
                                                                        .setMajor(254)
                                                                        .setMinor(16)
                                                                        .setOp("Read")
                                                                        .setValue(7))
                                                        .addSectorsRecursive(
                                                                BlkioStatsEntry.newBuilder()
                                                                        .setMajor(254)
                                                                        .setMinor(16)
                                                                        .setOp("Read")
                                                                        .setValue(8)))
                                        .putHugetlbStats(
                                                "2MB",
                                                HugetlbStats.newBuilder()
                                                        .setUsage(2097152)
                                                        .setMaxUsage(4194304)
                                                        .setFailcnt(1)
                                                        .build()))
                        .addNetworkStats(
                                NetworkStats.newBuilder()
                                        .setName("eth0")
                                        .setRxBytes(1)
                                        .setRxPackets(2)
                                        .setRxErrors(3)
                                        .setRxDropped(4)
                                        .setTxBytes(5)
                                        .setTxPackets(6)
                                        .setTxErrors(7)
                                        .setTxDropped(8))
                        .build(),
                """
                cgroup_stats {
                  cpu_stats {
                    cpu_usage {
                      total_usage: 5000000000
                      percpu_usage: [3000000000, 2000000000]
                      usage_in_kernelmode: 1000000000
                      usage_in_usermode: 4000000000
                    }
                    throttling_data {
                      periods: 10
                      throttled_periods: 2
                      throttled_time: 300
                    }
                  }
                  memory_stats {
                    cache: 4096
                    usage {
                      usage: 1000
                      max_usage: 2000
                      failcnt: 1
                      limit: 4000
                    }
                    swap_usage {
                      usage: 2000
                      max_usage: 4000
                      failcnt: 1
                      limit: 8000
                    }
                    kernel_usage {
                      usage: 3000
                      max_usage: 6000
                      failcnt: 1
                      limit: 12000
                    }
                    use_hierarchy: true
                    stats {
                      key: "anon"
                      value: 8192
                    }
                  }
                  pids_stats {
                    current: 3
                    limit: 100
                  }
                  blkio_stats {
                    io_service_bytes_recursive {
                      major: 254
                      minor: 16
                      op: "Read"
                      value: 1
                    }
                    io_serviced_recursive {
                      major: 254
                      minor: 16
                      op: "Read"
                      value: 2
                    }
                    io_queued_recursive {
                      major: 254
                      minor: 16
                      op: "Read"
                      value: 3
                    }
                    io_service_time_recursive {
                      major: 254
                      minor: 16
                      op: "Read"
                      value: 4
                    }
                    io_wait_time_recursive {
                      major: 254
                      minor: 16
                      op: "Read"
                      value: 5
                    }
                    io_merged_recursive {
                      major: 254
                      minor: 16
                      op: "Read"
                      value: 6
                    }
                    io_time_recursive {
                      major: 254
                      minor: 16
                      op: "Read"
                      value: 7
                    }
                    sectors_recursive {
                      major: 254
                      minor: 16
                      op: "Read"
                      value: 8
                    }
                  }
                  hugetlb_stats {
                    key: "2MB"
                    value {
                      usage: 2097152
                      max_usage: 4194304
                      failcnt: 1
                    }
                  }
                }
                network_stats {
                  name: "eth0"
                  rx_bytes: 1
                  rx_packets: 2
                  rx_errors: 3
                  rx_dropped: 4
                  tx_bytes: 5
                  tx_packets: 6
                  tx_errors: 7
                  tx_dropped: 8
                }
                """,
                """
                0af901  // 1 cgroup_stats
                   0a29  // 1 cpu_stats
                      0a1e  // 1 cpu_usage
                         08 80e497d012  // 1 total_usage: 5000000000
                         120a 80bcc1960b80a8d6b907  // 2 percpu_usage: 3000000000, 2000000000
                         18 8094ebdc03  // 3 usage_in_kernelmode: 1000000000
                         20 80d0acf30e  // 4 usage_in_usermode: 4000000000
                      1207  // 2 throttling_data
                         08 0a  // 1 periods: 10
                         10 02  // 2 throttled_periods: 2
                         18 ac02  // 3 throttled_time: 300
                   1237  // 2 memory_stats
                      08 8020  // 1 cache: 4096
                      120b  // 2 usage
                         08 e807  // 1 usage: 1000
                         10 d00f  // 2 max_usage: 2000
                         18 01  // 3 failcnt: 1
                         20 a01f  // 4 limit: 4000
                      1a0b  // 3 swap_usage
                         08 d00f  // 1 usage: 2000
                         10 a01f  // 2 max_usage: 4000
                         18 01  // 3 failcnt: 1
                         20 c03e  // 4 limit: 8000
                      220b  // 4 kernel_usage
                         08 b817  // 1 usage: 3000
                         10 f02e  // 2 max_usage: 6000
                         18 01  // 3 failcnt: 1
                         20 e05d  // 4 limit: 12000
                      28 01  // 5 use_hierarchy: true
                      3209  // 6 stats
                         0a04 616e6f6e  // 1 key: "anon"
                         10 8040  // 2 value: 8192
                   1a04  // 3 pids_stats
                      08 03  // 1 current: 3
                      10 64  // 2 limit: 100
                   2278  // 4 blkio_stats
                      0a0d  // 1 io_service_bytes_recursive
                         08 fe01  // 1 major: 254
                         10 10  // 2 minor: 16
                         1a04 52656164  // 3 op: "Read"
                         20 01  // 4 value: 1
                      120d  // 2 io_serviced_recursive
                         08 fe01  // 1 major: 254
                         10 10  // 2 minor: 16
                         1a04 52656164  // 3 op: "Read"
                         20 02  // 4 value: 2
                      1a0d  // 3 io_queued_recursive
                         08 fe01  // 1 major: 254
                         10 10  // 2 minor: 16
                         1a04 52656164  // 3 op: "Read"
                         20 03  // 4 value: 3
                      220d  // 4 io_service_time_recursive
                         08 fe01  // 1 major: 254
                         10 10  // 2 minor: 16
                         1a04 52656164  // 3 op: "Read"
                         20 04  // 4 value: 4
                      2a0d  // 5 io_wait_time_recursive
                         08 fe01  // 1 major: 254
                         10 10  // 2 minor: 16
                         1a04 52656164  // 3 op: "Read"
                         20 05  // 4 value: 5
                      320d  // 6 io_merged_recursive
                         08 fe01  // 1 major: 254
                         10 10  // 2 minor: 16
                         1a04 52656164  // 3 op: "Read"
                         20 06  // 4 value: 6
                      3a0d  // 7 io_time_recursive
                         08 fe01  // 1 major: 254
                         10 10  // 2 minor: 16
                         1a04 52656164  // 3 op: "Read"
                         20 07  // 4 value: 7
                      420d  // 8 sectors_recursive
                         08 fe01  // 1 major: 254
                         10 10  // 2 minor: 16
                         1a04 52656164  // 3 op: "Read"
                         20 08  // 4 value: 8
                   2a13  // 5 hugetlb_stats
                      0a03 324d42  // 1 key: "2MB"
                      120c  // 2 value
                         08 80808001  // 1 usage: 2097152
                         10 80808002  // 2 max_usage: 4194304
                         18 01  // 3 failcnt: 1
                1216  // 2 network_stats
                   0a04 65746830  // 1 name: "eth0"
                   10 01  // 2 rx_bytes: 1
                   18 02  // 3 rx_packets: 2
                   20 03  // 4 rx_errors: 3
                   28 04  // 5 rx_dropped: 4
                   30 05  // 6 tx_bytes: 5
                   38 06  // 7 tx_packets: 6
                   40 07  // 8 tx_errors: 7
                   48 08  // 9 tx_dropped: 8
                """);
    }

    private static AgentGolden getOomEvent() {
        return new AgentGolden("getOomEvent", GetOOMEventRequest.getDefaultInstance(), "", "");
    }

    private static AgentGolden getOomEventAnswer() {
        return new AgentGolden(
                "getOomEventAnswer",
                OOMEvent.newBuilder().setContainerId("a1b2").build(),
                """
                container_id: "a1b2"
                """,
                """
                0a04 61316232  // 1 container_id: "a1b2"
                """);
    }

    private static AgentGolden destroySandbox() {
        return new AgentGolden(
                "destroySandbox", DestroySandboxRequest.getDefaultInstance(), "", "");
    }
}
