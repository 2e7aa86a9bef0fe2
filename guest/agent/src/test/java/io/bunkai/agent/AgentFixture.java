// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.GuestMethods;
import io.bunkai.api.agent.CloseStdinRequest;
import io.bunkai.api.agent.CreateContainerRequest;
import io.bunkai.api.agent.CreateSandboxRequest;
import io.bunkai.api.agent.DestroySandboxRequest;
import io.bunkai.api.agent.ExecProcessRequest;
import io.bunkai.api.agent.Process;
import io.bunkai.api.agent.ReadStreamRequest;
import io.bunkai.api.agent.RemoveContainerRequest;
import io.bunkai.api.agent.Root;
import io.bunkai.api.agent.SignalProcessRequest;
import io.bunkai.api.agent.Spec;
import io.bunkai.api.agent.StartContainerRequest;
import io.bunkai.api.agent.WaitProcessRequest;
import io.bunkai.api.agent.WriteStreamRequest;
import io.bunkai.api.guest.CloseInputRequest;
import io.bunkai.api.guest.OutputKind;
import io.bunkai.api.guest.ReadOutputRequest;
import io.bunkai.api.guest.ReadOutputResponse;
import io.bunkai.api.guest.WriteInputRequest;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Children;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.testkit.MemoryLink;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcClient;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;

/**
 * An agent in this process, with places of its own, and a runtime that speaks to it over
 * connections in memory. Processes are real, and this process becomes the parent of those that crun
 * leaves behind.
 */
final class AgentFixture implements AutoCloseable {
    private static final int LINK_BYTES = 1 << 20;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Reaper REAPER = reaper();

    private final GuestLayout layout;
    private final Mounter mounter;
    private final TtrpcServer server;
    private final List<TtrpcClient> clients = new ArrayList<>();

    private static Reaper reaper() {
        try {
            Children.becomeSubreaper();
        } catch (ErrnoException e) {
            throw new IllegalStateException(e);
        }
        return Reaper.ofThisProcess();
    }

    AgentFixture(Path base, String crun, Mounter mounter, Path cgroups) throws IOException {
        Log.redirect(OutputStream.nullOutputStream());
        layout = layout(base, script(base, crun), cgroups);
        this.mounter = mounter;
        server = AgentMain.server(layout, REAPER, mounter, "test");
    }

    static AgentFixture withFakeCrun(Path base) throws IOException {
        return new AgentFixture(base, "fake-crun", new NotedMounts(), base.resolve("cgroup"));
    }

    static GuestLayout layout(Path base, Path crun, Path cgroups) {
        return new GuestLayout(
                base.resolve("c"),
                base.resolve("w"),
                crun,
                base.resolve("state"),
                cgroups,
                base.resolve("sys"),
                Path.of("/proc"),
                base.resolve("dev"),
                base.resolve("resolv.conf"),
                Duration.ofMillis(20));
    }

    private static Path script(Path base, String name) throws IOException {
        Path script = base.resolve("crun");
        try (InputStream in = AgentFixture.class.getResourceAsStream(name)) {
            Files.write(script, Objects.requireNonNull(in, name).readAllBytes());
        }
        Files.setAttribute(script, "unix:mode", 0755);
        return script;
    }

    GuestLayout layout() {
        return layout;
    }

    Mounter mounter() {
        return mounter;
    }

    /** A host process that has connected. */
    Host connect() {
        CountDownLatch ended = new CountDownLatch(1);
        MemoryLink.End end = connectBytes(ended);
        TtrpcClient client = TtrpcClient.over(end.in(), end.out(), "agent", end);
        clients.add(client);
        return new Host(client, ended);
    }

    /** A connection as the agent's transport sees it: bytes. */
    MemoryLink.End connectBytes() {
        return connectBytes(new CountDownLatch(1));
    }

    private MemoryLink.End connectBytes(CountDownLatch ended) {
        MemoryLink link = MemoryLink.create(LINK_BYTES);
        Thread.ofPlatform()
                .daemon()
                .start(() -> {
                    try {
                        server.serveOn(link.left().in(), link.left().out(), AgentMain.handlers());
                    } catch (IOException e) {
                        // the host went away in the middle of a message
                    } finally {
                        ended.countDown();
                    }
                });
        return link.right();
    }

    @Override
    public void close() {
        try {
            connect()
                    .call(AgentMethods.DESTROY_SANDBOX, DestroySandboxRequest.getDefaultInstance());
        } catch (Fault e) {
            if (e.code() != FaultCode.NOT_FOUND) {
                throw e;
            }
        } finally {
            clients.forEach(TtrpcClient::close);
        }
    }

    /** The calls of a runtime, in its words. */
    record Host(TtrpcClient client, CountDownLatch ended) implements AutoCloseable {
        <Q extends MessageLite, R extends MessageLite> R call(Method<Q, R> method, Q request) {
            try {
                return client.call(method, request, Deadline.after(PATIENCE));
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }

        Host createSandbox() {
            call(
                    AgentMethods.CREATE_SANDBOX,
                    CreateSandboxRequest.newBuilder().setSandboxId("pod").build());
            return this;
        }

        void create(CreateContainerRequest request) {
            call(AgentMethods.CREATE_CONTAINER, request);
        }

        void start(String container) {
            call(
                    AgentMethods.START_CONTAINER,
                    StartContainerRequest.newBuilder().setContainerId(container).build());
        }

        void exec(String container, String exec, String... arguments) {
            exec(container, exec, process(arguments));
        }

        void exec(String container, String exec, Process process) {
            call(
                    AgentMethods.EXEC_PROCESS,
                    ExecProcessRequest.newBuilder()
                            .setContainerId(container)
                            .setExecId(exec)
                            .setProcess(process)
                            .build());
        }

        int await(String container, String exec) {
            return call(
                            AgentMethods.WAIT_PROCESS,
                            WaitProcessRequest.newBuilder()
                                    .setContainerId(container)
                                    .setExecId(exec)
                                    .build())
                    .getStatus();
        }

        int write(String container, String exec, byte[] data) {
            return call(
                            AgentMethods.WRITE_STDIN,
                            WriteStreamRequest.newBuilder()
                                    .setContainerId(container)
                                    .setExecId(exec)
                                    .setData(ByteString.copyFrom(data))
                                    .build())
                    .getLen();
        }

        void closeStdin(String container, String exec) {
            call(
                    AgentMethods.CLOSE_STDIN,
                    CloseStdinRequest.newBuilder()
                            .setContainerId(container)
                            .setExecId(exec)
                            .build());
        }

        ReadOutputResponse readAt(String container, long offset) {
            return readAt(container, OutputKind.STDOUT, offset);
        }

        ReadOutputResponse readAt(String container, OutputKind stream, long offset) {
            return call(
                    GuestMethods.READ_OUTPUT,
                    ReadOutputRequest.newBuilder()
                            .setContainerId(container)
                            .setStream(stream)
                            .setOffset(offset)
                            .build());
        }

        ReadOutputResponse readOldest(String container) {
            return call(
                    GuestMethods.READ_OUTPUT,
                    ReadOutputRequest.newBuilder()
                            .setContainerId(container)
                            .setFromOldest(true)
                            .build());
        }

        long writeAt(String container, long offset, byte[] data) {
            return call(
                            GuestMethods.WRITE_INPUT,
                            WriteInputRequest.newBuilder()
                                    .setContainerId(container)
                                    .setOffset(offset)
                                    .setData(ByteString.copyFrom(data))
                                    .build())
                    .getOffset();
        }

        void closeInput(String container) {
            call(
                    GuestMethods.CLOSE_INPUT,
                    CloseInputRequest.newBuilder().setContainerId(container).build());
        }

        byte[] readOut(String container, String exec) {
            return read(AgentMethods.READ_STDOUT, container, exec);
        }

        byte[] readErr(String container, String exec) {
            return read(AgentMethods.READ_STDERR, container, exec);
        }

        private byte[] read(
                Method<ReadStreamRequest, io.bunkai.api.agent.ReadStreamResponse> method,
                String container,
                String exec) {
            return call(
                            method,
                            ReadStreamRequest.newBuilder()
                                    .setContainerId(container)
                                    .setExecId(exec)
                                    .setLen(32 * 1024)
                                    .build())
                    .getData()
                    .toByteArray();
        }

        /** {@return everything up to the end of standard output} */
        String drain(String container, String exec) {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            byte[] data = readOut(container, exec);
            while (data.length > 0) {
                all.writeBytes(data);
                data = readOut(container, exec);
            }
            return all.toString(StandardCharsets.UTF_8);
        }

        void signal(String container, String exec, int signal) {
            call(
                    AgentMethods.SIGNAL_PROCESS,
                    SignalProcessRequest.newBuilder()
                            .setContainerId(container)
                            .setExecId(exec)
                            .setSignal(signal)
                            .build());
        }

        void remove(String container) {
            call(
                    AgentMethods.REMOVE_CONTAINER,
                    RemoveContainerRequest.newBuilder().setContainerId(container).build());
        }

        /** Goes away, and waits until the agent has noticed. */
        @Override
        public void close() {
            client.close();
            try {
                ended.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** {@return a request for a container without any file system of its own} */
    CreateContainerRequest container(String id, String... arguments) {
        return CreateContainerRequest.newBuilder()
                .setContainerId(id)
                .setExecId(id)
                .setOCI(
                        Spec.newBuilder()
                                .setProcess(process(arguments))
                                .setRoot(
                                        Root.newBuilder()
                                                .setPath(
                                                        layout.containers()
                                                                .resolve(id)
                                                                .resolve("rootfs")
                                                                .toString())))
                .build();
    }

    static Process process(String... arguments) {
        return Process.newBuilder()
                .addAllArgs(List.of(arguments))
                .addEnv("PATH=/usr/bin:/bin")
                .setCwd("/")
                .build();
    }

    /** Takes notes instead of mounting. */
    static final class NotedMounts implements Mounter {
        private final List<String> notes = new ArrayList<>();
        private int missing;

        /** Of so many attempts to mount a shared file system its device has not been found yet. */
        synchronized void findFileSystemAfter(int attempts) {
            missing = attempts;
        }

        synchronized List<String> notes() {
            return List.copyOf(notes);
        }

        @Override
        public synchronized void mount(
                String source, Path target, String type, long flags, String data)
                throws ErrnoException {
            if (type.equals("virtiofs") && missing > 0) {
                missing--;
                throw new ErrnoException("mount", Errno.EINVAL);
            }
            notes.add("mount " + source + " " + target + " " + type + " " + flags + " " + data);
        }

        @Override
        public synchronized void unmount(Path target, int flags) {
            notes.add("unmount " + target);
        }
    }
}
