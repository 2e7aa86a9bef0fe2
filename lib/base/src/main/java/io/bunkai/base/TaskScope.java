// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Forks subtasks on virtual threads and joins them in the same block: no thread started here
 * outlives it.
 *
 * <p>It has the shape of the JDK's structured task scope, which is still a preview in 25: the first
 * failure interrupts the other subtasks and is rethrown by {@link #join}. Used by the one thread
 * that made it.
 */
public final class TaskScope implements AutoCloseable {
    private final String name;
    private final List<Thread> threads = new ArrayList<>();
    private final BlockingQueue<Subtask<?>> finished = new LinkedBlockingQueue<>();
    private int joined;

    /**
     * Opens a scope.
     *
     * @param name prefix of the names of its threads
     */
    public TaskScope(String name) {
        this.name = name;
    }

    /** A forked computation. Its result exists once {@link TaskScope#join} has returned. */
    public static final class Subtask<T> {
        private final FutureTask<T> task;

        private Subtask(Callable<T> work, BlockingQueue<Subtask<?>> finished) {
            this.task =
                    new FutureTask<>(work) {
                        @Override
                        protected void done() {
                            finished.add(Subtask.this);
                        }
                    };
        }

        /** {@return the result; to be called after {@link TaskScope#join} only} */
        public T result() {
            return task.resultNow();
        }
    }

    /**
     * Starts {@code work} on a virtual thread of its own, named after this scope and {@code
     * subtask}.
     */
    public <T> Subtask<T> fork(String subtask, Callable<T> work) {
        Subtask<T> task = new Subtask<>(work, finished);
        threads.add(Thread.ofVirtual().name(name + " " + subtask).start(task.task));
        return task;
    }

    /**
     * Waits for all subtasks; the first failure interrupts the others and is rethrown after they
     * have ended.
     *
     * @throws InterruptedException if the calling thread was interrupted while it waited
     * @throws Exception what the first failing subtask threw
     */
    public void join() throws Exception {
        Throwable first = null;
        while (joined < threads.size()) {
            Subtask<?> next = finished.take();
            joined++;
            Throwable failure = failureOf(next);
            if (failure == null) {
                continue;
            }
            if (first == null) {
                first = failure;
                threads.forEach(Thread::interrupt);
            } else if (!(failure instanceof InterruptedException)) {
                first.addSuppressed(failure);
            }
        }
        switch (first) {
            case null -> {}
            case Exception e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(first);
        }
    }

    private static @org.jspecify.annotations.Nullable Throwable failureOf(Subtask<?> task)
            throws InterruptedException {
        try {
            task.task.get();
            return null;
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    /** Interrupts what still runs and waits until it has ended. */
    @Override
    public void close() {
        threads.forEach(Thread::interrupt);
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (true) {
                try {
                    thread.join();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
