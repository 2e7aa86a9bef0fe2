// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Fault;
import io.bunkai.runtime.Container;
import io.bunkai.runtime.Containers;
import io.bunkai.ttrpc.TtrpcServer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The task services of all owners, and what is done for one whose connection is lost. Safe for use
 * by several threads.
 */
public final class TaskServices implements TaskDeletion, AutoCloseable {
    /** What a killed process exits with: whoever asks for this deletion takes the task for dead. */
    private static final int KILLED = 137;

    /** What events that have not gone out yet may take when the daemon ends. */
    private static final Duration LAST_EVENTS = Duration.ofSeconds(2);

    private final Containers containers;
    private final TaskReattachment streams;
    private final TaskMetrics.Form metrics;
    private final Duration startPatience;
    private final EventPublishers publishers = new EventPublishers();
    private final Map<Key, OwnerTasks> owners = new HashMap<>(); // guarded by this

    private record Key(String address, String namespace) {}

    /**
     * Makes the services.
     *
     * @param streams what was attached to processes that a former daemon has started
     * @param cgroupMount where the host's control groups are: statistics are told in their form
     * @param startPatience how long making a machine, or starting a process in it, may take
     */
    public TaskServices(
            Containers containers,
            TaskReattachment streams,
            Path cgroupMount,
            Duration startPatience) {
        this.containers = containers;
        this.streams = streams;
        this.metrics = TaskMetrics.Form.ofHost(cgroupMount);
        this.startPatience = startPatience;
    }

    /** {@return what answers an owner's calls; its events go where it says last} */
    public TtrpcServer serverFor(TaskOwner owner) {
        return new TaskService(owner, tasksOf(owner), containers, streams, metrics, startPatience)
                .server();
    }

    private synchronized OwnerTasks tasksOf(TaskOwner owner) {
        EventPublisher events = publishers.of(owner);
        OwnerTasks tasks =
                owners.computeIfAbsent(
                        new Key(owner.address(), owner.namespace()),
                        _ -> new OwnerTasks(owner, containers, streams, events));
        tasks.publishTo(events);
        return tasks;
    }

    @Override
    public DeletedTask delete(TaskOwner owner, String id, Path bundle) {
        OwnerTasks tasks = tasksOf(owner);
        Optional<Container> found = tasks.container(id);
        if (found.isEmpty()) {
            return new DeletedTask(0, KILLED, Instant.now());
        }
        Container container = found.get();
        int pid = container.hostPid();
        try {
            container.remove(true);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.unavailable("deleting task %s was interrupted", id).causedBy(e);
        }
        tasks.find(id).ifPresent(tasks::forget);
        long finished = container.finishedAtMillis();
        return new DeletedTask(
                pid,
                container.ended().map(exit -> exit.code()).orElse(KILLED),
                finished == 0 ? Instant.now() : Instant.ofEpochMilli(finished));
    }

    /** Lets events that have not gone out yet go out, for a moment. */
    @Override
    public void close() {
        publishers.close(LAST_EVENTS);
    }
}
