// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Fault;
import io.bunkai.runtime.Container;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.ExecRecord;
import io.bunkai.runtime.Owner;
import io.bunkai.runtime.ProcessExit;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The tasks of one owner: those that this daemon has made, and those that it has found. Safe for
 * use by several threads.
 */
final class OwnerTasks {
    private final String address;
    private final String namespace;
    private final Containers containers;
    private final TaskReattachment reattached;
    private final Map<String, Task> tasks = new HashMap<>(); // guarded by this
    private volatile EventPublisher events;

    /** Finds the owner's tasks. */
    OwnerTasks(
            TaskOwner owner,
            Containers containers,
            TaskReattachment reattached,
            EventPublisher events) {
        this.address = owner.address();
        this.namespace = owner.namespace();
        this.containers = containers;
        this.reattached = reattached;
        this.events = events;
        for (Container container : containers.all()) {
            container.terms().owner().filter(this::isThis).ifPresent(known -> adopt(container));
        }
    }

    private boolean isThis(Owner other) {
        return other.address().equals(address) && other.namespace().equals(namespace);
    }

    private void adopt(Container container) {
        Owner owner = container.terms().owner().orElseThrow();
        TaskProcess init = new TaskProcess("", TaskNotes.stdio(container.terms().notes()));
        reattached.take(owner, "").ifPresent(init::own);
        Task task = new Task(owner.id(), container, init);
        add(task);
        for (ExecRecord exec : container.execs()) {
            TaskProcess process = new TaskProcess(exec.id(), TaskNotes.stdio(exec.notes()));
            reattached.take(owner, exec.id()).ifPresent(process::own);
            switch (exec.stage()) {
                case PREPARED, STARTING -> {}
                case STARTED, ENDED -> process.markStarted();
            }
            task.add(process);
            follow(task, process);
        }
    }

    String namespace() {
        return namespace;
    }

    /** Events go there from now on. */
    void publishTo(EventPublisher publisher) {
        events = publisher;
    }

    void publish(TaskEvent event) {
        events.publish(event);
    }

    /** Takes up a task: its end, and what its memory does, are told from now on. */
    void add(Task task) {
        synchronized (this) {
            tasks.put(task.id(), task);
        }
        task.container().onOutOfMemory(() -> publish(new TaskEvent.OutOfMemory(task.id())));
        follow(task, task.init());
    }

    /** Tells of the end of a process, once it comes. */
    void follow(Task task, TaskProcess process) {
        Container container = task.container();
        CompletableFuture<Void> _ =
                container
                        .exit(process.execId())
                        .thenAccept(exit -> ended(task, process, exit))
                        .thenRunAsync(process::closeStreams, Thread::startVirtualThread);
    }

    private void ended(Task task, TaskProcess process, ProcessExit exit) {
        boolean isInit = process == task.init();
        long finished =
                isInit
                        ? task.container().finishedAtMillis()
                        : task.container().finishedAtMillis(process.execId());
        Instant at = finished == 0 ? Instant.now() : Instant.ofEpochMilli(finished);
        process.end(
                exit,
                at,
                () -> {
                    // Of a further process that never ran, containerd is told nothing.
                    if (isInit || process.wasStarted()) {
                        publish(
                                new TaskEvent.Exited(
                                        task.id(),
                                        isInit ? task.id() : process.execId(),
                                        task.container().hostPid(),
                                        exit.code(),
                                        at));
                    }
                });
    }

    /** {@return the task with this id, if there is one} */
    synchronized Optional<Task> find(String id) {
        return Optional.ofNullable(tasks.get(id));
    }

    /**
     * {@return the task with this id}
     *
     * @throws Fault NOT_FOUND if there is none
     */
    Task get(String id) {
        return find(id).orElseThrow(() ->
                Fault.notFound(
                        "there is no task %s in namespace %s", TaskRequests.shown(id), namespace));
    }

    /** The task is no more. */
    void forget(Task task) {
        synchronized (this) {
            tasks.remove(task.id(), task);
        }
        task.closeStreams();
    }

    /** {@return the container that belongs to this owner by this id, if there is one} */
    Optional<Container> container(String id) {
        return containers.find(new Owner(address, namespace, id));
    }
}
