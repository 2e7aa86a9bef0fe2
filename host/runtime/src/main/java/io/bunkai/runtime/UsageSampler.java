// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.base.NanoClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * Finds out what containers use. All guests and file servers are asked at the same time and have
 * the same moment until which they may answer: however many of them are silent, a sample takes no
 * longer than that.
 */
public final class UsageSampler {
    private static final System.Logger LOG = System.getLogger(UsageSampler.class.getName());

    /** How long guests and file servers have for their answers. */
    public static final Duration PATIENCE = Duration.ofSeconds(1);

    private final NanoClock clock;

    /** A sampler that takes its moments from this clock. */
    public UsageSampler(NanoClock clock) {
        this.clock = clock;
    }

    /** What is on its way for a container. */
    private record Asked(
            Container container,
            ContainerRecord record,
            Optional<FutureTask<GuestUsage>> guest,
            Optional<FutureTask<FileUsage>> files) {}

    /**
     * {@return what each of these uses, in their order; of one without a machine little more than
     * its state}
     *
     * @param patience how long guests and file servers have for their answers
     * @throws Fault CANCELLED if the thread is interrupted (and still is)
     */
    public List<Usage> sample(List<Container> containers, Duration patience) {
        Deadline deadline = Deadline.after(patience, clock);
        List<Asked> all = containers.stream().map(container -> ask(container, deadline)).toList();
        List<Usage> usages = new ArrayList<>();
        for (Asked asked : all) {
            usages.add(usage(asked, deadline));
        }
        return usages;
    }

    private Asked ask(Container container, Deadline deadline) {
        ContainerRecord record = container.record();
        if (!hasMachine(record)) {
            return new Asked(container, record, Optional.empty(), Optional.empty());
        }
        long machineBytes = record.plan().machine().memory().size().bytes();
        return new Asked(
                container,
                record,
                Optional.of(
                        fork(
                                "stats of the guest of " + container.id(),
                                () ->
                                        GuestUsage.of(
                                                container.stats(deadline),
                                                machineBytes,
                                                clock.nanos()))),
                FileServer.control(record.plan())
                        .map(control ->
                                fork(
                                        "stats of the file server of " + container.id(),
                                        () -> FileUsage.of(control.counters(deadline)))));
    }

    private static boolean hasMachine(ContainerRecord record) {
        return switch (record.phase()) {
            case PREPARED, RUNNING -> record.exit().isEmpty();
            case CREATED, STARTING, ENDING, ENDED, REMOVING -> false;
        };
    }

    private static <T> FutureTask<T> fork(String name, Callable<T> question) {
        FutureTask<T> task = new FutureTask<>(question);
        Thread.ofVirtual().name(name).start(task);
        return task;
    }

    private Usage usage(Asked asked, Deadline deadline) {
        ContainerRecord record = asked.record();
        boolean hasMachine = hasMachine(record);
        Optional<ProcessUsage> hypervisor =
                hasMachine ? record.vmm().flatMap(ProcessUsage::of) : Optional.empty();
        Optional<ProcessUsage> fileServer =
                hasMachine ? record.server().flatMap(ProcessUsage::of) : Optional.empty();
        Optional<HostUsage> host =
                hasMachine
                        ? Optional.of(
                                HostUsage.of(
                                        record.plan().cgroups(),
                                        Stream.of(hypervisor, fileServer)
                                                .flatMap(Optional::stream)
                                                .toList(),
                                        clock.nanos()))
                        : Optional.empty();
        return new Usage(
                record.id(),
                record.name(),
                ContainerView.stateOf(record),
                record.plan().sizing().vcpus(),
                record.plan().machine().memory().size().bytes(),
                asked.guest().flatMap(task -> answer(asked.container(), task, deadline)),
                host,
                hypervisor,
                fileServer,
                asked.files().flatMap(task -> answer(asked.container(), task, deadline)));
    }

    /**
     * Who is late is interrupted and not waited for: a guest can delay the making of a session
     * beyond the deadline of a call.
     */
    private static <T> Optional<T> answer(
            Container container, FutureTask<T> task, Deadline deadline) {
        try {
            return Optional.of(task.get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            task.cancel(true);
            return Optional.empty();
        } catch (ExecutionException e) {
            LOG.log(
                    e.getCause() instanceof Fault
                            ? System.Logger.Level.DEBUG
                            : System.Logger.Level.WARNING,
                    "no figures container={0} reason={1}",
                    container.id(),
                    String.valueOf(e.getCause()));
            return Optional.empty();
        } catch (InterruptedException e) {
            task.cancel(true);
            Thread.currentThread().interrupt();
            throw Fault.of(
                    FaultCode.CANCELLED,
                    "waiting for the figures of %s was interrupted",
                    container.id());
        }
    }
}
