// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.api.agent.Box;
import io.bunkai.api.agent.Linux;
import io.bunkai.api.agent.LinuxCPU;
import io.bunkai.api.agent.LinuxCapabilities;
import io.bunkai.api.agent.LinuxDevice;
import io.bunkai.api.agent.LinuxDeviceCgroup;
import io.bunkai.api.agent.LinuxIDMapping;
import io.bunkai.api.agent.LinuxMemory;
import io.bunkai.api.agent.LinuxNamespace;
import io.bunkai.api.agent.LinuxPids;
import io.bunkai.api.agent.LinuxResources;
import io.bunkai.api.agent.LinuxSeccomp;
import io.bunkai.api.agent.LinuxSeccompArg;
import io.bunkai.api.agent.LinuxSyscall;
import io.bunkai.api.agent.Mount;
import io.bunkai.api.agent.POSIXRlimit;
import io.bunkai.api.agent.Process;
import io.bunkai.api.agent.Root;
import io.bunkai.api.agent.Spec;
import io.bunkai.api.agent.Storage;
import io.bunkai.api.agent.StringUser;
import io.bunkai.api.agent.User;
import io.bunkai.linux.Terminal;
import io.bunkai.oci.OciJson;
import io.bunkai.oci.RuntimeSpec;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AgentSpecTest {
    /** Everything that a config.json can say and this protocol can carry, each value once. */
    private static final String RICH =
            """
            {
              "ociVersion": "1.2.0",
              "hostname": "box",
              "annotations": {"a": "1", "b": "2"},
              "root": {"path": "/rootfs", "readonly": true},
              "mounts": [
                {"destination": "/proc", "type": "proc", "source": "p", "options": ["nosuid", "ro"]}
              ],
              "hooks": {"prestart": [{"path": "/bin/evil"}]},
              "process": {
                "terminal": true,
                "consoleSize": {"height": 24, "width": 80},
                "user": {"uid": 1, "gid": 2, "additionalGids": [3, 4294967294]},
                "args": ["sh", "-c"],
                "env": ["A=1"],
                "cwd": "/srv",
                "capabilities": {
                  "bounding": ["CAP_A"], "effective": ["CAP_B"], "inheritable": ["CAP_C"],
                  "permitted": ["CAP_D"], "ambient": ["CAP_E"]
                },
                "rlimits": [
                  {"type": "RLIMIT_NOFILE", "soft": 5, "hard": 18446744073709551615}
                ],
                "noNewPrivileges": true,
                "apparmorProfile": "armor",
                "oomScoreAdj": -7,
                "selinuxLabel": "label"
              },
              "linux": {
                "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 2}],
                "gidMappings": [{"containerID": 1, "hostID": 1001, "size": 3}],
                "sysctl": {"net.ipv4.ip_forward": "1"},
                "cgroupsPath": "/bunkai/c1",
                "namespaces": [
                  {"type": "pid"}, {"type": "network", "path": "/proc/1/ns/net"}
                ],
                "devices": [
                  {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229,
                   "fileMode": 438, "uid": 6, "gid": 7},
                  {"path": "/dev/zero", "type": "c", "major": 1, "minor": 5}
                ],
                "resources": {
                  "devices": [
                    {"allow": false, "access": "rwm"},
                    {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "r"}
                  ],
                  "memory": {
                    "limit": 100, "reservation": 50, "swap": 200, "swappiness": 10,
                    "disableOOMKiller": true
                  },
                  "cpu": {
                    "shares": 512, "quota": 1000, "period": 100000, "realtimeRuntime": 8,
                    "realtimePeriod": 9, "cpus": "0-3", "mems": "0"
                  },
                  "pids": {"limit": 42}
                },
                "seccomp": {
                  "defaultAction": "SCMP_ACT_ERRNO",
                  "architectures": ["SCMP_ARCH_X86_64"],
                  "flags": ["SECCOMP_FILTER_FLAG_LOG"],
                  "syscalls": [
                    {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1,
                     "args": [
                       {"index": 1, "value": 18446744073709551615, "valueTwo": 2,
                        "op": "SCMP_CMP_EQ"}
                     ]},
                    {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
                     "args": [{"index": 0, "value": 3, "op": "SCMP_CMP_NE"}]}
                  ]
                },
                "rootfsPropagation": "rslave",
                "maskedPaths": ["/proc/kcore"],
                "readonlyPaths": ["/proc/sys"],
                "mountLabel": "mount"
              }
            }
            """;

    private static RuntimeSpec rich() {
        return OciJson.read(RICH.getBytes(StandardCharsets.UTF_8), RuntimeSpec.class, "config");
    }

    private static Process.Builder process() {
        return Process.newBuilder()
                .setTerminal(true)
                .setConsoleSize(Box.newBuilder().setHeight(24).setWidth(80))
                .setUser(
                        User.newBuilder()
                                .setUID(1)
                                .setGID(2)
                                .addAdditionalGids(3)
                                .addAdditionalGids(-2)) // 4294967294, as 32 unsigned bits
                .addArgs("sh")
                .addArgs("-c")
                .addEnv("A=1")
                .setCwd("/srv")
                .setCapabilities(
                        LinuxCapabilities.newBuilder()
                                .addBounding("CAP_A")
                                .addEffective("CAP_B")
                                .addInheritable("CAP_C")
                                .addPermitted("CAP_D")
                                .addAmbient("CAP_E"))
                .addRlimits(
                        POSIXRlimit.newBuilder()
                                .setType("RLIMIT_NOFILE")
                                .setSoft(5)
                                .setHard(-1)) // 2^64 - 1
                .setNoNewPrivileges(true)
                .setApparmorProfile("armor")
                .setOOMScoreAdj(-7)
                .setSelinuxLabel("label");
    }

    @Test
    void everythingButTheHostsAffairsReachesTheGuest() {
        Spec expected =
                Spec.newBuilder()
                        .setVersion("1.2.0")
                        .setHostname("box")
                        .putAnnotations("a", "1")
                        .putAnnotations("b", "2")
                        .setRoot(Root.newBuilder().setPath("/rootfs").setReadonly(true))
                        .addMounts(
                                Mount.newBuilder()
                                        .setDestination("/proc")
                                        .setType("proc")
                                        .setSource("p")
                                        .addOptions("nosuid")
                                        .addOptions("ro"))
                        .setProcess(process())
                        .setLinux(linux())
                        .build();
        assertThat(AgentSpec.of(rich())).isEqualTo(expected);
    }

    private static Linux linux() {
        return Linux.newBuilder()
                .addUIDMappings(
                        LinuxIDMapping.newBuilder().setContainerID(0).setHostID(1000).setSize(2))
                .addGIDMappings(
                        LinuxIDMapping.newBuilder().setContainerID(1).setHostID(1001).setSize(3))
                .putSysctl("net.ipv4.ip_forward", "1")
                .setCgroupsPath("/bunkai/c1")
                .addNamespaces(LinuxNamespace.newBuilder().setType("pid"))
                .addNamespaces(LinuxNamespace.newBuilder().setType("network")) // without its path
                .addDevices(
                        LinuxDevice.newBuilder()
                                .setPath("/dev/fuse")
                                .setType("c")
                                .setMajor(10)
                                .setMinor(229)
                                .setFileMode(0666)
                                .setUID(6)
                                .setGID(7))
                .addDevices(
                        LinuxDevice.newBuilder()
                                .setPath("/dev/zero")
                                .setType("c")
                                .setMajor(1)
                                .setMinor(5))
                .setResources(resources())
                .setSeccomp(seccomp())
                .setRootfsPropagation("rslave")
                .addMaskedPaths("/proc/kcore")
                .addReadonlyPaths("/proc/sys")
                .setMountLabel("mount")
                .build();
    }

    private static LinuxResources.Builder resources() {
        return LinuxResources.newBuilder()
                .addDevices(
                        LinuxDeviceCgroup.newBuilder()
                                .setAllow(false)
                                .setMajor(-1) // all
                                .setMinor(-1)
                                .setAccess("rwm"))
                .addDevices(
                        LinuxDeviceCgroup.newBuilder()
                                .setAllow(true)
                                .setType("c")
                                .setMajor(1)
                                .setMinor(3)
                                .setAccess("r"))
                .setMemory(
                        LinuxMemory.newBuilder()
                                .setLimit(100)
                                .setReservation(50)
                                .setSwap(200)
                                .setSwappiness(10)
                                .setDisableOOMKiller(true))
                .setCPU( // without the host's processors and nodes
                        LinuxCPU.newBuilder()
                                .setShares(512)
                                .setQuota(1000)
                                .setPeriod(100_000)
                                .setRealtimeRuntime(8)
                                .setRealtimePeriod(9))
                .setPids(LinuxPids.newBuilder().setLimit(42));
    }

    private static LinuxSeccomp.Builder seccomp() {
        return LinuxSeccomp.newBuilder()
                .setDefaultAction("SCMP_ACT_ERRNO")
                .addArchitectures("SCMP_ARCH_X86_64")
                .addFlags("SECCOMP_FILTER_FLAG_LOG")
                .addSyscalls(
                        LinuxSyscall.newBuilder()
                                .addNames("read")
                                .addNames("write")
                                .setAction("SCMP_ACT_ALLOW")
                                .setErrnoret(1)
                                .addArgs(
                                        LinuxSeccompArg.newBuilder()
                                                .setIndex(1)
                                                .setValue(-1) // 2^64 - 1
                                                .setValueTwo(2)
                                                .setOp("SCMP_CMP_EQ")))
                .addSyscalls(
                        LinuxSyscall.newBuilder()
                                .addNames("clone")
                                .setAction("SCMP_ACT_ALLOW")
                                .addArgs(
                                        LinuxSeccompArg.newBuilder()
                                                .setIndex(0)
                                                .setValue(3)
                                                .setOp("SCMP_CMP_NE")));
    }

    @Test
    void aStorageIsCarriedWordForWord() {
        assertThat(
                        AgentSpec.storage(
                                new Plan.Storage("blk", "05", "erofs", List.of("ro"), "/lower")))
                .isEqualTo(
                        Storage.newBuilder()
                                .setDriver("blk")
                                .setSource("05")
                                .setFstype("erofs")
                                .addOptions("ro")
                                .setMountPoint("/lower")
                                .build());
    }

    @ParameterizedTest
    @CsvSource({
        "app, app, ''",
        "app:staff, app, staff",
        "0:0, 0, 0",
        ":staff, '', staff",
        "a:b:c, a, b:c"
    })
    void aUserHasAnOptionalGroup(String user, String uid, String gid) {
        assertThat(AgentSpec.user(user))
                .contains(StringUser.newBuilder().setUid(uid).setGid(gid).build());
    }

    @Test
    void nobodyNamedIsNobody() {
        assertThat(AgentSpec.user("")).isEmpty();
    }

    @Test
    void aFurtherProcessHasWhatTheContainersHas() {
        ExecRequest request =
                new ExecRequest(List.of("ls"), List.of("B=2"), "", "", Optional.empty(), false);
        assertThat(AgentSpec.exec(request, rich()))
                .isEqualTo(
                        process()
                                .setTerminal(false)
                                .clearConsoleSize()
                                .clearArgs()
                                .addArgs("ls")
                                .addEnv("B=2")
                                .build());
    }

    @Test
    void aFurtherProcessHasATerminalOfItsOwn() {
        ExecRequest request =
                new ExecRequest(
                        List.of("sh"),
                        List.of(),
                        "/tmp",
                        "",
                        Optional.of(new Terminal.Size(1, 2)),
                        true);
        Process process = AgentSpec.exec(request, rich());
        assertThat(process.getTerminal()).isTrue();
        assertThat(process.getConsoleSize())
                .isEqualTo(Box.newBuilder().setHeight(1).setWidth(2).build());
        assertThat(process.getCwd()).isEqualTo("/tmp");
        assertThat(process.getEnvList()).containsExactly("A=1", "TERM=xterm");
    }

    @ParameterizedTest
    @CsvSource({
        // base, added, both; separated by spaces
        "A=1 B=2, A=3,   A=3 B=2",
        "A=1,     B=2,   A=1 B=2",
        "A=1 B=2, A,     B=2",
        "A=1,     C,     A=1",
        "A=1,     A=,    A=",
        "A=1,     A=b=c, A=b=c"
    })
    void theLaterValueStandsInThePlaceOfTheEarlier(String base, String added, String both) {
        assertThat(AgentSpec.mergedEnvironment(List.of(base.split(" ")), List.of(added.split(" "))))
                .containsExactly(both.split(" "));
    }
}
