// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.GuestMethods;
import io.bunkai.api.HealthMethods;
import io.bunkai.api.HostChannel;
import io.bunkai.api.agent.Box;
import io.bunkai.api.agent.CheckRequest;
import io.bunkai.api.agent.CloseStdinRequest;
import io.bunkai.api.agent.CreateContainerRequest;
import io.bunkai.api.agent.CreateSandboxRequest;
import io.bunkai.api.agent.DestroySandboxRequest;
import io.bunkai.api.agent.ExecProcessRequest;
import io.bunkai.api.agent.GetOOMEventRequest;
import io.bunkai.api.agent.GuestDetailsRequest;
import io.bunkai.api.agent.Linux;
import io.bunkai.api.agent.LinuxCPU;
import io.bunkai.api.agent.LinuxCapabilities;
import io.bunkai.api.agent.LinuxDevice;
import io.bunkai.api.agent.LinuxDeviceCgroup;
import io.bunkai.api.agent.LinuxMemory;
import io.bunkai.api.agent.LinuxNamespace;
import io.bunkai.api.agent.LinuxPids;
import io.bunkai.api.agent.LinuxResources;
import io.bunkai.api.agent.LinuxSeccomp;
import io.bunkai.api.agent.LinuxSyscall;
import io.bunkai.api.agent.Mount;
import io.bunkai.api.agent.OnlineCPUMemRequest;
import io.bunkai.api.agent.POSIXRlimit;
import io.bunkai.api.agent.Process;
import io.bunkai.api.agent.ReadStreamRequest;
import io.bunkai.api.agent.RemoveContainerRequest;
import io.bunkai.api.agent.Root;
import io.bunkai.api.agent.SignalProcessRequest;
import io.bunkai.api.agent.Spec;
import io.bunkai.api.agent.StartContainerRequest;
import io.bunkai.api.agent.StatsContainerRequest;
import io.bunkai.api.agent.Storage;
import io.bunkai.api.agent.UpdateContainerRequest;
import io.bunkai.api.agent.User;
import io.bunkai.api.agent.WaitProcessRequest;
import io.bunkai.api.agent.WriteStreamRequest;
import io.bunkai.api.guest.CloseInputRequest;
import io.bunkai.api.guest.FeaturesRequest;
import io.bunkai.api.guest.OutputKind;
import io.bunkai.api.guest.ReadOutputRequest;
import io.bunkai.api.guest.WriteInputRequest;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Terminal;
import io.bunkai.linux.UnixSockets;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcClient;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Goes through a pod's life with the agent's own code, so that a recording of the Java runtime (an
 * AOT cache) holds what a guest needs.
 *
 * <p>A client in this process speaks to the agent over the real channel; a shell script stands for
 * crun, and nothing is mounted. It works in a bare directory tree without procfs and devices: a
 * step that cannot be done there is skipped, and counted.
 */
final class Training {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String POD = "train";

    /** Makes a process that copies its input to its output, and knows no containers. */
    private static final String CRUN =
            """
            #!/bin/sh
            root=
            pid=
            verb=
            fifo=
            for last; do :; done
            while [ $# -gt 0 ]; do
                case $1 in
                    --root=*) root=${1#--root=} ;;
                    --pid-file) pid=$2; shift ;;
                    create | exec | start) verb=$1 ;;
                esac
                shift
            done
            fifo=$root/$last/exec.fifo
            case $verb in
                create)
                    mkdir -p "$root/$last" && mkfifo "$fifo" || fifo=/dev/null
                    exec 3<&0
                    (read -r _ <"$fifo"; exec cat <&3) &
                    echo $! >"$pid"
                    ;;
                exec)
                    exec 3<&0
                    cat <&3 &
                    echo $! >"$pid"
                    ;;
                start) [ ! -e "$fifo" ] || echo >"$fifo" ;;
            esac
            exit 0
            """;

    private final GuestLayout layout;
    private final TtrpcClient client;
    private int calls;
    private int skipped;

    private Training(GuestLayout layout, TtrpcClient client) {
        this.layout = layout;
        this.client = client;
    }

    /** {@return whether the agent could be spoken to at all} */
    static boolean run(String version) {
        Path base = Path.of("/tmp", "bunkai-train-" + ProcessHandle.current().pid());
        Log.redirect(OutputStream.nullOutputStream());
        try {
            return run(version, base);
        } catch (IOException | RuntimeException e) {
            System.err.println("training failed: " + e);
            return false;
        } finally {
            delete(base);
        }
    }

    private static boolean run(String version, Path base) throws IOException {
        try (Terminal.Pair port = Terminal.open();
                Terminal.RawMode _ = Terminal.raw(port.slave())) {
            GuestLayout layout = prepare(base);
            // What the kernel does for a port of the real kind.
            Files.createSymbolicLink(layout.dev().resolve("vport0p1"), port.slave().path());
            Thread agent = new Thread(() -> serve(layout), "agent");
            agent.setDaemon(true);
            agent.start();
            HostChannel host =
                    HostChannel.open(
                            port.master().input(),
                            port.master().output(),
                            HostChannel.Wire.FRESH,
                            Deadline.after(PATIENCE));
            try (TtrpcClient client =
                    TtrpcClient.over(host.input(), host.output(), "agent", host)) {
                Training training = new Training(layout, client);
                training.goThrough();
                training.rehearse("terminal", training::passATerminal);
                training.rehearse("mounts", training::unmountNothing);
                System.out.println(
                        "trained: version="
                                + version
                                + " calls="
                                + training.calls
                                + " skipped="
                                + training.skipped);
                return training.calls > training.skipped;
            }
        }
    }

    private static void serve(GuestLayout layout) {
        try {
            AgentMain.serve(false, layout, new NoMounts());
        } catch (IOException | InterruptedException | RuntimeException e) {
            // the terminal is closed: training is over
        }
    }

    private interface Rehearsal {
        void run() throws IOException;
    }

    private void rehearse(String name, Rehearsal rehearsal) {
        calls++;
        try {
            rehearsal.run();
        } catch (IOException e) {
            skipped++;
            System.out.println("skipped: " + name + ": " + e.getMessage());
        }
    }

    /** What crun does for a process with a terminal, which a shell cannot. */
    private void passATerminal() throws IOException {
        Path path = layout.work().resolve("socket");
        try (Fd listener = UnixSockets.listen(path);
                Fd crun = UnixSockets.connect(path);
                Fd agent = UnixSockets.accept(listener);
                Terminal.Pair terminal = Terminal.open()) {
            UnixSockets.send(crun, new byte[1], List.of(terminal.master()));
            Signal ended = new Signal();
            try (UnixSockets.Message message = UnixSockets.receive(agent, 1);
                    ProcessIo io = ProcessIo.terminal(message.descriptors().getFirst(), ended)) {
                io.resize(24, 80);
            } finally {
                ended.raise();
            }
        } finally {
            Files.deleteIfExists(path);
        }
    }

    private void unmountNothing() throws IOException {
        try {
            Mounter.KERNEL.unmount(layout.work().resolve("nothing"), 0);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ENOENT) {
                throw e;
            }
        }
    }

    private static GuestLayout prepare(Path base) throws IOException {
        Path sys = base.resolve("sys");
        Files.createDirectories(sys.resolve("bus/pci/devices/0000:00:05.0/virtio0/block/vda"));
        Path dev = Files.createDirectories(base.resolve("dev"));
        Files.createFile(dev.resolve("vda"));
        Path port = Files.createDirectories(sys.resolve("class/virtio-ports/vport0p1"));
        Files.writeString(port.resolve("name"), "agent.channel.0\n");
        Files.createDirectories(base.resolve("proc/self"));
        Files.writeString(base.resolve("proc/cmdline"), "quiet agent.log=info\n");
        Files.writeString(base.resolve("proc/self/environ"), "BUNKAI_EXEC_UPTIME=1.25\0");
        Path crun = Files.writeString(base.resolve("crun"), CRUN);
        Files.setAttribute(crun, "unix:mode", 0755);
        Path etc = Files.createDirectories(base.resolve("c/train/rootfs/etc"));
        Files.writeString(etc.resolve("passwd"), "root:x:0:0:root:/root:/bin/sh\n");
        Files.writeString(etc.resolve("group"), "root:x:0:\n");
        Path cgroup = Files.createDirectories(base.resolve("cgroup/bunkai/train"));
        Files.writeString(cgroup.resolve("memory.current"), "4096\n");
        Files.writeString(cgroup.resolve("memory.stat"), "anon 4096\nfile 0\n");
        Files.writeString(cgroup.resolve("memory.events"), "low 0\noom 0\noom_kill 0\n");
        Files.writeString(cgroup.resolve("cpu.stat"), "usage_usec 1\n");
        Files.writeString(cgroup.resolve("io.stat"), "254:0 rbytes=1 wbytes=1 rios=1 wios=1\n");
        Files.writeString(cgroup.resolve("hugetlb.2MB.current"), "0\n");
        return new GuestLayout(
                base.resolve("c"),
                Files.createDirectories(base.resolve("w")),
                crun,
                base.resolve("state"),
                base.resolve("cgroup"),
                sys,
                base.resolve("proc"),
                dev,
                base.resolve("resolv.conf"),
                PATIENCE);
    }

    private void goThrough() throws IOException {
        call(HealthMethods.CHECK, CheckRequest.getDefaultInstance());
        call(HealthMethods.VERSION, CheckRequest.getDefaultInstance());
        call(GuestMethods.FEATURES, FeaturesRequest.getDefaultInstance());
        call(
                AgentMethods.GET_GUEST_DETAILS,
                GuestDetailsRequest.newBuilder()
                        .setMemBlockSize(true)
                        .setMemHotplugProbe(true)
                        .build());
        call(
                AgentMethods.CREATE_SANDBOX,
                CreateSandboxRequest.newBuilder().setSandboxId(POD).addDns("options").build());
        call(AgentMethods.ONLINE_CPU_MEM, OnlineCPUMemRequest.getDefaultInstance());
        call(AgentMethods.CREATE_CONTAINER, container());
        call(
                AgentMethods.START_CONTAINER,
                StartContainerRequest.newBuilder().setContainerId(POD).build());
        talk("");
        call(
                AgentMethods.EXEC_PROCESS,
                ExecProcessRequest.newBuilder()
                        .setContainerId(POD)
                        .setExecId("exec")
                        .setProcess(process().clearUser().setTerminal(false))
                        .build());
        talk("exec");
        call(
                AgentMethods.STATS_CONTAINER,
                StatsContainerRequest.newBuilder().setContainerId(POD).build());
        call(
                AgentMethods.UPDATE_CONTAINER,
                UpdateContainerRequest.newBuilder()
                        .setContainerId(POD)
                        .setResources(resources())
                        .build());
        call(
                AgentMethods.SIGNAL_PROCESS,
                SignalProcessRequest.newBuilder()
                        .setContainerId(POD)
                        .setExecId("exec")
                        .setSignal(Signals.number("CONT"))
                        .build());
        finish("exec");
        outOfMemory();
        finish("");
        call(
                AgentMethods.REMOVE_CONTAINER,
                RemoveContainerRequest.newBuilder().setContainerId(POD).setTimeout(5).build());
        refused(
                AgentMethods.START_CONTAINER,
                StartContainerRequest.newBuilder().setContainerId(POD).build());
        call(AgentMethods.DESTROY_SANDBOX, DestroySandboxRequest.getDefaultInstance());
    }

    /** An answer that is a failure, as a guest gives them too. */
    private <Q extends MessageLite, R extends MessageLite> void refused(
            Method<Q, R> method, Q request) throws IOException {
        try {
            client.call(method, request, Deadline.after(PATIENCE));
        } catch (Fault e) {
            calls++;
        }
    }

    private void outOfMemory() throws IOException {
        Path events = layout.cgroups().resolve("bunkai/train/memory.events");
        Files.writeString(events, "low 0\noom 1\noom_kill 1\n");
        call(AgentMethods.GET_OOM_EVENT, GetOOMEventRequest.getDefaultInstance());
    }

    private void talk(String exec) throws IOException {
        call(
                AgentMethods.WRITE_STDIN,
                WriteStreamRequest.newBuilder()
                        .setContainerId(POD)
                        .setExecId(exec)
                        .setData(ByteString.copyFrom("hello\n", StandardCharsets.UTF_8))
                        .build());
        call(AgentMethods.READ_STDOUT, read(exec));
        talkByOffsets(exec);
    }

    private void talkByOffsets(String exec) throws IOException {
        ByteString hello = ByteString.copyFrom("hello\n", StandardCharsets.UTF_8);
        call(
                GuestMethods.WRITE_INPUT,
                WriteInputRequest.newBuilder()
                        .setContainerId(POD)
                        .setExecId(exec)
                        .setOffset(hello.size()) // behind the one before
                        .setData(hello)
                        .build());
        call(GuestMethods.READ_OUTPUT, readAt(exec, OutputKind.STDOUT, hello.size()));
        call(
                GuestMethods.READ_OUTPUT,
                readAt(exec, OutputKind.STDOUT, hello.size()).toBuilder()
                        .setFromOldest(true)
                        .build());
    }

    private static ReadOutputRequest readAt(String exec, OutputKind stream, long offset) {
        return ReadOutputRequest.newBuilder()
                .setContainerId(POD)
                .setExecId(exec)
                .setStream(stream)
                .setOffset(offset)
                .setMaxBytes(GuestMethods.MAX_OUTPUT_BYTES)
                .build();
    }

    private void finish(String exec) throws IOException {
        call(
                AgentMethods.CLOSE_STDIN,
                CloseStdinRequest.newBuilder().setContainerId(POD).setExecId(exec).build());
        call(
                AgentMethods.WAIT_PROCESS,
                WaitProcessRequest.newBuilder().setContainerId(POD).setExecId(exec).build());
        call(AgentMethods.READ_STDOUT, read(exec));
        call(AgentMethods.READ_STDERR, read(exec));
        call(GuestMethods.READ_OUTPUT, readAt(exec, OutputKind.STDERR, 0));
        call(
                GuestMethods.CLOSE_INPUT,
                CloseInputRequest.newBuilder().setContainerId(POD).setExecId(exec).build());
    }

    private static ReadStreamRequest read(String exec) {
        return ReadStreamRequest.newBuilder()
                .setContainerId(POD)
                .setExecId(exec)
                .setLen(4096)
                .build();
    }

    private <Q extends MessageLite, R extends MessageLite> void call(Method<Q, R> method, Q request)
            throws IOException {
        calls++;
        try {
            client.call(method, request, Deadline.after(PATIENCE));
        } catch (Fault e) {
            skipped++;
            System.out.println("skipped: " + method.name() + ": " + e.getMessage());
        }
    }

    private CreateContainerRequest container() {
        String base = layout.containers().resolve(POD).toString();
        return CreateContainerRequest.newBuilder()
                .setContainerId(POD)
                .setExecId(POD)
                .addStorages(
                        Storage.newBuilder()
                                .setDriver("blk")
                                .setSource("05")
                                .setFstype("erofs")
                                .addOptions("ro")
                                .setMountPoint(base + "/lower"))
                .addStorages(
                        Storage.newBuilder()
                                .setDriver("ephemeral")
                                .setFstype("tmpfs")
                                .setMountPoint(base + "/rw"))
                .addStorages(
                        Storage.newBuilder()
                                .setDriver("overlayfs")
                                .setFstype("overlay")
                                .addOptions("lowerdir=" + base + "/lower")
                                .addOptions("upperdir=" + base + "/rw/upper")
                                .addOptions("workdir=" + base + "/rw/work")
                                .setMountPoint(base + "/rootfs"))
                .setOCI(
                        Spec.newBuilder()
                                .setVersion("1.0.2")
                                .setProcess(process())
                                .setRoot(Root.newBuilder().setPath(base + "/rootfs"))
                                .setHostname(POD)
                                .addMounts(
                                        Mount.newBuilder()
                                                .setDestination("/proc")
                                                .setType("proc")
                                                .setSource("proc")
                                                .addOptions("nosuid"))
                                .setLinux(linux()))
                .build();
    }

    private static Process.Builder process() {
        List<String> capabilities = List.of("CAP_CHOWN", "CAP_KILL");
        return Process.newBuilder()
                .setConsoleSize(Box.newBuilder().setHeight(24).setWidth(80))
                .setUser(User.newBuilder().setUsername("root"))
                .addArgs("cat")
                .addEnv("PATH=/bin")
                .setCwd("/")
                .setCapabilities(
                        LinuxCapabilities.newBuilder()
                                .addAllBounding(capabilities)
                                .addAllEffective(capabilities)
                                .addAllPermitted(capabilities))
                .addRlimits(
                        POSIXRlimit.newBuilder()
                                .setType("RLIMIT_NOFILE")
                                .setHard(1024)
                                .setSoft(1024))
                .setNoNewPrivileges(true);
    }

    private static Linux linux() {
        Linux.Builder linux =
                Linux.newBuilder()
                        .setResources(resources())
                        .addDevices(
                                LinuxDevice.newBuilder()
                                        .setPath("/dev/null")
                                        .setType("c")
                                        .setMajor(1)
                                        .setMinor(3)
                                        .setFileMode(0666))
                        .setSeccomp(
                                LinuxSeccomp.newBuilder()
                                        .setDefaultAction("SCMP_ACT_ERRNO")
                                        .addArchitectures("SCMP_ARCH_X86_64")
                                        .addSyscalls(
                                                LinuxSyscall.newBuilder()
                                                        .addNames("read")
                                                        .setAction("SCMP_ACT_ALLOW")))
                        .addMaskedPaths("/proc/kcore")
                        .addReadonlyPaths("/proc/sys");
        for (String type : List.of("pid", "mount", "ipc", "uts", "cgroup", "network")) {
            linux.addNamespaces(LinuxNamespace.newBuilder().setType(type));
        }
        return linux.build();
    }

    private static LinuxResources resources() {
        return LinuxResources.newBuilder()
                .addDevices(LinuxDeviceCgroup.newBuilder().setType("a").setAccess("rwm"))
                .setMemory(LinuxMemory.newBuilder().setLimit(64 << 20))
                .setCPU(LinuxCPU.newBuilder().setShares(512).setQuota(50_000).setPeriod(100_000))
                .setPids(LinuxPids.newBuilder().setLimit(64))
                .build();
    }

    private static void delete(Path path) {
        String[] names =
                Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS) ? path.toFile().list() : null;
        if (names != null) {
            for (String name : names) {
                delete(path.resolve(name));
            }
        }
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            System.err.println("left behind: " + path);
        }
    }

    /** Makes directories look mounted. */
    private static final class NoMounts implements Mounter {
        @Override
        public void mount(String source, Path target, String type, long flags, String data)
                throws ErrnoException {}

        @Override
        public void unmount(Path target, int flags) throws ErrnoException {}
    }
}
