// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Signals;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One container: its processes, its control group, and what was mounted for it.
 *
 * <p>Thread-safe: the monitor guards the fields and is never held while crun runs or a process is
 * waited for; {@code lifecycle} makes start and removal wait for each other.
 */
final class Container {
    /** Ended execs that are kept for someone who still asks for their exit. */
    private static final int MOST_ENDED = 128;

    private static final int HEX = 16;

    private final String id;
    private final Path bundle;
    private final Path root;
    private final Cgroup cgroup;
    private final List<Path> mounts;
    private final GuestProcess init;
    private final Map<String, GuestProcess> execs = new LinkedHashMap<>();
    private final Set<String> reserved = new HashSet<>();
    private final Object lifecycle = new Object();
    private boolean started;
    private boolean removed;

    Container(
            String id,
            Path bundle,
            Path root,
            Cgroup cgroup,
            List<Path> mounts,
            GuestProcess init) {
        this.id = id;
        this.bundle = bundle;
        this.root = root;
        this.cgroup = cgroup;
        this.mounts = List.copyOf(mounts);
        this.init = init;
    }

    String id() {
        return id;
    }

    Path bundle() {
        return bundle;
    }

    Path root() {
        return root;
    }

    Cgroup cgroup() {
        return cgroup;
    }

    GuestProcess init() {
        return init;
    }

    /** {@return mount points in the order in which they were mounted} */
    List<Path> mounts() {
        return mounts;
    }

    /** What start and removal hold, each for as long as it takes. */
    Object lifecycle() {
        return lifecycle;
    }

    /** Notes that the first process may begin. */
    synchronized void markStarted() {
        if (removed) {
            throw gone();
        }
        if (started) {
            throw Fault.failedPrecondition("container %s was already started", id);
        }
        started = true;
    }

    /** Notes that it is being removed. {@return whether it was not before} */
    synchronized boolean markRemoved() {
        boolean first = !removed;
        removed = true;
        return first;
    }

    /** {@return whether removal has not begun} */
    synchronized boolean isThere() {
        return !removed;
    }

    /** A removal that failed can be tried again. */
    synchronized void markStillThere() {
        removed = false;
    }

    private Fault gone() {
        return Fault.notFound("no container %s", id);
    }

    /** Refuses what needs a running container. */
    synchronized void requireRunning() {
        if (removed) {
            throw gone();
        }
        if (!started || init.hasEnded()) {
            throw Fault.failedPrecondition("container %s is not running", id);
        }
    }

    /**
     * Takes an exec id for a process that is about to be made; {@link #add} or {@link #release}
     * follows. An id whose process has ended can be taken again.
     */
    synchronized void reserve(String execId) {
        requireRunning();
        GuestProcess there = execs.get(execId);
        if (execId.equals(init.id())
                || execId.equals(id)
                || (there != null && !there.hasEnded())
                || !reserved.add(execId)) {
            throw Fault.alreadyExists("container %s has a process %s", id, execId);
        }
    }

    /** Gives a taken exec id back, if it still is. */
    synchronized void release(String execId) {
        reserved.remove(execId);
    }

    /** Takes over a process that was just made. */
    synchronized void add(GuestProcess process) {
        reserved.remove(process.id());
        GuestProcess former = execs.put(process.id(), process);
        if (former != null) {
            former.close();
        }
        if (removed) {
            process.close();
        }
        int ended = 0;
        for (GuestProcess exec : execs.values()) {
            ended += exec.hasEnded() ? 1 : 0;
        }
        Iterator<GuestProcess> oldest = execs.values().iterator();
        while (ended > MOST_ENDED && oldest.hasNext()) {
            GuestProcess exec = oldest.next();
            if (exec.hasEnded()) {
                oldest.remove();
                exec.close();
                ended--;
            }
        }
    }

    /**
     * {@return the process that a request means}
     *
     * @param execId empty, or the container's id: the first process
     * @throws Fault NOT_FOUND if there is none
     */
    synchronized GuestProcess process(String execId) {
        if (execId.isEmpty() || execId.equals(init.id()) || execId.equals(id)) {
            return init;
        }
        GuestProcess exec = execs.get(execId);
        if (exec == null) {
            throw Fault.notFound("container %s has no process %s", id, Log.printable(execId));
        }
        return exec;
    }

    /**
     * Signals the first process. A SIGTERM that it does not catch becomes a SIGKILL: the kernel
     * keeps uncaught signals from the first process of a PID namespace, and nobody gains by
     * waiting.
     */
    boolean signalInit(int signal, Path proc) throws ErrnoException {
        boolean promoted = signal == Signals.SIGTERM && !catches(proc, init.pid(), signal);
        return init.signal(promoted ? Signals.SIGKILL : signal);
    }

    private static boolean catches(Path proc, int pid, int signal) {
        try {
            Path status = proc.resolve(Integer.toString(pid)).resolve("status");
            for (String line : Files.readAllLines(status, StandardCharsets.ISO_8859_1)) {
                if (line.startsWith("SigCgt:")) {
                    long mask =
                            Long.parseUnsignedLong(line.substring("SigCgt:".length()).strip(), HEX);
                    return ((mask >>> (signal - 1)) & 1) != 0;
                }
            }
        } catch (IOException | NumberFormatException e) {
            // it has ended, or nothing is known: leave the signal as it is
        }
        return true;
    }

    /** Signals every process of the container. */
    void signalAll(int signal) throws IOException {
        if (!cgroup.exists()) {
            init.signal(signal);
            for (GuestProcess exec : processes()) {
                exec.signal(signal);
            }
        } else if (signal == Signals.SIGKILL) {
            cgroup.kill();
        } else {
            cgroup.signal(signal);
        }
    }

    /** {@return whether all processes that the agent knows have ended by then} */
    boolean awaitEnd(Deadline deadline) throws InterruptedException {
        for (GuestProcess process : processes()) {
            if (process.exit().await(deadline).isEmpty()) {
                return false;
            }
        }
        return true;
    }

    private synchronized List<GuestProcess> processes() {
        List<GuestProcess> all = new ArrayList<>(execs.values());
        all.add(init);
        return all;
    }

    /** Closes all streams; whoever reads gets the end of the stream. */
    void closeStreams() {
        for (GuestProcess process : processes()) {
            process.close();
        }
    }

    /** {@return the PID namespace of its first process, to be joined by another container} */
    Optional<Path> pidNamespace(Path proc) {
        @Nullable Path namespace =
                init.hasEnded()
                        ? null
                        : proc.resolve(Integer.toString(init.pid())).resolve("ns/pid");
        return Optional.ofNullable(namespace);
    }
}
