// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import com.google.protobuf.ByteString;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.GuestMethods;
import io.bunkai.api.agent.CloseStdinRequest;
import io.bunkai.api.agent.ReadStreamRequest;
import io.bunkai.api.agent.ReadStreamResponse;
import io.bunkai.api.agent.WriteStreamRequest;
import io.bunkai.api.guest.CloseInputRequest;
import io.bunkai.api.guest.OutputKind;
import io.bunkai.api.guest.ReadOutputRequest;
import io.bunkai.api.guest.ReadOutputResponse;
import io.bunkai.api.guest.WriteInputRequest;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.base.NanoClock;
import io.bunkai.ttrpc.Method;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.ProtocolException;
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
 *
 * <p>With an agent that keeps output until it is acknowledged, a piece is acknowledged once
 * everybody has it. Whoever goes on with a process begins with what was not: the sink knows by the
 * offset what it has already, and who is attached gets at most that one piece twice. With Kata's
 * agent the piece that is under way when this daemon dies, or the session breaks, is lost.
 */
final class ProcessStreams {
    private static final System.Logger LOG = System.getLogger(ProcessStreams.class.getName());

    /** As much as a pipe of the guest holds: more would never be there. */
    private static final int CHUNK_BYTES = GuestMethods.MAX_OUTPUT_BYTES;

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
    private final CrashPoints crashPoints;
    private final NanoClock clock;
    private final AtomicLong movedAt;
    private final AtomicLong unfinishedWrites = new AtomicLong();
    private final List<Thread> outputs = new ArrayList<>();

    /** Gets everything that a process writes, whoever is attached. */
    interface Sink {
        /** Keeps nothing. */
        Sink NOWHERE =
                new Sink() {
                    @Override
                    public long offset(OutputLog.Stream stream) {
                        return 0;
                    }

                    @Override
                    public void accept(OutputLog.Stream stream, long offset, byte[] data) {}
                };

        /** {@return where a stream goes on whose agent counts nothing} */
        long offset(OutputLog.Stream stream);

        /** Takes what follows an offset. What it has already may come again after a death. */
        void accept(OutputLog.Stream stream, long offset, byte[] data);
    }

    /**
     * Makes the streams of a process.
     *
     * @param sink gets everything that the process writes
     * @param crashPoints are told of each piece of output
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
            CrashPoints crashPoints,
            NanoClock clock) {
        this.guest = guest;
        this.containerId = containerId;
        this.execId = execId;
        this.terminal = terminal;
        this.attached = attached;
        this.sink = sink;
        this.readerPatience = readerPatience;
        this.crashPoints = crashPoints;
        this.clock = clock;
        this.movedAt = new AtomicLong(clock.nanos());
    }

    /** Starts carrying: the process exists in the guest. */
    void start() {
        outputs.add(output(OutputLog.Stream.STDOUT));
        if (!terminal) {
            outputs.add(output(OutputLog.Stream.STDERR));
        }
        InputStream input = attached.input();
        if (input != null) {
            thread("stdin", () -> carryInput(input));
        }
    }

    private Thread output(OutputLog.Stream stream) {
        return thread(stream.name().toLowerCase(java.util.Locale.ROOT), () -> carryOutput(stream));
    }

    private Thread thread(String stream, Runnable work) {
        String name = stream + " " + containerId + (execId.isEmpty() ? "" : "/" + execId);
        return Thread.ofVirtual().name(name).start(work);
    }

    private void carryOutput(OutputLog.Stream stream) {
        try {
            if (acknowledged()) {
                carryAcknowledged(stream);
            } else {
                carryTaken(stream);
            }
        } catch (Fault e) {
            ended(stream, e);
        } catch (ProtocolException e) {
            guest.giveUp(GuestText.reason(e));
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

    /**
     * The agent says "no such process" or "end of file": both mean that nothing will follow. Or its
     * answer was none, too large or not to be understood, and then output is missing.
     */
    private void ended(OutputLog.Stream stream, Fault why) {
        switch (why.code()) {
            case RESOURCE_EXHAUSTED, DATA_LOSS, UNIMPLEMENTED ->
                    guest.giveUp("it did not hand out output: " + GuestText.reason(why));
            default ->
                    LOG.log(
                            System.Logger.Level.DEBUG,
                            "output ended stream={0} reason={1}",
                            stream,
                            why.getMessage());
        }
    }

    private void carryAcknowledged(OutputLog.Stream stream) throws IOException {
        ReadOutputRequest.Builder request =
                ReadOutputRequest.newBuilder()
                        .setContainerId(containerId)
                        .setExecId(execId)
                        .setStream(kindOf(stream))
                        .setMaxBytes(CHUNK_BYTES)
                        .setFromOldest(true);
        while (true) {
            ReadOutputResponse answer =
                    guest.call(GuestMethods.READ_OUTPUT, request.build(), Deadline.never());
            long offset = answer.getOffset();
            byte[] data = answer.getData().toByteArray();
            if (!request.getFromOldest() && offset != request.getOffset()) {
                throw new ProtocolException("it sent other output than it was asked for");
            }
            checkLength(data);
            if (offset < 0 || offset + data.length < 0) {
                throw new ProtocolException("it counts more output than there can be");
            }
            if (data.length > 0) {
                deliver(stream, offset, data);
            }
            if (answer.getEnd()) {
                return;
            }
            if (data.length == 0) {
                throw new ProtocolException("it sent neither output nor its end");
            }
            request.setFromOldest(false).setOffset(offset + data.length);
        }
    }

    private static OutputKind kindOf(OutputLog.Stream stream) {
        return switch (stream) {
            case STDOUT -> OutputKind.STDOUT;
            case STDERR -> OutputKind.STDERR;
        };
    }

    private void carryTaken(OutputLog.Stream stream) throws IOException {
        ReadStreamRequest request =
                ReadStreamRequest.newBuilder()
                        .setContainerId(containerId)
                        .setExecId(execId)
                        .setLen(CHUNK_BYTES)
                        .build();
        Method<ReadStreamRequest, ReadStreamResponse> method =
                switch (stream) {
                    case STDOUT -> READ_STDOUT;
                    case STDERR -> READ_STDERR;
                };
        long offset = sink.offset(stream);
        while (true) {
            byte[] data = guest.call(method, request, Deadline.never()).getData().toByteArray();
            if (data.length == 0) {
                return;
            }
            checkLength(data);
            deliver(stream, offset, data);
            offset += data.length;
        }
    }

    private static void checkLength(byte[] data) throws ProtocolException {
        if (data.length > CHUNK_BYTES) {
            throw new ProtocolException("it sent more output than it was asked for");
        }
    }

    private void deliver(OutputLog.Stream stream, long offset, byte[] data) {
        movedAt.set(clock.nanos());
        crashPoints.reach(CrashPoint.OUTPUT_RECEIVED);
        sink.accept(stream, offset, data);
        crashPoints.reach(CrashPoint.OUTPUT_KEPT);
        deliverToReader(stream, offset, data);
        crashPoints.reach(CrashPoint.OUTPUT_DELIVERED);
    }

    /** A former daemon may have delivered the beginning of it, and noted that when it let go. */
    private void deliverToReader(OutputLog.Stream stream, long offset, byte[] data) {
        OutputStream output = attached.output(stream);
        if (output == null) {
            return;
        }
        long before = Math.clamp(attached.delivered(stream) - offset, 0, data.length);
        long got = before;
        unfinishedWrites.incrementAndGet();
        try {
            output.write(data, (int) before, data.length - (int) before);
            output.flush();
            got = data.length;
        } catch (InterruptedIOException e) {
            got += e.bytesTransferred;
            attached.closeOutput(stream);
        } catch (IOException e) {
            attached.closeOutput(stream); // the reader has gone; the process does not notice
        } finally {
            attached.noteDelivered(stream, offset + got);
            movedAt.set(clock.nanos());
            unfinishedWrites.decrementAndGet();
        }
    }

    private void carryInput(InputStream input) {
        byte[] buffer = new byte[CHUNK_BYTES];
        try (input) {
            long offset = inputOffset();
            for (int n = next(input, buffer); n >= 0; n = next(input, buffer)) {
                writeInput(offset, buffer, n);
                offset += n;
            }
            closeInput(Deadline.after(CLOSE_PATIENCE));
        } catch (ProtocolException e) {
            guest.giveUp(GuestText.reason(e));
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

    /** {@return where input goes on; the agent knows, if it counts} */
    private long inputOffset() throws IOException {
        if (!acknowledged()) {
            return 0;
        }
        long offset = writeAt(0, ByteString.EMPTY);
        if (offset < 0 || offset > Long.MAX_VALUE / 2) {
            throw new ProtocolException("it counts more input than there can be");
        }
        return offset;
    }

    private void writeInput(long offset, byte[] buffer, int length) throws IOException {
        int done = 0;
        while (done < length) {
            ByteString data = ByteString.copyFrom(buffer, done, length - done);
            long taken =
                    acknowledged() ? writeAt(offset + done, data) - offset - done : write(data);
            if (taken < 0 || taken > length - done) {
                throw new ProtocolException(
                        "it took " + taken + " of " + (length - done) + " bytes of input");
            }
            if (taken == 0) {
                throw new IOException("the agent took none of the input");
            }
            done += (int) taken;
        }
    }

    private boolean acknowledged() throws IOException {
        return guest.offers(GuestMethods.ACKNOWLEDGED_STREAMS);
    }

    private long writeAt(long offset, ByteString data) throws IOException {
        WriteInputRequest request =
                WriteInputRequest.newBuilder()
                        .setContainerId(containerId)
                        .setExecId(execId)
                        .setOffset(offset)
                        .setData(data)
                        .build();
        return guest.call(GuestMethods.WRITE_INPUT, request, Deadline.never()).getOffset();
    }

    private int write(ByteString data) throws IOException {
        WriteStreamRequest request =
                WriteStreamRequest.newBuilder()
                        .setContainerId(containerId)
                        .setExecId(execId)
                        .setData(data)
                        .build();
        return guest.call(AgentMethods.WRITE_STDIN, request, Deadline.never()).getLen();
    }

    /**
     * Tells the process that its standard input has ended.
     *
     * @throws Fault what the agent says about it, DEADLINE_EXCEEDED if it says nothing
     */
    void closeInput(Deadline deadline) throws IOException {
        if (acknowledged()) {
            guest.call(
                    GuestMethods.CLOSE_INPUT,
                    CloseInputRequest.newBuilder()
                            .setContainerId(containerId)
                            .setExecId(execId)
                            .build(),
                    deadline);
        } else {
            guest.call(
                    AgentMethods.CLOSE_STDIN,
                    CloseStdinRequest.newBuilder()
                            .setContainerId(containerId)
                            .setExecId(execId)
                            .build(),
                    deadline);
        }
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

    /**
     * Ends what is attached and waits until nothing more is delivered: this daemon lets go, after
     * the guest has been let go of. From then on it is certain how much has been delivered.
     */
    void letGo(Deadline deadline) throws InterruptedException {
        awaitRest(deadline);
        attached.closeAll();
        awaitRest(Deadline.after(POLL.multipliedBy(50)));
    }

    /**
     * {@return whether the guest has this process, running or ended} Asks for the length of its
     * input, which says no more; an agent that does not count is taken for one that has not.
     */
    boolean isKnownToTheGuest() throws IOException {
        if (!acknowledged()) {
            return false;
        }
        try {
            writeAt(0, ByteString.EMPTY);
            return true;
        } catch (Fault e) {
            return e.code() != FaultCode.NOT_FOUND;
        }
    }

    /** Ends what is attached: the process never came to be, or its machine is gone. */
    void abandon() {
        attached.closeAll();
    }
}
