// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Fault;
import io.bunkai.runtime.Container;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A container as containerd sees it: a task with processes. Safe for use by several threads. */
final class Task {
    private final String id;
    private final Container container;
    private final TaskProcess init;
    private final Map<String, TaskProcess> execs = new LinkedHashMap<>(); // guarded by this

    Task(String id, Container container, TaskProcess init) {
        this.id = id;
        this.container = container;
        this.init = init;
    }

    String id() {
        return id;
    }

    Container container() {
        return container;
    }

    /** {@return where containerd keeps the container's description} */
    String bundle() {
        return TaskNotes.bundle(container.terms());
    }

    TaskProcess init() {
        return init;
    }

    /**
     * {@return a process}
     *
     * @param execId empty for the container's own
     * @throws Fault NOT_FOUND if there is none
     */
    synchronized TaskProcess process(String execId) {
        TaskProcess process = execId.isEmpty() ? init : execs.get(execId);
        if (process == null) {
            throw Fault.notFound("task %s has no process %s", id, TaskRequests.shown(execId));
        }
        return process;
    }

    /** {@return whether it has a further process of this name} */
    synchronized boolean has(String execId) {
        return execs.containsKey(execId);
    }

    /** {@return its further processes that run} */
    synchronized List<TaskProcess> runningExecs() {
        return execs.values().stream()
                .filter(exec -> exec.wasStarted() && !exec.ended().isDone())
                .toList();
    }

    synchronized void add(TaskProcess exec) {
        execs.put(exec.execId(), exec);
    }

    synchronized void remove(TaskProcess exec) {
        execs.remove(exec.execId(), exec);
    }

    /** Closes the streams of all its processes. */
    void closeStreams() {
        List<TaskProcess> all;
        synchronized (this) {
            all = List.copyOf(execs.values());
        }
        init.closeStreams();
        all.forEach(TaskProcess::closeStreams);
    }
}
