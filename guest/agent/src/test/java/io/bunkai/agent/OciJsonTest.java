// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.api.agent.Box;
import io.bunkai.api.agent.Hook;
import io.bunkai.api.agent.Hooks;
import io.bunkai.api.agent.Linux;
import io.bunkai.api.agent.LinuxBlockIO;
import io.bunkai.api.agent.LinuxCPU;
import io.bunkai.api.agent.LinuxCapabilities;
import io.bunkai.api.agent.LinuxDevice;
import io.bunkai.api.agent.LinuxDeviceCgroup;
import io.bunkai.api.agent.LinuxHugepageLimit;
import io.bunkai.api.agent.LinuxIDMapping;
import io.bunkai.api.agent.LinuxIntelRdt;
import io.bunkai.api.agent.LinuxMemory;
import io.bunkai.api.agent.LinuxPids;
import io.bunkai.api.agent.LinuxResources;
import io.bunkai.api.agent.LinuxSeccomp;
import io.bunkai.api.agent.LinuxSeccompArg;
import io.bunkai.api.agent.LinuxSyscall;
import io.bunkai.api.agent.LinuxThrottleDevice;
import io.bunkai.api.agent.LinuxWeightDevice;
import io.bunkai.api.agent.Mount;
import io.bunkai.api.agent.POSIXRlimit;
import io.bunkai.api.agent.Process;
import io.bunkai.api.agent.Root;
import io.bunkai.api.agent.Spec;
import io.bunkai.api.agent.User;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OciJsonTest {
    private static final OciJson.Sanitised PLAN =
            new OciJson.Sanitised(
                    Path.of("/run/kata-containers/c1/rootfs"),
                    "host",
                    "/bunkai/c1",
                    Map.of("pid", "", "mount", "", "uts", "", "ipc", "/proc/7/ns/ipc"),
                    Map.of("kernel.shmmax", "17", "kernel.sem", "1 2"));

    @Test
    void writesEveryFieldThatTheProtocolCarries() {
        Process process =
                Process.newBuilder()
                        .setTerminal(true)
                        .setConsoleSize(Box.newBuilder().setHeight(24).setWidth(80))
                        .setUser(
                                User.newBuilder()
                                        .setUID(-2) // 4294967294
                                        .setGID(100)
                                        .addAdditionalGids(5)
                                        .addAdditionalGids(-2))
                        .addArgs("sh")
                        .addArgs("-c")
                        .addArgs("echo \"a\\b\"\n\t\u0001é")
                        .addEnv("PATH=/bin")
                        .setCwd("/work")
                        .setCapabilities(
                                LinuxCapabilities.newBuilder()
                                        .addBounding("CAP_CHOWN")
                                        .addEffective("CAP_KILL")
                                        .addInheritable("CAP_FOWNER")
                                        .addPermitted("CAP_SETUID")
                                        .addAmbient("CAP_SETGID"))
                        .addRlimits(
                                POSIXRlimit.newBuilder()
                                        .setType("RLIMIT_CORE")
                                        .setHard(-1)
                                        .setSoft(3))
                        .setNoNewPrivileges(true)
                        .setApparmorProfile("not in the guest")
                        .setSelinuxLabel("not in the guest")
                        .setOOMScoreAdj(-998)
                        .build();
        Spec spec =
                Spec.newBuilder()
                        .setVersion("1.1.0")
                        .setRoot(Root.newBuilder().setPath("/elsewhere").setReadonly(true))
                        .addMounts(
                                Mount.newBuilder()
                                        .setDestination("/proc")
                                        .setType("proc")
                                        .setSource("proc")
                                        .addOptions("nosuid")
                                        .addOptions("nodev"))
                        .setHooks(Hooks.newBuilder().addPrestart(Hook.newBuilder().setPath("/h")))
                        .putAnnotations("run.oci.handler", "steered")
                        .setLinux(linux())
                        .build();
        assertThat(OciJson.config(spec, process, PLAN))
                .isEqualTo(
                        joined(
                                """
                                {"ociVersion":"1.0.2",
                                "process":{"terminal":true,"consoleSize":{"height":24,"width":80},
                                "user":{"uid":4294967294,"gid":100,"additionalGids":[5,4294967294]},
                                "args":["sh","-c","echo \\"a\\\\b\\"\\u000a\\u0009\\u0001é"],
                                "env":["PATH=/bin"],"cwd":"/work",
                                "capabilities":{"bounding":["CAP_CHOWN"],"effective":["CAP_KILL"],
                                "inheritable":["CAP_FOWNER"],"permitted":["CAP_SETUID"],
                                "ambient":["CAP_SETGID"]},
                                "rlimits":[{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":3}],
                                "noNewPrivileges":true,"oomScoreAdj":-998},
                                "root":{"path":"/run/kata-containers/c1/rootfs","readonly":true},
                                "hostname":"host",
                                "mounts":[{"destination":"/proc","type":"proc","source":"proc",
                                "options":["nosuid","nodev"]}],
                                "linux":{"uidMappings":[{"containerID":0,"hostID":1000,"size":65536}],
                                "gidMappings":[{"containerID":0,"hostID":2000,"size":1}],
                                "sysctl":{"kernel.sem":"1 2","kernel.shmmax":"17"},
                                "resources":{"devices":[{"allow":false,"type":"a","access":"rwm"},
                                {"allow":true,"type":"c","major":1,"minor":3,"access":"rw"},
                                {"allow":true,"type":"b","major":8,"access":"r"}],
                                "memory":{"limit":67108864,"reservation":33554432,"swap":-1},
                                "cpu":{"shares":512,"quota":50000,"period":100000,"cpus":"0-1","mems":"0"},
                                "pids":{"limit":-1},
                                "blockIO":{"weight":500,"leafWeight":300,
                                "weightDevice":[{"major":8,"minor":0,"weight":100}],
                                "throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1}],
                                "throttleWriteBpsDevice":[{"major":8,"minor":0,"rate":2}],
                                "throttleReadIOPSDevice":[{"major":8,"minor":0,"rate":3}],
                                "throttleWriteIOPSDevice":[{"major":8,"minor":0,"rate":4}]},
                                "hugepageLimits":[{"pageSize":"2MB","limit":2097152}]},
                                "cgroupsPath":"/bunkai/c1",
                                "namespaces":[{"type":"ipc","path":"/proc/7/ns/ipc"},{"type":"mount"},
                                {"type":"pid"},{"type":"uts"}],
                                "devices":[{"path":"/dev/fuse","type":"c","major":10,"minor":229,
                                "fileMode":438,"uid":1,"gid":2},
                                {"path":"/dev/fifo","type":"p","uid":0,"gid":0}],
                                "seccomp":{"defaultAction":"SCMP_ACT_ERRNO",
                                "architectures":["SCMP_ARCH_X86_64"],"flags":["SECCOMP_FILTER_FLAG_LOG"],
                                "syscalls":[{"names":["read","write"],"action":"SCMP_ACT_ALLOW"},
                                {"names":["clone"],"action":"SCMP_ACT_ERRNO","errnoRet":0,
                                "args":[{"index":0,"value":2114060288,"valueTwo":18446744073709551615,
                                "op":"SCMP_CMP_MASKED_EQ"}]}]},
                                "rootfsPropagation":"rslave","maskedPaths":["/proc/kcore"],
                                "readonlyPaths":["/proc/sys"]}}
                                """));
    }

    @Test
    void leavesOutWhatIsNotSet() {
        Spec spec = Spec.newBuilder().setRoot(Root.newBuilder().setPath("/r")).build();
        OciJson.Sanitised plan =
                new OciJson.Sanitised(
                        Path.of("/r"), "", "/bunkai/c1", Map.of("pid", "", "mount", ""), Map.of());
        assertThat(OciJson.config(spec, Process.newBuilder().addArgs("sh").build(), plan))
                .isEqualTo(
                        joined(
                                """
                                {"ociVersion":"1.0.2",
                                "process":{"terminal":false,"user":{"uid":0,"gid":0},"args":["sh"],
                                "env":[],"cwd":"/","noNewPrivileges":false},
                                "root":{"path":"/r","readonly":false},"mounts":[],
                                "linux":{"cgroupsPath":"/bunkai/c1",
                                "namespaces":[{"type":"mount"},{"type":"pid"}]}}
                                """));
    }

    @Test
    void writesResourcesAloneForAnUpdate() {
        assertThat(
                        OciJson.resources(
                                LinuxResources.newBuilder()
                                        .setMemory(LinuxMemory.newBuilder().setLimit(4096))
                                        .build()))
                .isEqualTo("{\"memory\":{\"limit\":4096}}");
    }

    private static Linux linux() {
        return Linux.newBuilder()
                .addUIDMappings(LinuxIDMapping.newBuilder().setHostID(1000).setSize(65536))
                .addGIDMappings(LinuxIDMapping.newBuilder().setHostID(2000).setSize(1))
                .setResources(resources())
                .addDevices(
                        LinuxDevice.newBuilder()
                                .setPath("/dev/fuse")
                                .setType("c")
                                .setMajor(10)
                                .setMinor(229)
                                .setFileMode(0666)
                                .setUID(1)
                                .setGID(2))
                .addDevices(LinuxDevice.newBuilder().setPath("/dev/fifo").setType("p"))
                .setSeccomp(
                        LinuxSeccomp.newBuilder()
                                .setDefaultAction("SCMP_ACT_ERRNO")
                                .addArchitectures("SCMP_ARCH_X86_64")
                                .addFlags("SECCOMP_FILTER_FLAG_LOG")
                                .addSyscalls(
                                        LinuxSyscall.newBuilder()
                                                .addNames("read")
                                                .addNames("write")
                                                .setAction("SCMP_ACT_ALLOW"))
                                .addSyscalls(
                                        LinuxSyscall.newBuilder()
                                                .addNames("clone")
                                                .setAction("SCMP_ACT_ERRNO")
                                                .setErrnoret(0) // set, and 0
                                                .addArgs(
                                                        LinuxSeccompArg.newBuilder()
                                                                .setValue(0x7e020000L)
                                                                .setValueTwo(-1)
                                                                .setOp("SCMP_CMP_MASKED_EQ"))))
                .setRootfsPropagation("rslave")
                .addMaskedPaths("/proc/kcore")
                .addReadonlyPaths("/proc/sys")
                .setMountLabel("not in the guest")
                .setIntelRdt(LinuxIntelRdt.newBuilder().setL3CacheSchema("not in the guest"))
                .build();
    }

    private static LinuxResources resources() {
        LinuxBlockIO.Builder block =
                LinuxBlockIO.newBuilder()
                        .setWeight(500)
                        .setLeafWeight(300)
                        .addWeightDevice(LinuxWeightDevice.newBuilder().setMajor(8).setWeight(100))
                        .addThrottleReadBpsDevice(throttle(1))
                        .addThrottleWriteBpsDevice(throttle(2))
                        .addThrottleReadIOPSDevice(throttle(3))
                        .addThrottleWriteIOPSDevice(throttle(4));
        return LinuxResources.newBuilder()
                .addAllDevices(
                        List.of(
                                rule(false, "a", 0, 0, "rwm"),
                                rule(true, "c", 1, 3, "rw"),
                                rule(true, "b", 8, -1, "r")))
                .setMemory(
                        LinuxMemory.newBuilder()
                                .setLimit(64 << 20)
                                .setReservation(32 << 20)
                                .setSwap(-1)
                                .setKernel(1)
                                .setKernelTCP(1)
                                .setSwappiness(60)
                                .setDisableOOMKiller(true))
                .setCPU(
                        LinuxCPU.newBuilder()
                                .setShares(512)
                                .setQuota(50_000)
                                .setPeriod(100_000)
                                .setRealtimeRuntime(1)
                                .setRealtimePeriod(2)
                                .setCpus("0-1")
                                .setMems("0"))
                .setPids(LinuxPids.newBuilder().setLimit(-1))
                .setBlockIO(block)
                .addHugepageLimits(
                        LinuxHugepageLimit.newBuilder().setPagesize("2MB").setLimit(2 << 20))
                .build();
    }

    private static LinuxThrottleDevice throttle(long rate) {
        return LinuxThrottleDevice.newBuilder().setMajor(8).setRate(rate).build();
    }

    private static LinuxDeviceCgroup rule(
            boolean allow, String type, long major, long minor, String access) {
        return LinuxDeviceCgroup.newBuilder()
                .setAllow(allow)
                .setType(type)
                .setMajor(major)
                .setMinor(minor)
                .setAccess(access)
                .build();
    }

    private static String joined(String lines) {
        return lines.replace("\n", "");
    }
}
