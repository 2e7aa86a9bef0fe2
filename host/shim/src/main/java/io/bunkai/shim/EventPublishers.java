// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The publishers of all owners of tasks: one for each namespace at each address, made on first use
 * and kept to the end. Any thread may use it.
 */
final class EventPublishers {
    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Map<Target, EventPublisher> publishers = new HashMap<>();
    private boolean closed;

    private record Target(String address, String namespace) {}

    /**
     * {@return where the events of this owner's tasks go}
     *
     * @throws Fault INVALID_ARGUMENT if the owner's address is not one of a unix socket,
     *     FAILED_PRECONDITION after the end
     */
    EventPublisher of(TaskOwner owner) {
        Target target = new Target(owner.eventsAddress(), owner.namespace());
        lock.lock();
        try {
            if (closed) {
                throw Fault.failedPrecondition("the shim is ending, nobody is told of new tasks");
            }
            return publishers.computeIfAbsent(
                    target, t -> new EventPublisher(t.address(), t.namespace()));
        } finally {
            lock.unlock();
        }
    }

    /**
     * Closes all, one after the other.
     *
     * @param atMost how long to wait for all of them together
     */
    void close(Duration atMost) {
        List<EventPublisher> all;
        lock.lock();
        try {
            closed = true;
            all = List.copyOf(publishers.values());
        } finally {
            lock.unlock();
        }
        Deadline deadline = Deadline.after(atMost);
        for (EventPublisher publisher : all) {
            publisher.close(deadline.remaining());
        }
    }
}
