// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.api.AgentMethods;
import io.bunkai.api.agent.Box;
import io.bunkai.api.agent.CreateContainerRequest;
import io.bunkai.api.agent.Linux;
import io.bunkai.api.agent.LinuxCapabilities;
import io.bunkai.api.agent.LinuxNamespace;
import io.bunkai.api.agent.LinuxResources;
import io.bunkai.api.agent.LinuxSeccomp;
import io.bunkai.api.agent.LinuxSyscall;
import io.bunkai.api.agent.Mount;
import io.bunkai.api.agent.POSIXRlimit;
import io.bunkai.api.agent.Process;
import io.bunkai.api.agent.Spec;
import io.bunkai.api.agent.StatsContainerRequest;
import io.bunkai.api.agent.Storage;
import io.bunkai.api.agent.TtyWinResizeRequest;
import io.bunkai.api.agent.User;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Signals;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The agent with the real crun and real mounts: this machine's programs in containers of their own.
 */
class RealCrunTest {
    private static final String CGROUP = "bunkai-agent-test";

    @TempDir Path base;
    private AgentFixture agent;
    private AgentFixture.Host host;

    @BeforeEach
    void startAgent() throws IOException {
        agent = new AgentFixture(base, "isolated-crun", Mounter.KERNEL, cgroups());
        host = agent.connect().createSandbox();
    }

    /** Beside version 1's hierarchies, version 2's has a place of its own. */
    private static Path cgroups() {
        Path unified = Path.of("/sys/fs/cgroup/unified");
        return Files.exists(unified) ? unified : Path.of("/sys/fs/cgroup");
    }

    @AfterEach
    void endAgent() throws IOException {
        agent.close();
        Files.deleteIfExists(cgroups().resolve(CGROUP));
    }

    @Test
    void runsAContainerOnAnOverlayOfItsOwn() throws IOException {
        host.create(container("c1", "/bin/sh", "-c", "echo $$ >/file; cat /file /etc/motd"));
        host.start("c1");
        assertThat(host.drain("c1", "c1")).isEqualTo("1\nfrom below\n");
        assertThat(host.await("c1", "c1")).isZero();
        host.remove("c1");
        assertThat(agent.layout().containers().resolve("c1")).doesNotExist();
        assertThat(Files.readString(Path.of("/proc/self/mounts"))).doesNotContain(base.toString());
    }

    @Test
    void handsIdentityLimitsAndFiltersToTheProcess() {
        host.create(
                container(
                        "c1",
                        "/bin/sh",
                        "-c",
                        "id -u; id -g; id -G; ulimit -n; hostname; grep -c . /proc/self/mounts"
                                + " >/dev/null && grep -E '^(CapEff|Seccomp|NoNewPrivs):'"
                                + " /proc/self/status | tr -s '\\t' ' '"));
        host.start("c1");
        assertThat(host.drain("c1", "c1"))
                .isEqualTo(
                        """
                        33
                        34
                        34 55
                        77
                        boxed
                        CapEff: 0000000000000000
                        NoNewPrivs: 1
                        Seccomp: 2
                        """);
        assertThat(host.await("c1", "c1")).isZero();
    }

    @Test
    void executesFurtherProcessesAndPassesTheirStatusOn() {
        host.create(container("c1", "/bin/sleep", "1000"));
        host.start("c1");
        host.exec("c1", "e1", "/bin/sh", "-c", "echo out; echo err >&2; exit 9");
        assertThat(host.drain("c1", "e1")).isEqualTo("out\n");
        assertThat(host.readErr("c1", "e1")).asString().isEqualTo("err\n");
        assertThat(host.await("c1", "e1")).isEqualTo(9);
        assertFault(FaultCode.NOT_FOUND, "executable file", () -> host.exec("c1", "e2", "/no"));
        assertFault(
                FaultCode.PERMISSION_DENIED,
                "open executable",
                () -> host.exec("c1", "e2", "/etc"));
        host.signal(
                "c1", "c1", Signals.SIGTERM); // sleep does not catch it, as process 1 it ignores it
        assertThat(host.await("c1", "c1")).isEqualTo(137);
    }

    @Test
    void saysThatTheProgramOfAContainerIsMissing() {
        assertFault(
                FaultCode.NOT_FOUND,
                "executable file",
                () -> host.create(container("c1", "nosuch")));
        assertThat(agent.layout().containers().resolve("c1")).doesNotExist();
    }

    @Test
    void givesATerminalThatFollowsTheCallersSize() {
        host.create(container("c1", "/bin/sleep", "1000"));
        host.start("c1");
        Process shell =
                AgentFixture.process("/bin/sh", "-c", "stty size; read x; stty size; exit 5")
                        .toBuilder()
                        .setTerminal(true)
                        .setConsoleSize(Box.newBuilder().setHeight(33).setWidth(44))
                        .build();
        host.exec("c1", "t1", shell);
        assertThat(host.readOut("c1", "t1")).asString().isEqualTo("33 44\r\n");
        host.call(
                AgentMethods.TTY_WIN_RESIZE,
                TtyWinResizeRequest.newBuilder()
                        .setContainerId("c1")
                        .setExecId("t1")
                        .setRow(50)
                        .setColumn(132)
                        .build());
        host.write("c1", "t1", "\n".getBytes(StandardCharsets.UTF_8));
        assertThat(host.drain("c1", "t1")).isEqualTo("\r\n50 132\r\n");
        assertThat(host.await("c1", "t1")).isEqualTo(5);
        assertThat(host.readErr("c1", "t1")).isEmpty();
    }

    @Test
    void aFirstProcessCanHaveATerminalToo() {
        CreateContainerRequest plain = container("c1", "/bin/sh", "-c", "test -t 0 && echo yes");
        Process terminal = plain.getOCI().getProcess().toBuilder().setTerminal(true).build();
        host.create(
                plain.toBuilder().setOCI(plain.getOCI().toBuilder().setProcess(terminal)).build());
        host.start("c1");
        assertThat(host.drain("c1", "c1")).isEqualTo("yes\r\n");
        assertThat(host.await("c1", "c1")).isZero();
    }

    @Test
    void removesARunningContainerWithAllItsProcesses() {
        host.create(container("c1", "/bin/sh", "-c", "sleep 1000 & sleep 1000"));
        host.start("c1");
        host.exec("c1", "e1", "/bin/sleep", "1000");
        assertThat(
                        host.call(
                                        AgentMethods.STATS_CONTAINER,
                                        StatsContainerRequest.newBuilder()
                                                .setContainerId("c1")
                                                .build())
                                .getCgroupStats()
                                .getMemoryStats()
                                .getUseHierarchy())
                .isTrue();
        host.remove("c1");
        assertFault(FaultCode.NOT_FOUND, "no container", () -> host.await("c1", ""));
        assertThat(cgroups().resolve(CGROUP).resolve("c1")).doesNotExist();
    }

    private CreateContainerRequest container(String id, String... arguments) {
        String at = agent.layout().containers().resolve(id).toString();
        Path lower = lower();
        CreateContainerRequest.Builder request = agent.container(id, arguments).toBuilder();
        request.addStorages(
                        Storage.newBuilder()
                                .setDriver("ephemeral")
                                .setFstype("tmpfs")
                                .setMountPoint(at + "/rw"))
                .addStorages(
                        Storage.newBuilder()
                                .setDriver("overlayfs")
                                .setFstype("overlay")
                                .addOptions("lowerdir=" + lower)
                                .addOptions("upperdir=" + at + "/rw/upper")
                                .addOptions("workdir=" + at + "/rw/work")
                                .setMountPoint(at + "/rootfs"));
        Spec.Builder spec = request.getOCI().toBuilder();
        spec.setHostname("boxed")
                .addMounts(mount("/proc", "proc"))
                .addMounts(mount("/dev", "tmpfs"))
                .addMounts(mount("/dev/pts", "devpts"))
                .addMounts(
                        Mount.newBuilder()
                                .setDestination("/usr")
                                .setType("bind")
                                .setSource("/usr")
                                .addAllOptions(List.of("rbind", "ro")))
                .setLinux(linux(id));
        if (String.join(" ", arguments).contains("id -u")) {
            spec.setProcess(
                    spec.getProcess().toBuilder()
                            .setUser(User.newBuilder().setUID(33).setGID(34).addAdditionalGids(55))
                            .setNoNewPrivileges(true)
                            .setCapabilities(LinuxCapabilities.getDefaultInstance())
                            .addRlimits(
                                    POSIXRlimit.newBuilder()
                                            .setType("RLIMIT_NOFILE")
                                            .setSoft(77)
                                            .setHard(77)));
        }
        return request.setOCI(spec).build();
    }

    private Path lower() {
        try {
            Path lower = base.resolve("lower");
            if (!Files.exists(lower)) {
                for (String directory : List.of("usr", "etc", "proc", "dev", "tmp")) {
                    Files.createDirectories(lower.resolve(directory));
                }
                for (String link : List.of("bin", "lib", "lib64")) {
                    Files.createSymbolicLink(lower.resolve(link), Path.of("usr", link));
                }
                Files.writeString(lower.resolve("etc/motd"), "from below\n");
            }
            return lower;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Mount.Builder mount(String destination, String type) {
        Mount.Builder mount =
                Mount.newBuilder().setDestination(destination).setType(type).setSource(type);
        if (type.equals("devpts")) {
            mount.addOptions("newinstance").addOptions("ptmxmode=0666");
        }
        return mount;
    }

    private static Linux linux(String id) {
        Linux.Builder linux =
                Linux.newBuilder()
                        .setCgroupsPath("/" + CGROUP + "/" + id)
                        .setResources(LinuxResources.getDefaultInstance())
                        .addMaskedPaths("/proc/kcore")
                        .addReadonlyPaths("/proc/sys")
                        .setSeccomp(
                                LinuxSeccomp.newBuilder()
                                        .setDefaultAction("SCMP_ACT_ALLOW")
                                        .addArchitectures("SCMP_ARCH_X86_64")
                                        .addSyscalls(
                                                LinuxSyscall.newBuilder()
                                                        .addNames("kexec_load")
                                                        .setAction("SCMP_ACT_ERRNO")
                                                        .setErrnoret(1)));
        for (String type : List.of("pid", "mount", "ipc", "uts", "network")) {
            linux.addNamespaces(LinuxNamespace.newBuilder().setType(type));
        }
        return linux.build();
    }

    private static void assertFault(FaultCode code, String words, Runnable call) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(call::run)
                .withMessageContaining(words)
                .satisfies(e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(code));
    }
}
