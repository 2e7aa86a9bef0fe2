// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import com.google.protobuf.MessageLite;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.GuestMethods;
import io.bunkai.api.agent.CgroupStats;
import io.bunkai.api.agent.CreateContainerRequest;
import io.bunkai.api.agent.CreateSandboxRequest;
import io.bunkai.api.agent.ExecProcessRequest;
import io.bunkai.api.agent.MemoryStats;
import io.bunkai.api.agent.OOMEvent;
import io.bunkai.api.agent.ReadStreamRequest;
import io.bunkai.api.agent.ReadStreamResponse;
import io.bunkai.api.agent.StatsContainerResponse;
import io.bunkai.api.agent.UpdateContainerRequest;
import io.bunkai.api.agent.WaitProcessResponse;
import io.bunkai.api.agent.WriteStreamResponse;
import io.bunkai.api.guest.CloseInputResponse;
import io.bunkai.api.guest.FeaturesResponse;
import io.bunkai.api.guest.OutputKind;
import io.bunkai.api.guest.ReadOutputRequest;
import io.bunkai.api.guest.ReadOutputResponse;
import io.bunkai.api.guest.WriteInputResponse;
import io.bunkai.base.Fault;
import io.bunkai.ttrpc.Call;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcServer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * An agent without a guest: Kata's protocol over processes that are programs of the test. A test
 * replaces what it wants answered differently.
 */
public final class ScriptedAgent {
    private final Map<String, ScriptedProcess> processes = new ConcurrentHashMap<>();
    private final BlockingQueue<ScriptedProcess> started = new LinkedBlockingQueue<>();
    private final List<String> calls = new ArrayList<>(); // guarded by itself
    private final Map<String, Answer<?, ?>> answers = new ConcurrentHashMap<>();
    private final AtomicReference<CompletableFuture<Void>> oom =
            new AtomicReference<>(new CompletableFuture<>());
    private volatile ScriptedProcess.Program program;
    private volatile ScriptedProcess.Program execProgram = process -> process.exit(0);
    private volatile @Nullable CreateSandboxRequest sandbox;
    private volatile @Nullable CreateContainerRequest container;
    private volatile @Nullable UpdateContainerRequest update;
    private final AtomicLong oomKills = new AtomicLong();
    private volatile boolean acknowledged;
    private volatile int mostBytes = Integer.MAX_VALUE;

    /** Another answer than the agent's own. */
    @FunctionalInterface
    public interface Answer<Q, R> {
        /** {@return the answer} */
        R answer(Q request, Call call) throws Exception;
    }

    ScriptedAgent(ScriptedProcess.Program program) {
        this.program = program;
    }

    /** From now on this method is answered like this. */
    public <Q extends MessageLite, R extends MessageLite> void answer(
            Method<Q, R> method, Answer<Q, R> answer) {
        answers.put(method.path(), answer);
    }

    /** From now on this method is answered with the agent's own answer again. */
    public void answerAgain(Method<?, ?> method) {
        answers.remove(method.path());
    }

    /** What further processes do; they exit with 0 if nothing is said. */
    public void execProgram(ScriptedProcess.Program other) {
        execProgram = other;
    }

    /** From the next session on it is ours and not Kata's: it keeps output until it is had. */
    public void offerAcknowledgedStreams() {
        acknowledged = true;
    }

    /** No answer has more output than this. */
    public void handOutAtMost(int bytes) {
        mostBytes = bytes;
    }

    /** A process of the container runs out of memory. */
    public void runOutOfMemory() {
        oomKills.incrementAndGet();
        oom.get().complete(null);
    }

    /** What the statistics say, without an event. */
    public void countOomKill() {
        oomKills.incrementAndGet();
    }

    /** Starts a container's process, as StartContainer does. */
    public void startContainer(String id) {
        start(process(id), program);
    }

    /** {@return the next process that was started} */
    public ScriptedProcess awaitStart() throws InterruptedException {
        return started.take();
    }

    /** {@return the names of the methods called so far, in their order} */
    public List<String> calls() {
        synchronized (calls) {
            return List.copyOf(calls);
        }
    }

    /** Waits until a method has been called so often in all. */
    public void awaitCalls(Method<?, ?> method, int count) throws InterruptedException {
        synchronized (calls) {
            while (Collections.frequency(calls, method.name()) < count) {
                calls.wait();
            }
        }
    }

    private void note(Method<?, ?> method) {
        synchronized (calls) {
            calls.add(method.name());
            calls.notifyAll();
        }
    }

    /** {@return what CreateSandbox was called with, if it was} */
    public @Nullable CreateSandboxRequest sandbox() {
        return sandbox;
    }

    /** {@return what UpdateContainer was called with last, if it was} */
    public @Nullable UpdateContainerRequest update() {
        return update;
    }

    /** {@return what CreateContainer was called with, if it was} */
    public @Nullable CreateContainerRequest container() {
        return container;
    }

    TtrpcServer server() {
        TtrpcServer.Builder server = TtrpcServer.builder().maxConcurrentCalls(2000);
        offer(server, AgentMethods.SET_GUEST_DATE_TIME, (_, _) -> Empty.getDefaultInstance());
        offer(server, AgentMethods.RESEED_RANDOM_DEV, (_, _) -> Empty.getDefaultInstance());
        offer(
                server,
                AgentMethods.CREATE_SANDBOX,
                (request, _) -> {
                    sandbox = request;
                    return Empty.getDefaultInstance();
                });
        offer(
                server,
                AgentMethods.CREATE_CONTAINER,
                (request, _) -> {
                    container = request;
                    add(request.getExecId(), request.getOCI().getProcess());
                    return Empty.getDefaultInstance();
                });
        offer(
                server,
                AgentMethods.START_CONTAINER,
                (request, _) -> {
                    startContainer(request.getContainerId());
                    return Empty.getDefaultInstance();
                });
        offer(server, AgentMethods.EXEC_PROCESS, (request, _) -> exec(request));
        offer(
                server,
                AgentMethods.SIGNAL_PROCESS,
                (request, _) -> {
                    ScriptedProcess process = process(request.getExecId());
                    if (process.end().isDone()) {
                        throw Fault.notFound("process %s has ended", request.getExecId());
                    }
                    process.signal(request.getSignal());
                    return Empty.getDefaultInstance();
                });
        offer(
                server,
                AgentMethods.WAIT_PROCESS,
                (request, call) ->
                        WaitProcessResponse.newBuilder()
                                .setStatus(await(process(request.getExecId()).end(), call))
                                .build());
        offer(server, AgentMethods.READ_STDOUT, (request, call) -> read(request, false, call));
        offer(server, AgentMethods.READ_STDERR, (request, call) -> read(request, true, call));
        offer(
                server,
                AgentMethods.WRITE_STDIN,
                (request, _) -> {
                    process(request.getExecId()).input(request.getData().toByteArray());
                    return WriteStreamResponse.newBuilder()
                            .setLen(request.getData().size())
                            .build();
                });
        offer(
                server,
                AgentMethods.CLOSE_STDIN,
                (request, _) -> {
                    process(request.getExecId()).endInput();
                    return Empty.getDefaultInstance();
                });
        offer(
                server,
                AgentMethods.TTY_WIN_RESIZE,
                (request, _) -> {
                    process(request.getExecId()).resize(request.getRow(), request.getColumn());
                    return Empty.getDefaultInstance();
                });
        offer(
                server,
                AgentMethods.STATS_CONTAINER,
                (_, _) ->
                        StatsContainerResponse.newBuilder()
                                .setCgroupStats(
                                        CgroupStats.newBuilder()
                                                .setMemoryStats(
                                                        MemoryStats.newBuilder()
                                                                .putStats(
                                                                        "oom_kill",
                                                                        oomKills.get())))
                                .build());
        offer(
                server,
                AgentMethods.GET_OOM_EVENT,
                (_, call) -> {
                    CompletableFuture<Void> next = oom.get();
                    await(next, call);
                    oom.compareAndSet(next, new CompletableFuture<>()); // each is told once
                    return OOMEvent.newBuilder().setContainerId("any").build();
                });
        offer(server, AgentMethods.REMOVE_CONTAINER, (_, _) -> Empty.getDefaultInstance());
        offer(
                server,
                AgentMethods.DESTROY_SANDBOX,
                (_, _) -> {
                    sandbox = null;
                    return Empty.getDefaultInstance();
                });
        offer(server, AgentMethods.PAUSE_CONTAINER, (_, _) -> Empty.getDefaultInstance());
        offer(server, AgentMethods.RESUME_CONTAINER, (_, _) -> Empty.getDefaultInstance());
        offer(server, AgentMethods.COPY_FILE, (_, _) -> Empty.getDefaultInstance());
        offer(
                server,
                AgentMethods.UPDATE_CONTAINER,
                (request, _) -> {
                    update = request;
                    return Empty.getDefaultInstance();
                });
        if (acknowledged) {
            acknowledgedStreams(server);
        }
        return server.build();
    }

    private void acknowledgedStreams(TtrpcServer.Builder server) {
        offer(
                server,
                GuestMethods.FEATURES,
                (_, _) ->
                        FeaturesResponse.newBuilder()
                                .addFeatures(GuestMethods.ACKNOWLEDGED_STREAMS)
                                .build());
        offer(server, GuestMethods.READ_OUTPUT, this::readOutput);
        offer(
                server,
                GuestMethods.WRITE_INPUT,
                (request, _) ->
                        WriteInputResponse.newBuilder()
                                .setOffset(
                                        process(request.getExecId())
                                                .inputAt(
                                                        request.getOffset(),
                                                        request.getData().toByteArray()))
                                .build());
        offer(
                server,
                GuestMethods.CLOSE_INPUT,
                (request, _) -> {
                    process(request.getExecId()).endInput();
                    return CloseInputResponse.getDefaultInstance();
                });
    }

    private ReadOutputResponse readOutput(ReadOutputRequest request, Call call) {
        ScriptedProcess.FakePipe pipe =
                process(request.getExecId()).output(request.getStream() == OutputKind.STDERR);
        AtomicBoolean gone = new AtomicBoolean();
        call.onAbandoned(() -> {
            gone.set(true);
            pipe.wake();
        });
        try {
            return pipe.readAt(
                    request.getFromOldest() ? -1 : request.getOffset(),
                    Math.min(mostBytes, request.getMaxBytes()),
                    gone::get);
        } catch (InterruptedException e) {
            throw Fault.unavailable("the asker has gone");
        }
    }

    private <Q extends MessageLite, R extends MessageLite> void offer(
            TtrpcServer.Builder server, Method<Q, R> method, Answer<Q, R> own) {
        server.method(
                method,
                (request, call) -> {
                    note(method);
                    // Put in by answer(), whose signature ties both types to the method.
                    @SuppressWarnings("unchecked")
                    Answer<Q, R> other = (Answer<Q, R>) answers.get(method.path());
                    return (other == null ? own : other).answer(request, call);
                });
    }

    private ScriptedProcess add(String id, io.bunkai.api.agent.Process description) {
        ScriptedProcess process = new ScriptedProcess(id, description);
        if (processes.putIfAbsent(id, process) != null) {
            throw Fault.alreadyExists("there is a process %s", id);
        }
        return process;
    }

    /** Makes a further process and starts it, as ExecProcess does. */
    public Empty exec(ExecProcessRequest request) {
        start(add(request.getExecId(), request.getProcess()), execProgram);
        return Empty.getDefaultInstance();
    }

    private void start(ScriptedProcess process, ScriptedProcess.Program script) {
        started.add(process);
        Thread.ofVirtual()
                .name("guest process " + process.id())
                .start(() -> {
                    try {
                        script.run(process);
                    } catch (Exception e) {
                        process.exit(99);
                    }
                });
    }

    private ScriptedProcess process(String id) {
        ScriptedProcess process = processes.get(id);
        if (process == null) {
            throw Fault.notFound("no process %s", id);
        }
        return process;
    }

    private static <T> T await(CompletableFuture<T> event, Call call)
            throws InterruptedException, ExecutionException {
        CountDownLatch woken = new CountDownLatch(1);
        CompletableFuture<Void> _ = event.thenRun(woken::countDown);
        call.onAbandoned(woken::countDown);
        woken.await();
        if (!event.isDone()) {
            throw Fault.unavailable("the asker has gone");
        }
        return event.get();
    }

    private ReadStreamResponse read(ReadStreamRequest request, boolean ofError, Call call) {
        ScriptedProcess.FakePipe pipe = process(request.getExecId()).output(ofError);
        AtomicBoolean gone = new AtomicBoolean();
        call.onAbandoned(() -> {
            gone.set(true);
            pipe.wake();
        });
        try {
            return ReadStreamResponse.newBuilder()
                    .setData(
                            ByteString.copyFrom(
                                    pipe.read(Math.min(mostBytes, request.getLen()), gone::get)))
                    .build();
        } catch (InterruptedException e) {
            throw Fault.unavailable("the asker has gone");
        }
    }
}
