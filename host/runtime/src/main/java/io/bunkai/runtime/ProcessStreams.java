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
import io.bunkai.base.FaultCode;
import io.bunkai.ttrpc.Method;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

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

    /**
     * How long output may stay silent after the process's end before it is given up: a child may
     * hold the pipe.
     */
    private static final Duration SILENCE = Duration.ofSeconds(2);

    private static final long POLL_MILLIS = 20;

    private final GuestCalls guest;
    private final String containerId;
    private final String execId;
    private final boolean terminal;
    private final Sink sink;
    private final AtomicLong movedAt = new AtomicLong(System.nanoTime());
    private final AtomicLong unfinishedWrites = new AtomicLong();
    private final List<Thread> outputs = new ArrayList<>();
    private volatile @Nullable InputStream attachedInput;
    private volatile @Nullable OutputStream attachedStdout;
    private volatile @Nullable OutputStream attachedStderr;

    /** Gets everything that a process writes, whoever is attached. */
    @FunctionalInterface
    interface Sink {
        void accept(OutputLog.Stream stream, byte[] data);
    }

    ProcessStreams(
            GuestCalls guest, String containerId, String execId, boolean terminal, Sink sink) {
        this.guest = guest;
        this.containerId = containerId;
        this.execId = execId;
        this.terminal = terminal;
        this.sink = sink;
    }

    /** To be called before {@link #start}: where standard input comes from. Closed at its end. */
    void attachInput(InputStream input) {
        attachedInput = input;
    }

    /** To be called before {@link #start}: where an output goes. Closed at its end. */
    void attachOutput(OutputLog.Stream stream, OutputStream output) {
        switch (stream) {
            case STDOUT -> attachedStdout = output;
            case STDERR -> attachedStderr = output;
        }
    }

    /** Starts carrying: the process exists in the guest. */
    void start() {
        outputs.add(output(OutputLog.Stream.STDOUT, AgentMethods.READ_STDOUT));
        if (!terminal) {
            outputs.add(output(OutputLog.Stream.STDERR, AgentMethods.READ_STDERR));
        }
        InputStream input = attachedInput;
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
            closeOutput(stream);
        }
    }

    private void deliver(OutputLog.Stream stream, byte[] data) {
        movedAt.set(System.nanoTime());
        sink.accept(stream, data);
        OutputStream attached = attached(stream);
        if (attached == null) {
            return;
        }
        unfinishedWrites.incrementAndGet();
        try {
            attached.write(data);
            attached.flush();
        } catch (IOException e) {
            closeOutput(stream); // the reader has gone; the process does not notice
        } finally {
            movedAt.set(System.nanoTime());
            unfinishedWrites.decrementAndGet();
        }
    }

    private @Nullable OutputStream attached(OutputLog.Stream stream) {
        return switch (stream) {
            case STDOUT -> attachedStdout;
            case STDERR -> attachedStderr;
        };
    }

    private void closeOutput(OutputLog.Stream stream) {
        OutputStream attached = attached(stream);
        switch (stream) {
            case STDOUT -> attachedStdout = null;
            case STDERR -> attachedStderr = null;
        }
        if (attached != null) {
            try {
                attached.close();
            } catch (IOException e) {
                // nobody is there to be told
            }
        }
    }

    private void carryInput(InputStream input) {
        byte[] buffer = new byte[CHUNK_BYTES];
        try (input) {
            while (true) {
                int n = input.read(buffer);
                if (n < 0) {
                    closeInput();
                    return;
                }
                writeInput(buffer, n);
            }
        } catch (IOException | Fault e) {
            // The process has closed its input or ended, or the one who wrote has gone.
            LOG.log(System.Logger.Level.DEBUG, "input ended reason={0}", e.getMessage());
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

    /** Tells the process that its standard input has ended. */
    void closeInput() throws IOException {
        guest.call(
                AgentMethods.CLOSE_STDIN,
                CloseStdinRequest.newBuilder()
                        .setContainerId(containerId)
                        .setExecId(execId)
                        .build(),
                Deadline.never());
    }

    /**
     * Waits, after the process's end, until all it wrote has been delivered. A child that it left
     * behind may hold its output open for ever: after a time without a byte that counts as the end.
     */
    void awaitDelivery() throws InterruptedException {
        for (Thread output : outputs) {
            while (!output.join(Duration.ofMillis(POLL_MILLIS))) {
                long silent = System.nanoTime() - movedAt.get();
                if (unfinishedWrites.get() == 0 && silent > SILENCE.toNanos()) {
                    break;
                }
            }
        }
        closeOutput(OutputLog.Stream.STDOUT);
        closeOutput(OutputLog.Stream.STDERR);
    }

    /** Ends what is attached: the process never came to be, or its machine is gone. */
    void abandon() {
        closeOutput(OutputLog.Stream.STDOUT);
        closeOutput(OutputLog.Stream.STDERR);
        InputStream input = attachedInput;
        if (input != null) {
            try {
                input.close();
            } catch (IOException e) {
                // nobody is there to be told
            }
        }
    }

    /** For an error of the agent that means "no such process". */
    static boolean isGone(Fault fault) {
        return fault.code() == FaultCode.NOT_FOUND || fault.code() == FaultCode.FAILED_PRECONDITION;
    }
}
