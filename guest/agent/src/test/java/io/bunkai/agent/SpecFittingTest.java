// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.api.agent.Linux;
import io.bunkai.api.agent.LinuxNamespace;
import io.bunkai.api.agent.Process;
import io.bunkai.api.agent.Root;
import io.bunkai.api.agent.Spec;
import io.bunkai.api.agent.StringUser;
import io.bunkai.api.agent.User;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpecFittingTest {
    @TempDir Path base;
    private GuestLayout layout;

    @BeforeEach
    void makePlaces() {
        layout = AgentFixture.layout(base, base.resolve("crun"), base.resolve("cgroup"));
    }

    @Test
    void takesANamespaceWithAPathForThePodsWhichIsTheMachines() {
        OciJson.Sanitised json =
                fit(Linux.newBuilder()
                                .addNamespaces(namespace("ipc", "/proc/4711/ns/ipc"))
                                .addNamespaces(namespace("uts", "/proc/4711/ns/uts"))
                                .addNamespaces(namespace("network", "/var/run/netns/x"))
                                .addNamespaces(namespace("cgroup", ""))
                                .addNamespaces(namespace("pid", "/proc/4711/ns/pid"))
                                .build())
                        .json();
        assertThat(json.namespaces()).isEqualTo(Map.of("mount", "", "pid", "", "cgroup", ""));
        assertThat(json.hostname()).isEmpty();
    }

    @Test
    void keepsNewNamespacesAndTheHostnameThatGoesWithOne() {
        OciJson.Sanitised json =
                fit(Linux.newBuilder()
                                .addNamespaces(namespace("uts", ""))
                                .addNamespaces(namespace("ipc", ""))
                                .putSysctl("kernel/shmmax", "17")
                                .build())
                        .json();
        assertThat(json.namespaces())
                .isEqualTo(Map.of("mount", "", "pid", "", "uts", "", "ipc", ""));
        assertThat(json.hostname()).isEqualTo("name");
        assertThat(json.sysctls()).isEqualTo(Map.of("kernel.shmmax", "17"));
    }

    @Test
    void joinsThePidNamespaceOfAnotherContainer() {
        SpecFitting.Fitted fitted =
                SpecFitting.fit(
                        layout, "c1", spec(Linux.getDefaultInstance()), Path.of("/proc/9/ns/pid"));
        assertThat(fitted.json().namespaces()).containsEntry("pid", "/proc/9/ns/pid");
    }

    @Test
    void setsSysctlsOfTheSharedNetworkForTheMachine() throws IOException {
        Path file = base.resolve("proc/sys/net/core/somaxconn");
        Files.createDirectories(file.getParent());
        Files.createFile(file);
        SpecFitting.Fitted fitted =
                fit(Linux.newBuilder().putSysctl("net.core.somaxconn", "99").build());
        assertThat(fitted.json().sysctls()).isEmpty();
        SpecFitting.apply(withProc(base.resolve("proc")), fitted.sharedSysctls());
        assertThat(file).hasContent("99");
    }

    @Test
    void refusesSysctlsOfTheWholeMachine() {
        assertRefused(() -> fit(Linux.newBuilder().putSysctl("kernel.panic", "1").build()));
        assertRefused(() ->
                SpecFitting.apply(withProc(base.resolve("proc")), Map.of("net.....panic", "1")));
    }

    @Test
    void givesEveryContainerAControlGroup() {
        assertThat(cgroup("")).isEqualTo("/bunkai/c1");
        assertThat(cgroup("system.slice:docker:c1")).isEqualTo("/bunkai/c1");
        assertThat(cgroup("/kubepods/pod1/c1")).isEqualTo("/kubepods/pod1/c1");
        assertThat(cgroup("docker/c1")).isEqualTo("/docker/c1");
        assertRefused(() -> cgroup("/a/../.."));
        assertRefused(() -> cgroup("/"));
    }

    @Test
    void refusesARootThatIsNotBeneathTheContainers() {
        for (String path : List.of("/", "", "rootfs", "/etc", base + "/c/../etc", base + "/c")) {
            Spec spec =
                    spec(Linux.getDefaultInstance()).toBuilder()
                            .setRoot(Root.newBuilder().setPath(path))
                            .build();
            assertRefused(() -> SpecFitting.fit(layout, "c1", spec, null));
        }
    }

    @Test
    void refusesAContainerWithoutAProcess() {
        Spec spec =
                spec(Linux.getDefaultInstance()).toBuilder()
                        .setProcess(Process.getDefaultInstance())
                        .build();
        assertRefused(() -> SpecFitting.fit(layout, "c1", spec, null));
    }

    @Test
    void findsUsersByNameInTheContainersOwnFiles() throws IOException {
        Files.createDirectories(base.resolve("root/etc"));
        Files.writeString(base.resolve("root/etc/passwd"), "web:x:33:34::/:/bin/sh\n");
        Files.writeString(base.resolve("root/etc/group"), "web:x:34:\nlogs:x:55:web\n");
        Process named =
                Process.newBuilder()
                        .setUser(User.newBuilder().setUsername("web").addAdditionalGids(7))
                        .build();
        assertThat(
                        SpecFitting.withUser(
                                        named,
                                        StringUser.getDefaultInstance(),
                                        base.resolve("root"))
                                .getUser())
                .isEqualTo(
                        User.newBuilder()
                                .setUID(33)
                                .setGID(34)
                                .addAdditionalGids(55)
                                .addAdditionalGids(7)
                                .build());
        StringUser asked =
                StringUser.newBuilder()
                        .setUid("33")
                        .setGid("logs")
                        .addAdditionalGids("web")
                        .build();
        assertThat(
                        SpecFitting.withUser(
                                        Process.getDefaultInstance(), asked, base.resolve("root"))
                                .getUser())
                .isEqualTo(User.newBuilder().setUID(33).setGID(55).addAdditionalGids(34).build());
    }

    @Test
    void leavesAProcessWithNumbersAlone() {
        Process numbers =
                Process.newBuilder().setUser(User.newBuilder().setUID(5).setGID(6)).build();
        assertThat(SpecFitting.withUser(numbers, StringUser.getDefaultInstance(), Path.of("/none")))
                .isSameAs(numbers);
    }

    private SpecFitting.Fitted fit(Linux linux) {
        return SpecFitting.fit(layout, "c1", spec(linux), null);
    }

    private String cgroup(String path) {
        return fit(Linux.newBuilder().setCgroupsPath(path).build()).json().cgroupsPath();
    }

    private Spec spec(Linux linux) {
        return Spec.newBuilder()
                .setProcess(AgentFixture.process("sh"))
                .setRoot(Root.newBuilder().setPath(base + "/c/c1/rootfs"))
                .setHostname("name")
                .setLinux(linux)
                .build();
    }

    private static LinuxNamespace namespace(String type, String path) {
        return LinuxNamespace.newBuilder().setType(type).setPath(path).build();
    }

    private GuestLayout withProc(Path proc) {
        return new GuestLayout(
                layout.containers(),
                layout.work(),
                layout.crun(),
                layout.crunState(),
                layout.cgroups(),
                layout.sys(),
                proc,
                layout.dev(),
                layout.resolvConf(),
                layout.hotplugTimeout());
    }

    private static void assertRefused(ThrowingCallable call) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(call)
                .satisfies(e -> assertThat(e.code()).isEqualTo(FaultCode.INVALID_ARGUMENT));
    }
}
