// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The parent's side of a child that makes a disk: starts it with the disk as its standard output,
 * feeds its standard input, listens to its standard error, and tells how it went.
 *
 * <p>Two platform threads per child, because they block in the kernel: one feeds, one listens.
 */
final class ConfinedChild {
    private static final int FEED_BUFFER = UnpackRequest.MAX_CHUNK + 8;
    private static final int REPORT_BYTES = 16 * 1024;
    private static final int SIGXCPU = 24;

    private final Task task;
    private final Feed feed;

    /** Why the parent gave up; written by the feeding thread before it ends. */
    private @Nullable Throwable feedFailure;

    private String report = "";

    /**
     * What the child is there for.
     *
     * @param doing the work as a noun phrase: "unpacking the image"
     * @param process the child as a noun phrase: "the process that unpacks the image"
     * @param processorSeconds what it may use, for a message
     */
    record Task(String doing, String process, int processorSeconds) {}

    /** What the child is told. */
    @FunctionalInterface
    interface Feed {
        /**
         * Writes all of it.
         *
         * @throws IOException if the child does not read any more
         * @throws RuntimeException if the parent gives up, for this reason
         */
        void writeTo(DataOutputStream child) throws IOException;
    }

    private ConfinedChild(Task task, Feed feed) {
        this.task = task;
        this.feed = feed;
    }

    /**
     * Makes a disk. If this throws, what the file holds is worthless.
     *
     * @param disk an empty file that is open for reading and writing
     * @throws Fault what is wrong with the image or went wrong with the child; DEADLINE_EXCEEDED
     *     and CANCELLED (interrupted) if the child was ended before it was done
     */
    static void run(Task task, List<String> command, Feed feed, Fd disk, Deadline deadline) {
        new ConfinedChild(task, feed).run(command, disk, deadline);
    }

    private void run(List<String> command, Fd disk, Deadline deadline) {
        try (Closer open = new Closer()) {
            Pipe input = open.own(Pipe.create());
            Pipe errors = open.own(Pipe.create());
            LinuxProcess child =
                    open.own(
                            Spawn.of(command)
                                    .stdin(input.read())
                                    .stdout(disk)
                                    .stderr(errors.write())
                                    .directory(Path.of("/"))
                                    .newSession()
                                    .start());
            input.read().close();
            errors.write().close();
            Thread feeder =
                    Thread.ofPlatform()
                            .name("unpack feed " + child.pid())
                            .start(() -> feed(input.write()));
            Thread listener =
                    Thread.ofPlatform()
                            .name("unpack report " + child.pid())
                            .start(() -> listen(errors.read()));
            Optional<ExitStatus> exit = await(child, deadline);
            if (exit.isEmpty()) {
                child.signal(Signals.SIGKILL);
                awaitKilled(child);
            }
            joinUninterruptibly(feeder);
            joinUninterruptibly(listener);
            judge(exit);
        } catch (ErrnoException e) {
            throw Fault.unavailable("%s could not be started", task.process()).causedBy(e);
        }
    }

    /** Empty if the deadline passed or the thread was interrupted. */
    private static Optional<ExitStatus> await(LinuxProcess child, Deadline deadline) {
        try {
            return child.await(deadline);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    private static void awaitKilled(LinuxProcess child) {
        child.onExit().join();
    }

    private static void joinUninterruptibly(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    // The feeding thread.

    private void feed(Fd pipe) {
        try (DataOutputStream out =
                new DataOutputStream(new BufferedOutputStream(pipe.output(), FEED_BUFFER))) {
            feed.writeTo(out);
        } catch (IOException e) {
            // The child says itself why it does not read any more, or its exit status does.
        } catch (RuntimeException | Error e) {
            feedFailure = e;
        }
    }

    // The listening thread.

    private void listen(Fd pipe) {
        try (InputStream in = pipe.input()) {
            byte[] first = in.readNBytes(REPORT_BYTES);
            in.transferTo(OutputStream.nullOutputStream());
            report = new String(first, UTF_8);
        } catch (IOException e) {
            report = "";
        }
    }

    // The verdict.

    private void judge(Optional<ExitStatus> exit) {
        switch (feedFailure) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw Fault.internal("%s failed", task.doing()).causedBy(feedFailure);
        }
        if (exit.isEmpty()) {
            if (Thread.currentThread().isInterrupted()) {
                throw Fault.of(FaultCode.CANCELLED, "%s was interrupted", task.doing());
            }
            throw Fault.deadlineExceeded("%s took too long", task.doing());
        }
        Optional<String> said = ChildReport.find(report);
        said.flatMap(ChildReport::faultIn)
                .ifPresent(fault -> {
                    throw fault;
                });
        ExitStatus status = exit.get();
        if (status.signal() == SIGXCPU) {
            throw Fault.resourceExhausted(
                    "%s took more than %d seconds of processor time",
                    task.doing(), task.processorSeconds());
        }
        if (said.isEmpty() || status.shellCode() != 0) {
            throw Fault.internal(
                    "%s died (%s): %s", task.process(), status, ChildReport.lastWords(report));
        }
    }
}
