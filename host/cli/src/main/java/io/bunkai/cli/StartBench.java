// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.AttachRequest;
import io.bunkai.api.control.AttachResponse;
import io.bunkai.api.control.ContainerSummary;
import io.bunkai.api.control.CreateRequest;
import io.bunkai.api.control.ListRequest;
import io.bunkai.api.control.RemoveRequest;
import io.bunkai.api.control.ShutdownRequest;
import io.bunkai.api.control.StartRequest;
import io.bunkai.api.control.TraceRequest;
import io.bunkai.api.control.TraceStep;
import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.ProcessTime;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** A daemon of its own, whose starts are measured. */
final class StartBench implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double MICROS_PER_SECOND = 1e6;

    /** Its process waits, so that its machine can be looked at after the first output. */
    private static final CreateRequest CONTAINER =
            CreateRequest.newBuilder()
                    .addAllArgs(List.of("sh", "-c", "echo up; read -r line"))
                    .setStdin(true)
                    .build();

    private final Daemon daemon;
    private final int process;
    private final Closer owned;

    private StartBench(Daemon daemon, Closer owned) {
        this.daemon = daemon;
        this.process = daemon.version().getPid();
        this.owned = owned;
    }

    /**
     * What a start took.
     *
     * @param cpuSeconds of processor time, QEMU's and the daemon's and its children's, until the
     *     first output
     * @param wallSeconds from the request until the first output
     * @param readyCpuSeconds of QEMU until the agent has answered
     */
    record Figures(double cpuSeconds, double wallSeconds, double readyCpuSeconds) {}

    /**
     * Starts a daemon, with everything that a later start finds done: a disk of the image, and the
     * template if there is to be one, out of which a clone has started.
     */
    static StartBench open(Surroundings surroundings, boolean templates) throws Exception {
        try (Closer undo = new Closer()) {
            Path folder = Files.createTempDirectory("bkb-");
            undo.onClose(() -> delete(folder));
            Path configuration = folder.resolve("configuration.toml");
            Files.writeString(configuration, "[factory]\nenable_template = " + templates + "\n");
            Daemon daemon =
                    new DaemonLauncher(
                                    new StateRoot(folder),
                                    surroundings.programs(),
                                    surroundings.environment())
                            .startWith(List.of("--config", configuration.toString()));
            undo.own(daemon);
            undo.onClose(() -> stop(daemon));
            StartBench bench = new StartBench(daemon, undo.release());
            try {
                if (templates) {
                    daemon.await(ControlMethods.CREATE_TEMPLATE, CONTAINER);
                }
                bench.start().remove();
                return bench;
            } catch (Exception e) {
                bench.close();
                throw e;
            }
        }
    }

    /**
     * Measures several by turns, so that a busy machine is unfair to all of them.
     *
     * @return by the names, in their order, a figure for each start
     */
    static Map<String, List<Figures>> byTurns(Map<String, StartBench> benches, int runs, int atOnce)
            throws Exception {
        Map<String, List<Figures>> all = new LinkedHashMap<>();
        for (int done = 0; done < runs; done += atOnce) {
            int count = Math.min(atOnce, runs - done);
            for (Map.Entry<String, StartBench> bench : benches.entrySet()) {
                all.computeIfAbsent(bench.getKey(), _ -> new ArrayList<>())
                        .addAll(bench.getValue().measure(count));
            }
        }
        return all;
    }

    private List<Figures> measure(int count) throws Exception {
        double before = daemonSeconds();
        List<Started> started = together(count, this::start);
        double share = (daemonSeconds() - before) / count;
        List<Figures> figures = new ArrayList<>();
        for (Started one : started) {
            figures.add(new Figures(one.vmmSeconds + share, one.wallSeconds, readySeconds(one.id)));
        }
        together(started.size(), removals(started));
        return figures;
    }

    private static Callable<Object> removals(List<Started> started) {
        var next = started.iterator();
        return () -> {
            Started one;
            synchronized (next) {
                one = next.next();
            }
            one.remove();
            return one;
        };
    }

    private double daemonSeconds() {
        return ProcessTime.withChildren(process).toNanos() / NANOS_PER_SECOND;
    }

    private static <T> List<T> together(int count, Callable<T> work) throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
            List<Future<T>> running = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                running.add(threads.submit(work));
            }
            List<T> done = new ArrayList<>();
            for (Future<T> one : running) {
                done.add(one.get());
            }
            return done;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    /** A container that has said its first word, and waits. */
    private final class Started {
        private final String id;
        private final double wallSeconds;
        private final double vmmSeconds;
        private final Closer streams;

        Started(String id, double wallSeconds, double vmmSeconds, Closer streams) {
            this.id = id;
            this.wallSeconds = wallSeconds;
            this.vmmSeconds = vmmSeconds;
            this.streams = streams;
        }

        void remove() {
            daemon.call(
                    ControlMethods.REMOVE,
                    RemoveRequest.newBuilder().setContainer(id).setForce(true).build(),
                    LIMIT);
            streams.close();
        }
    }

    private Started start() throws Exception {
        try (Closer streams = new Closer()) {
            long begin = System.nanoTime();
            String id = daemon.await(ControlMethods.CREATE, CONTAINER).getId();
            AttachResponse attached =
                    daemon.call(
                            ControlMethods.ATTACH,
                            AttachRequest.newBuilder()
                                    .setContainer(id)
                                    .setStdin(true)
                                    .setStdout(true)
                                    .setStderr(true)
                                    .build());
            String socket = attached.getIoSocket();
            streams.own(Daemon.openStream(socket, attached.getStdinToken()));
            streams.own(Daemon.openStream(socket, attached.getStderrToken()));
            SocketChannel output =
                    streams.own(Daemon.openStream(socket, attached.getStdoutToken()));
            daemon.await(ControlMethods.START, StartRequest.newBuilder().setContainer(id).build());
            InputStream in = Channels.newInputStream(output);
            if (in.read() < 0) {
                throw Fault.unavailable("a container ended without a word").withHint("bunkai logs");
            }
            double wall = (System.nanoTime() - begin) / NANOS_PER_SECOND;
            double vmm = ProcessTime.ofThreads(vmm(id)).toNanos() / NANOS_PER_SECOND;
            return new Started(id, wall, vmm, streams.release());
        }
    }

    private int vmm(String id) {
        return daemon
                .call(ControlMethods.LIST, ListRequest.getDefaultInstance())
                .getContainersList()
                .stream()
                .filter(container -> container.getId().equals(id))
                .mapToInt(ContainerSummary::getVmmPid)
                .findFirst()
                .orElseThrow(() -> Fault.unavailable("container %s is gone", id));
    }

    private double readySeconds(String id) {
        return daemon
                        .call(
                                ControlMethods.TRACE,
                                TraceRequest.newBuilder().setContainer(id).build())
                        .getStepsList()
                        .stream()
                        .filter(step -> step.getName().equals("agent.ready"))
                        .mapToLong(TraceStep::getVmmCpuMicros)
                        .findFirst()
                        .orElseThrow(() -> Fault.internal("the start has no step agent.ready"))
                / MICROS_PER_SECOND;
    }

    private static void stop(Daemon daemon) {
        ProcessIdentity identity = ProcessIdentity.of(daemon.version().getPid()).orElse(null);
        daemon.call(
                ControlMethods.SHUTDOWN,
                ShutdownRequest.newBuilder().setStopContainers(true).build(),
                LIMIT);
        if (identity != null) {
            DaemonCommand.awaitEnd(identity);
        }
    }

    private static void delete(Path folder) throws IOException {
        Files.walkFileTree(
                folder,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(
                            Path directory, @Nullable IOException failure) throws IOException {
                        Files.delete(directory);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }

    /** Ends the daemon and all its containers, and deletes everything. */
    @Override
    public void close() {
        owned.close();
    }
}
