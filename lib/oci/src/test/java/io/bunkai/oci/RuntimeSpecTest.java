// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.oci.RuntimeSpec.ContainerProcess;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RuntimeSpecTest {
    @Test
    void readsEverySectionAndWritesItBack() {
        String json =
                """
                {"ociVersion":"1.2.0",\
                "process":{"terminal":true,"consoleSize":{"height":24,"width":80},\
                "user":{"uid":1000,"gid":100,"umask":18,"additionalGids":[5,4294967294]},\
                "args":["sh","-c","exit 7"],"env":["A=b"],"cwd":"/w",\
                "capabilities":{"bounding":["CAP_CHOWN"],"ambient":["CAP_KILL"]},\
                "rlimits":[{"type":"RLIMIT_NOFILE","hard":18446744073709551615,"soft":1024}],\
                "noNewPrivileges":true,"oomScoreAdj":0},\
                "root":{"path":"rootfs","readonly":true},"hostname":"h",\
                "mounts":[{"destination":"/proc","type":"proc","source":"proc","options":["nosuid"]}],\
                "hooks":{"poststop":[{"path":"/h","args":["h"],"timeout":3}]},\
                "annotations":{"a":"1","b":"2"},\
                "linux":{"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],\
                "sysctl":{"net.ipv4.ip_forward":"1"},\
                "resources":{"devices":[{"allow":false,"access":"rwm"}],\
                "memory":{"limit":536870912,"swap":0},"cpu":{"quota":200000,"period":100000},\
                "pids":{"limit":0},"blockIO":{"throttleReadIOPSDevice":[{"major":8,"minor":0,"rate":9}]},\
                "hugepageLimits":[{"pageSize":"2MB","limit":4}],"unified":{"memory.high":"1"}},\
                "cgroupsPath":"/bunkai/x","namespaces":[{"type":"pid"},{"type":"network","path":"/n"}],\
                "devices":[{"path":"/dev/fuse","type":"c","major":10,"minor":229,"fileMode":438,"uid":0,"gid":0}],\
                "seccomp":{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64"],\
                "syscalls":[{"names":["clone"],"action":"SCMP_ACT_ALLOW",\
                "args":[{"index":0,"value":2114060288,"op":"SCMP_CMP_MASKED_EQ"}]}]},\
                "maskedPaths":["/proc/kcore"],"readonlyPaths":["/proc/sys"]}}\
                """;
        RuntimeSpec spec = OciJson.read(json.getBytes(UTF_8), RuntimeSpec.class, "config.json");
        assertThat(new String(OciJson.write(spec), UTF_8)).isEqualTo(json);
    }

    @Test
    void ignoresPropertiesThatItDoesNotKnow() {
        RuntimeSpec spec =
                OciJson.read(
                        "{\"vm\":{},\"linux\":{\"intelRdt\":{}},\"hostname\":\"x\"}"
                                .getBytes(UTF_8),
                        RuntimeSpec.class,
                        "config.json");
        assertThat(spec.hostname()).isEqualTo("x");
    }

    @Test
    void defaultsToWhatDockerGives() {
        RuntimeSpec spec = DefaultSpec.of("/rootfs", "/bunkai/c1", List.of("uname", "-r"));
        String json = new String(OciJson.write(spec), UTF_8);

        assertThat(spec.mounts())
                .extracting(RuntimeSpec.Mount::destination)
                .containsExactly(
                        "/proc",
                        "/dev",
                        "/dev/pts",
                        "/dev/shm",
                        "/dev/mqueue",
                        "/sys",
                        "/sys/fs/cgroup");
        assertThat(json)
                .contains(
                        "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},")
                .doesNotContain("network")
                .contains("\"cgroupsPath\":\"/bunkai/c1\"")
                .contains("\"user\":{\"uid\":0,\"gid\":0},\"args\":[\"uname\",\"-r\"]");
        assertThat(DefaultSpec.CAPABILITIES).hasSize(14).doesNotContain("CAP_SYS_ADMIN");
    }

    @Test
    void changesOnePartAndKeepsTheRest() {
        RuntimeSpec spec = DefaultSpec.of("/rootfs", "/c", List.of("true"));
        ContainerProcess process =
                DefaultSpec.process(List.of("sh"))
                        .withCwd("/w")
                        .withEnv(List.of("TOKEN=hush"))
                        .onTerminal(new RuntimeSpec.Box(24, 80));
        RuntimeSpec changed =
                spec.withProcess(process).withHostname("h").withAnnotations(Map.of("k", "v"));

        assertThat(changed.linux()).isEqualTo(spec.linux());
        assertThat(changed.mounts()).isEqualTo(spec.mounts());
        assertThat(changed.process()).isEqualTo(process);
        assertThat(process.toString()).doesNotContain("hush");
        assertThat(process.capabilities()).isEqualTo(DefaultSpec.process(List.of()).capabilities());
    }
}
