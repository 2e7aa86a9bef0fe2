// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.api.agent.CreateContainerRequest;
import io.bunkai.api.agent.CreateSandboxRequest;
import io.bunkai.api.agent.ExecProcessRequest;
import io.bunkai.api.agent.KernelModule;
import io.bunkai.api.agent.LinuxResources;
import io.bunkai.api.agent.Process;
import io.bunkai.api.agent.Spec;
import io.bunkai.api.agent.Storage;
import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Machine;
import io.bunkai.linux.Mounts;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The pod that this machine is: what all containers share, and the table of them.
 *
 * <p>Containers are made and removed on the threads of the requests. The monitor guards the table;
 * an id is reserved in it before the work begins, so that two requests never make the same
 * container.
 */
final class Sandbox {
    private static final Duration DESTRUCTION = Duration.ofSeconds(20);
    private static final Duration MODULE = Duration.ofSeconds(20);
    private static final int MOST_MODULE_CHARACTERS = 256;

    /** Names beneath the containers' directory that are not containers. */
    private static final Set<String> RESERVED = Set.of("sandbox", "shared", "image", "passthrough");

    private final GuestLayout layout;
    private final Reaper reaper;
    private final Crun crun;
    private final Mounter mounter;
    private final Storages storages;
    private final Devices devices;
    private final OomEvents oom = new OomEvents();
    private final CopiedFiles copies;
    private final AtomicLong files = new AtomicLong();

    private final Map<String, Container> containers = new LinkedHashMap<>();
    private final Set<String> inCreation = new HashSet<>();
    private final List<Path> mounts = new ArrayList<>();
    private @Nullable String id;
    private boolean sharesPids;
    private boolean resolverIsBound;

    Sandbox(GuestLayout layout, Reaper reaper, Mounter mounter) throws IOException {
        this.layout = layout;
        this.reaper = reaper;
        this.mounter = mounter;
        this.storages = new Storages(layout, mounter);
        this.devices = new Devices(layout, storages);
        this.copies = new CopiedFiles(layout);
        this.crun = new Crun(reaper, layout.crun(), layout.crunState(), layout.work());
        Files.createDirectories(layout.work());
        Files.createDirectories(layout.containers());
    }

    /** {@return where files of the host are taken to} */
    CopiedFiles files() {
        return copies;
    }

    OomEvents oom() {
        return oom;
    }

    /** Makes the machine a pod. */
    void create(CreateSandboxRequest request) throws IOException, InterruptedException {
        String name = request.getSandboxId().isEmpty() ? "sandbox" : request.getSandboxId();
        synchronized (this) {
            if (id != null) {
                throw Fault.alreadyExists("the sandbox is there: %s", id);
            }
            id = Names.checked("sandbox id", name);
            sharesPids = request.getSandboxPidns();
        }
        try (Closer undo = new Closer()) {
            undo.onClose(this::forget);
            for (KernelModule module : request.getKernelModulesList()) {
                load(module);
            }
            if (!request.getHostname().isEmpty()) {
                Machine.setHostname(request.getHostname());
            }
            if (request.getDnsCount() > 0) {
                resolver(request.getDnsList());
            }
            List<Path> mounted = new ArrayList<>();
            for (Storage storage : request.getStoragesList()) {
                Path target = storages.attach(storage, "sandbox");
                undo.onClose(() -> storages.detach(target));
                mounted.add(target);
            }
            synchronized (this) {
                mounts.addAll(mounted);
            }
            undo.release();
        }
        Log.info("sandbox created id=" + name);
    }

    private synchronized void forget() {
        id = null;
        sharesPids = false;
    }

    private void load(KernelModule module) throws ErrnoException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("/sbin/modprobe"));
        command.add(Names.checked("kernel module", module.getName()));
        command.addAll(module.getParametersList());
        int length = 0;
        for (String word : command) {
            length += word.length();
        }
        if (length > MOST_MODULE_CHARACTERS) {
            throw Fault.invalidArgument("too many parameters for module %s", module.getName());
        }
        Reaper.Child child = reaper.spawn(Spawn.of(command));
        ExitStatus status =
                child.exit()
                        .await(Deadline.after(MODULE))
                        .orElseThrow(() -> Fault.deadlineExceeded("modprobe did not end"));
        if (status.shellCode() != 0) {
            throw Fault.failedPrecondition(
                    "kernel module %s was not loaded: modprobe %s", module.getName(), status);
        }
    }

    /** The guest's own file may lie on a read-only root, so another is bound over it. */
    private void resolver(List<String> lines) throws IOException {
        Path own = layout.containers().resolve("sandbox/resolv.conf");
        Files.createDirectories(own.resolveSibling("."));
        Files.writeString(own, String.join("\n", lines) + "\n");
        if (Files.isRegularFile(layout.resolvConf())) {
            mounter.mount(own.toString(), layout.resolvConf(), "bind", Mounts.MS_BIND, "");
            synchronized (this) {
                resolverIsBound = true;
            }
        }
    }

    /** Makes a container, up to the point where its first process waits to begin. */
    void createContainer(CreateContainerRequest request) throws IOException, InterruptedException {
        String container = Names.checked("container id", request.getContainerId());
        String execId = request.getExecId().isEmpty() ? container : request.getExecId();
        Names.checked("exec id", execId);
        if (RESERVED.contains(container)) {
            throw Fault.invalidArgument("'%s' is no container id: the name is taken", container);
        }
        synchronized (this) {
            if (containers.containsKey(container) || !inCreation.add(container)) {
                throw Fault.alreadyExists("container %s exists", container);
            }
        }
        try {
            Container made = make(request, container, execId);
            synchronized (this) {
                containers.put(container, made);
            }
        } finally {
            synchronized (this) {
                inCreation.remove(container);
            }
        }
    }

    private Container make(CreateContainerRequest request, String container, String execId)
            throws IOException, InterruptedException {
        refuseWhatIsNotThere(request);
        Spec spec = devices.fit(request.getOCI(), request.getDevicesList());
        SpecFitting.Fitted fitted = SpecFitting.fit(layout, container, spec, pidNamespace(request));
        Path bundle = layout.containers().resolve(container);
        Path config = bundle.resolve("config.json");
        List<Path> mounted = new ArrayList<>();
        try (Closer undo = new Closer()) {
            Files.createDirectories(bundle);
            undo.onClose(() -> removeQuietly(bundle));
            for (Storage storage : request.getStoragesList()) {
                Path target = storages.attach(storage, container);
                undo.onClose(() -> storages.detach(target));
                mounted.add(target);
            }
            SpecFitting.apply(layout, fitted.sharedSysctls());
            Path root = fitted.json().rootPath();
            Process process =
                    SpecFitting.withUser(spec.getProcess(), request.getStringUser(), root);
            Files.writeString(config, OciJson.config(spec, process, fitted.json()));
            undo.onClose(() -> removeQuietly(config));
            long begin = Machine.bootMicros();
            GuestProcess init = crun.create(container, execId, bundle, process.getTerminal());
            Log.step("crun.create", container, begin);
            Cgroup cgroup =
                    new Cgroup(layout.cgroups().resolve(fitted.json().cgroupsPath().substring(1)));
            oom.watch(container, cgroup);
            undo.release();
            Log.info(
                    "container created id="
                            + container
                            + " root="
                            + root
                            + " cwd="
                            + process.getCwd()
                            + " args="
                            + String.join(",", process.getArgsList()));
            return new Container(container, bundle, root, cgroup, mounted, init);
        }
    }

    private static void refuseWhatIsNotThere(CreateContainerRequest request) {
        if (request.getSharedMountsCount() > 0) {
            throw Fault.unimplemented("this agent shares no mounts between containers");
        }
        if (request.getStdinPort() != 0
                || request.getStdoutPort() != 0
                || request.getStderrPort() != 0) {
            throw Fault.unimplemented("this agent carries streams in calls only");
        }
    }

    /** With one PID namespace for the pod, it is that of the first container that still runs. */
    private synchronized @Nullable Path pidNamespace(CreateContainerRequest request) {
        if (!request.getSandboxPidns() && !sharesPids) {
            return null;
        }
        for (Container container : containers.values()) {
            Path namespace = container.pidNamespace(layout.proc()).orElse(null);
            if (namespace != null) {
                return namespace;
            }
        }
        return null;
    }

    private static void removeQuietly(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            Log.debug("left behind: " + path);
        }
    }

    /** Lets a container's first process begin. */
    void startContainer(String containerId) throws IOException, InterruptedException {
        Container container = container(containerId);
        synchronized (container.lifecycle()) {
            container.markStarted();
            long begin = Machine.bootMicros();
            crun.start(container.id());
            Log.step("crun.start", container.id(), begin);
        }
    }

    /** Runs another process in a container. */
    void exec(ExecProcessRequest request) throws IOException, InterruptedException {
        Container container = container(request.getContainerId());
        String execId = Names.checked("exec id", request.getExecId());
        if (request.getProcess().getArgsCount() == 0) {
            throw Fault.invalidArgument("exec %s has no process to run", execId);
        }
        container.reserve(execId);
        try {
            exec(container, execId, request);
        } finally {
            container.release(execId);
        }
    }

    private void exec(Container container, String execId, ExecProcessRequest request)
            throws IOException, InterruptedException {
        Process process =
                SpecFitting.withUser(
                        request.getProcess(), request.getStringUser(), container.root());
        Path file = layout.work().resolve(files.incrementAndGet() + ".json");
        try {
            Files.writeString(file, OciJson.process(process));
            long begin = Machine.bootMicros();
            container.add(crun.exec(container.id(), execId, file, process.getTerminal()));
            Log.step("crun.exec", container.id(), begin);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /** Signals one process, or with an empty exec id all of the container. */
    void signal(String containerId, String execId, int signal) throws IOException {
        Container container = container(containerId);
        if (signal < 0 || signal > Signals.number("64")) {
            throw Fault.invalidArgument("%d is no signal", signal);
        }
        if (execId.isEmpty()) {
            container.signalAll(signal);
            return;
        }
        GuestProcess process = container.process(execId);
        boolean sent =
                process == container.init()
                        ? container.signalInit(signal, layout.proc())
                        : process.signal(signal);
        if (!sent) {
            throw Fault.notFound("process %s of container %s has ended", execId, containerId);
        }
    }

    /** Changes a container's limits. */
    void update(String containerId, LinuxResources resources)
            throws IOException, InterruptedException {
        Container container = container(containerId);
        Path file = layout.work().resolve(files.incrementAndGet() + ".json");
        try {
            Files.writeString(file, OciJson.resources(resources));
            crun.update(container.id(), file);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /**
     * Ends a container and removes what was made for it.
     *
     * @throws Fault DEADLINE_EXCEEDED if its processes do not end in time; it can be tried again
     */
    void removeContainer(String containerId, Deadline deadline)
            throws IOException, InterruptedException {
        Container container = container(containerId);
        synchronized (container.lifecycle()) {
            if (!container.markRemoved()) {
                throw Fault.notFound("no container %s", containerId);
            }
            boolean done = false;
            try {
                if (!container.init().hasEnded()) {
                    container.signalAll(Signals.SIGKILL);
                }
                if (!container.awaitEnd(deadline)) {
                    throw Fault.deadlineExceeded("container %s does not end", containerId);
                }
                crun.delete(container.id());
                done = true;
            } finally {
                if (!done) {
                    container.markStillThere();
                }
            }
        }
        oom.look(containerId);
        oom.forget(containerId);
        container.closeStreams();
        for (Path mount : container.mounts().reversed()) {
            storages.detach(mount);
        }
        removeQuietly(container.bundle().resolve("config.json"));
        removeQuietly(container.bundle());
        synchronized (this) {
            containers.remove(containerId);
        }
    }

    /** Ends everything; the machine is as it was before there was a pod. */
    void destroy() throws IOException, InterruptedException {
        Deadline deadline = Deadline.after(DESTRUCTION);
        List<String> all;
        synchronized (this) {
            if (id == null) {
                throw Fault.notFound("there is no sandbox");
            }
            all = new ArrayList<>(containers.keySet());
        }
        for (String container : all.reversed()) {
            removeContainer(container, deadline);
        }
        List<Path> shared;
        synchronized (this) {
            shared = new ArrayList<>(mounts);
            mounts.clear();
        }
        for (Path mount : shared.reversed()) {
            storages.detach(mount);
        }
        unbindResolver();
        forget();
        Log.info("sandbox destroyed");
    }

    private void unbindResolver() {
        boolean bound;
        synchronized (this) {
            bound = resolverIsBound;
            resolverIsBound = false;
        }
        try {
            if (bound) {
                mounter.unmount(layout.resolvConf(), Mounts.UMOUNT_NOFOLLOW | Mounts.MNT_DETACH);
            }
        } catch (ErrnoException e) {
            Log.warning(String.valueOf(e.getMessage()));
        }
        removeQuietly(layout.containers().resolve("sandbox/resolv.conf"));
    }

    /**
     * {@return the container with this id}
     *
     * @throws Fault NOT_FOUND if there is none
     */
    synchronized Container container(String containerId) {
        Container container = containers.get(containerId);
        if (container == null || !container.isThere()) {
            throw Fault.notFound("no container %s", Log.printable(containerId));
        }
        return container;
    }
}
