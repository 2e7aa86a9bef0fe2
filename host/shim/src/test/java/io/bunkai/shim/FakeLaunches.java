// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Fault;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Notes what it is asked, and answers the same to everybody. Thread-safe. */
final class FakeLaunches implements Launches {
    static final DeletedTask DELETED =
            new DeletedTask(4711, 10, Instant.ofEpochSecond(1_800_000_010L, 13));

    private final String address;
    private final List<TaskOwner> starts = new ArrayList<>(); // guarded by this
    private final List<Deletion> deletions = new ArrayList<>(); // guarded by this
    private volatile Optional<RuntimeException> failure = Optional.empty();

    record Deletion(TaskOwner owner, String id, Path bundle) {}

    FakeLaunches(String address) {
        this.address = address;
    }

    /** From now on nothing works. */
    void failWith(RuntimeException e) {
        failure = Optional.of(e);
    }

    @Override
    public synchronized String socketFor(TaskOwner owner) {
        starts.add(owner);
        fail();
        return address;
    }

    @Override
    public synchronized DeletedTask delete(TaskOwner owner, String id, Path bundle) {
        deletions.add(new Deletion(owner, id, bundle));
        fail();
        return DELETED;
    }

    private void fail() {
        if (failure.isPresent()) {
            RuntimeException e = failure.get();
            throw e instanceof Fault fault ? fault : e;
        }
    }

    synchronized List<TaskOwner> starts() {
        return List.copyOf(starts);
    }

    synchronized List<Deletion> deletions() {
        return List.copyOf(deletions);
    }
}
