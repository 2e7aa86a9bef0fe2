// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** A server that is measured: a process of its own, and a guest that is none connected to it. */
final class BenchPeer implements AutoCloseable {
    /** What Linux 6.1 offers. */
    private static final long LINUX_6_1 = 0xb_7bff_fffbL;

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    final String name;
    final GuestMount mount;
    final int requestQueues;
    private final Process process;
    private final Closer all;

    private BenchPeer(
            String name, Process process, GuestMount mount, int requestQueues, Closer all) {
        this.name = name;
        this.process = process;
        this.mount = mount;
        this.requestQueues = requestQueues;
        this.all = all;
    }

    /**
     * Starts a server.
     *
     * @param command its words, with blanks between them; {@code {socket}} and {@code {share}}
     *     stand for the two that it is told
     * @param slots how many requests can be under way in each queue
     * @throws Fault if it does not come up
     */
    static BenchPeer start(
            String name, String command, Path share, Path folder, int queues, int slots)
            throws IOException {
        Path socket = folder.resolve(name + ".sock");
        List<String> words =
                Arrays.stream(command.strip().split("\\s+"))
                        .map(word ->
                                word.replace("{socket}", socket.toString())
                                        .replace("{share}", share.toString()))
                        .toList();
        try (Closer undo = new Closer()) {
            Process process =
                    new ProcessBuilder(words)
                            .redirectErrorStream(true)
                            .redirectOutput(folder.resolve(name + ".log").toFile())
                            .start();
            undo.onClose(() -> end(process));
            Fd connection = connect(socket, process, folder.resolve(name + ".log"));
            int wanted = queues;
            GuestMount mount = undo.own(GuestMount.connect(connection, wanted, slots));
            mount.init(LINUX_6_1);
            return new BenchPeer(name, process, mount, wanted, undo.release());
        }
    }

    private static Fd connect(Path socket, Process process, Path log) throws IOException {
        Deadline deadline = Deadline.after(PATIENCE);
        while (true) {
            try {
                return UnixSockets.connect(socket);
            } catch (ErrnoException e) {
                if (!process.isAlive() || deadline.hasPassed()) {
                    throw Fault.unavailable("a server did not come up: %s", Files.readString(log))
                            .causedBy(e);
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
            }
        }
    }

    private static void end(Process process) throws InterruptedException {
        if (!process.waitFor(2, TimeUnit.SECONDS)) { // it ends with the connection
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
        }
    }

    /** {@return what the server has computed so far, in nanoseconds, all its processes together} */
    long processorNanos() {
        long nanos = ofProcess(process.pid());
        for (ProcessHandle child : process.descendants().toList()) {
            nanos += ofProcess(child.pid());
        }
        return nanos;
    }

    private static long ofProcess(long pid) {
        long nanos = 0;
        try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
            for (Path thread : threads.toList()) {
                try {
                    String text = Files.readString(thread.resolve("schedstat"));
                    nanos += Long.parseLong(text.substring(0, text.indexOf(' ')));
                } catch (NoSuchFileException _) {
                    // a thread that has just ended; what it did is lost, and was little
                }
            }
        } catch (NoSuchFileException _) {
            return 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return nanos;
    }

    /** {@return proportional set size of the server, in KiB, all its processes together} */
    long memoryKib() throws IOException {
        long kib = 0;
        for (ProcessHandle one :
                Stream.concat(Stream.of(process.toHandle()), process.descendants()).toList()) {
            for (String line :
                    Files.readAllLines(Path.of("/proc/" + one.pid() + "/smaps_rollup"))) {
                if (line.startsWith("Pss:")) {
                    kib += Long.parseLong(line.replaceAll("\\D", ""));
                }
            }
        }
        return kib;
    }

    /** {@return how many descriptors the server has open, all its processes together} */
    long descriptors() throws IOException {
        long count = 0;
        for (ProcessHandle one :
                Stream.concat(Stream.of(process.toHandle()), process.descendants()).toList()) {
            try (Stream<Path> all = Files.list(Path.of("/proc/" + one.pid() + "/fd"))) {
                count += all.count();
            }
        }
        return count;
    }

    @Override
    public void close() {
        all.close();
    }
}
