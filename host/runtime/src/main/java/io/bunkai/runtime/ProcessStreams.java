// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import com.google.protobuf.ByteString;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.agent.CloseStdinRequest;
import io.bunkai.api.agent.ReadStreamRequest;
import io.bunkai.api.agent.ReadStreamResponse;
import io.bunkai.api.agent.WriteStreamRequest;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.NanoClock;
import io.bunkai.ttrpc.Method;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Carries a process's input and output between the guest and whoever is attached here.
 *
 * <p>Each stream has a virtual thread of its own, started by {@link #start} and ended by the
 * stream's end. Output is read only as fast as the attached side takes it, so a slow reader slows
 * its own process and nobody else. What nobody is attached to is read all the same, so that the
 * process never blocks on it.
 */
final class ProcessStreams {
    private static final System.Logger LOG = System.getLogger(ProcessStreams.class.getName());

    /** As much as a pipe of the guest holds: more would never be there. */
    private static final int CHUNK_BYTES = 64 * 1024;

    /** An answer that is larger than what was asked for is never taken into memory. */
    private static final Method<ReadStreamRequest, ReadStreamResponse> READ_STDOUT =
            AgentMethods.READ_STDOUT.withMaxResponseBytes(CHUNK_BYTES);

    private static final Method<ReadStreamRequest, ReadStreamResponse> READ_STDERR =
            AgentMethods.READ_STDERR.withMaxResponseBytes(CHUNK_BYTES);

    /**
     * How long output may stay silent after the process's end before it is given up: a child may
     * hold the pipe.
     */
    private static final Duration SILENCE = Duration.ofSeconds(2);

    /** How long a reader that an owner has named may take nothing after the process's end. */
    static final Duration READER_PATIENCE = Duration.ofSeconds(10);

    private static final Duration POLL = Duration.ofMillis(20);

    /** Closing is small talk: a guest that does not answer it is not waited for. */
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(10);

    private final GuestCalls guest;
    private final String containerId;
    private final String execId;
    private final boolean terminal;
    private final AttachedStreams attached;
    private final Sink sink;
    private final Optional<Duration> readerPatience;
    private final NanoClock clock;
    private final AtomicLong movedAt;
    private final AtomicLong unfinishedWrites = new AtomicLong();
    private final List<Thread> outputs = new ArrayList<>();

    /** Gets everything that a process writes, whoever is attached. */
    @FunctionalInterface
    interface Sink {
        void accept(OutputLog.Stream stream, byte[] data);
    }

    /**
     * Makes the streams of a process.
     *
     * @param sink gets everything that the process writes
     * @param readerPatience how long, after the process's end, a reader may take nothing; empty for
     *     as long as it likes
     */
    ProcessStreams(
            GuestCalls guest,
            String containerId,
            String execId,
            boolean terminal,
            AttachedStreams attached,
            Sink sink,
            Optional<Duration> readerPatience,
            NanoClock clock) {
        this.guest = guest;
        this.containerId = containerId;
        this.execId = execId;
        this.terminal = terminal;
        this.attached = attached;
        this.sink = sink;
        this.readerPatience = readerPatience;
        this.clock = clock;
        this.movedAt = new AtomicLong(clock.nanos());
    }

    /** Starts carrying: the process exists in the guest. */
    void start() {
        outputs.add(output(OutputLog.Stream.STDOUT, READ_STDOUT));
        if (!terminal) {
            outputs.add(output(OutputLog.Stream.STDERR, READ_STDERR));
        }
        InputStream input = attached.input();
        if (input != null) {
            thread("stdin", () -> carryInput(input));
        }
    }

    private Thread output(
            OutputLog.Stream stream, Method<ReadStreamRequest, ReadStreamResponse> method) {
        return thread(
                stream.name().toLowerCase(java.util.Locale.ROOT),
                () -> carryOutput(stream, method));
    }

    private Thread thread(String stream, Runnable work) {
        String name = stream + " " + containerId + (execId.isEmpty() ? "" : "/" + execId);
        return Thread.ofVirtual().name(name).start(work);
    }

    private void carryOutput(
            OutputLog.Stream stream, Method<ReadStreamRequest, ReadStreamResponse> method) {
        ReadStreamRequest request =
                ReadStreamRequest.newBuilder()
                        .setContainerId(containerId)
                        .setExecId(execId)
                        .setLen(CHUNK_BYTES)
                        .build();
        try {
            while (true) {
                byte[] data = guest.call(method, request, Deadline.never()).getData().toByteArray();
                if (data.length == 0) {
                    return;
                }
                if (data.length > CHUNK_BYTES) {
                    throw new IOException("the agent sent more than it was asked for");
                }
                deliver(stream, data);
            }
        } catch (Fault e) {
            // The agent says "no such process" or "end of file": both mean that nothing will
            // follow.
            LOG.log(
                    System.Logger.Level.DEBUG,
                    "output ended stream={0} reason={1}",
                    stream,
                    e.getMessage());
        } catch (IOException e) {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    "output lost stream={0} reason={1}",
                    stream,
                    e.getMessage());
        } finally {
            attached.closeOutput(stream);
        }
    }

    private void deliver(OutputLog.Stream stream, byte[] data) {
        movedAt.set(clock.nanos());
        sink.accept(stream, data);
        OutputStream output = attached.output(stream);
        if (output == null) {
            return;
        }
        unfinishedWrites.incrementAndGet();
        try {
            output.write(data);
            output.flush();
        } catch (IOException e) {
            attached.closeOutput(stream); // the reader has gone; the process does not notice
        } finally {
            movedAt.set(clock.nanos());
            unfinishedWrites.decrementAndGet();
        }
    }

    private void carryInput(InputStream input) {
        byte[] buffer = new byte[CHUNK_BYTES];
        try (input) {
            for (int n = next(input, buffer); n >= 0; n = next(input, buffer)) {
                writeInput(buffer, n);
            }
            closeInput(Deadline.after(CLOSE_PATIENCE));
        } catch (IOException | Fault e) {
            // The process has closed its input or ended, or its guest has gone.
            LOG.log(System.Logger.Level.DEBUG, "input ended reason={0}", e.getMessage());
        }
    }

    /** A writer that breaks off is at its end, too: the process would wait for it for ever. */
    private static int next(InputStream input, byte[] buffer) {
        try {
            return input.read(buffer);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "input broke off reason={0}", e.getMessage());
            return -1;
        }
    }

    private void writeInput(byte[] buffer, int length) throws IOException {
        int done = 0;
        while (done < length) {
            WriteStreamRequest request =
                    WriteStreamRequest.newBuilder()
                            .setContainerId(containerId)
                            .setExecId(execId)
                            .setData(ByteString.copyFrom(buffer, done, length - done))
                            .build();
            int taken = guest.call(AgentMethods.WRITE_STDIN, request, Deadline.never()).getLen();
            if (taken <= 0 || taken > length - done) {
                throw new IOException(
                        "the agent took " + taken + " of " + (length - done) + " bytes");
            }
            done += taken;
        }
    }

    /**
     * Tells the process that its standard input has ended.
     *
     * @throws Fault what the agent says about it, DEADLINE_EXCEEDED if it says nothing
     */
    void closeInput(Deadline deadline) throws IOException {
        guest.call(
                AgentMethods.CLOSE_STDIN,
                CloseStdinRequest.newBuilder()
                        .setContainerId(containerId)
                        .setExecId(execId)
                        .build(),
                deadline);
    }

    /**
     * Waits, after the process's end, until all it wrote has been delivered. A child that it left
     * behind may hold its output open for ever: after a time without a byte that counts as the end.
     * The time begins with this call: before the end silence means nothing.
     */
    void awaitDelivery() throws InterruptedException {
        long endedAt = clock.nanos();
        for (Thread output : outputs) {
            while (!output.join(POLL)) {
                long now = clock.nanos();
                long silent = Math.min(now - endedAt, now - movedAt.get());
                if (silent > mostSilentNanos()) {
                    break;
                }
            }
        }
        attached.closeOutput(OutputLog.Stream.STDOUT);
        attached.closeOutput(OutputLog.Stream.STDERR);
    }

    /** A reader is waited for as long as it takes, unless somebody has said how long. */
    private long mostSilentNanos() {
        return unfinishedWrites.get() == 0
                ? SILENCE.toNanos()
                : readerPatience.map(Duration::toNanos).orElse(Long.MAX_VALUE);
    }

    /**
     * Waits, after the guest is lost, until what had come from it has been delivered; not for ever,
     * since who is attached may not read.
     */
    void awaitRest(Deadline deadline) throws InterruptedException {
        for (Thread output : outputs) {
            output.join(deadline.remaining());
        }
    }

    /** Ends what is attached: the process never came to be, or its machine is gone. */
    void abandon() {
        attached.closeAll();
    }
}
