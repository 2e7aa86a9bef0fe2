// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import com.google.protobuf.MessageLite;
import com.google.protobuf.UnsafeByteOperations;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.ttrpc.wire.Request;
import io.bunkai.ttrpc.wire.Response;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ProtocolException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Calls methods of a peer over one connection, any number of them at once and from any threads.
 *
 * <p>The peer may be hostile: what it sends is bounded before memory is set aside for it, and a
 * response that nobody waits for is skipped, up to a number beyond which the connection ends. It
 * cannot hold a caller beyond its deadline either, by not answering or by not reading: a caller
 * only queues its request, and one thread writes.
 *
 * <p>Two threads belong to a client, a reader and a writer. They end when the connection ends. A
 * caller may be interrupted without harm to the connection.
 */
public final class TtrpcClient implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("io.bunkai.ttrpc");

    /** A peer is told of a time limit only if somebody could live to see it. */
    private static final Duration LONGEST_TIMEOUT = Duration.ofDays(365);

    /** How many frames a peer may send that nobody asked for, beside answers that come too late. */
    private static final int MOST_UNASKED = 100;

    /** Requests that wait to be written; one larger than this is let in when it is alone. */
    private static final int MAX_QUEUED_BYTES = 2 * Frames.MAX_DATA;

    private final String peer;
    private final InputStream in;
    private final OutputStream out;
    private final AutoCloseable transport;
    private final AtomicLong ignoredFrames = new AtomicLong();
    private final AtomicLong unanswered = new AtomicLong(); // given up after they were sent

    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Condition requestsQueued = lock.newCondition();
    private final Condition requestsWritten = lock.newCondition();
    private final Map<Integer, PendingCall> pending = new HashMap<>();
    private final ArrayDeque<PendingCall> queue = new ArrayDeque<>();
    private final List<Runnable> closeListeners = new ArrayList<>();
    private int queuedBytes;
    private int nextStream = 1;
    private @Nullable IOException closedBy;

    private TtrpcClient(InputStream in, OutputStream out, String peer, AutoCloseable transport) {
        this.in = in;
        this.out = out;
        this.peer = peer;
        this.transport = transport;
    }

    /** A call on its way: what may be taken for its answer, and where that goes. */
    private static final class PendingCall {
        private final Method<?, ?> method;
        private final byte[] request;
        private final CompletableFuture<byte[]> response = new CompletableFuture<>();

        PendingCall(Method<?, ?> method, byte[] request) {
            this.method = method;
            this.request = request;
        }
    }

    /**
     * Speaks over a connection that stands already; reader and writer are virtual threads.
     *
     * @param peer who answers, for messages: "the agent of sandbox a1b2"
     * @param transport closed when the client is closed or the connection breaks; closing it must
     *     wake whoever reads from or writes to the two streams
     * @return a client that owns {@code transport}
     */
    public static TtrpcClient over(
            InputStream in, OutputStream out, String peer, AutoCloseable transport) {
        return over(in, out, peer, transport, Thread.ofVirtual().factory());
    }

    /** As the other one, with threads of the caller's choice; each is given a name. */
    public static TtrpcClient over(
            InputStream in,
            OutputStream out,
            String peer,
            AutoCloseable transport,
            ThreadFactory threads) {
        TtrpcClient client = new TtrpcClient(in, out, peer, transport);
        start(threads, "ttrpc reader of " + peer, client::read);
        start(threads, "ttrpc writer to " + peer, client::write);
        return client;
    }

    private static void start(ThreadFactory threads, String name, Runnable body) {
        Thread thread = threads.newThread(body);
        thread.setName(name);
        thread.start();
    }

    /**
     * Calls a method and waits for the answer.
     *
     * @param deadline how long to wait; the peer is told. An answer that comes later is dropped
     * @return what the peer answered
     * @throws Fault what the peer answered instead; DEADLINE_EXCEEDED if there was no answer in
     *     time; RESOURCE_EXHAUSTED if the request or the answer is too large; DATA_LOSS if the
     *     answer cannot be decoded; CANCELLED if the calling thread was interrupted (and still is)
     * @throws IOException if the connection is or gets broken; whether the peer has done what it
     *     was asked is then unknown
     */
    public <Q extends MessageLite, R extends MessageLite> R call(
            Method<Q, R> method, Q request, Deadline deadline) throws IOException {
        Duration granted = deadline.remaining();
        PendingCall call = new PendingCall(method, encode(method, request, granted));
        int stream = 0; // no client's number: the call has not been queued
        try {
            stream = enqueue(call, granted, deadline);
            byte[] data = call.response.get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS);
            return decode(method, data);
        } catch (TimeoutException e) {
            forget(stream, call);
            throw late(method, granted);
        } catch (InterruptedException e) {
            forget(stream, call);
            Thread.currentThread().interrupt();
            throw Fault.of(
                    FaultCode.CANCELLED,
                    "waiting for %s to answer %s was interrupted",
                    peer,
                    method.path());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Fault fault) {
                throw fault;
            }
            throw broken(method, e.getCause());
        }
    }

    private byte[] encode(Method<?, ?> method, MessageLite request, Duration granted) {
        if (granted.isZero()) {
            throw late(method, granted);
        }
        Request.Builder envelope =
                Request.newBuilder()
                        .setService(method.service())
                        .setMethod(method.name())
                        .setPayload(UnsafeByteOperations.unsafeWrap(request.toByteArray()));
        if (granted.compareTo(LONGEST_TIMEOUT) < 0) {
            envelope.setTimeoutNano(granted.toNanos());
        }
        byte[] frame = Frames.encode(0, Frames.REQUEST, (byte) 0, envelope.build());
        if (Frames.isOversized(frame)) {
            throw Fault.resourceExhausted(
                    "a request to %s of %d bytes does not fit in a message of %d bytes",
                    method.path(), frame.length - Frames.HEADER_BYTES, Frames.MAX_DATA);
        }
        return frame;
    }

    private <R extends MessageLite> R decode(Method<?, R> method, byte[] data) {
        Response response;
        try {
            var input = UnsafeByteOperations.unsafeWrap(data).newCodedInput();
            input.enableAliasing(true); // nobody else holds this array
            response = Response.parseFrom(input);
            if (response.getStatus().getCode() == 0) {
                return method.response().get().parseFrom(response.getPayload());
            }
        } catch (IOException e) {
            throw Fault.of(
                            FaultCode.DATA_LOSS,
                            "the answer of %s to %s cannot be decoded",
                            peer,
                            method.path())
                    .causedBy(e);
        }
        throw Statuses.faultOf(response.getStatus());
    }

    private int enqueue(PendingCall call, Duration granted, Deadline deadline)
            throws IOException, InterruptedException {
        lock.lockInterruptibly();
        try {
            while (closedBy == null
                    && !queue.isEmpty()
                    && queuedBytes + call.request.length > MAX_QUEUED_BYTES) {
                long nanos = deadline.remaining().toNanos();
                if (nanos == 0) {
                    throw late(call.method, granted);
                }
                requestsWritten.awaitNanos(nanos);
            }
            if (closedBy != null) {
                throw broken(call.method, closedBy);
            }
            int stream = nextStream;
            if (stream == -1) {
                // 2^31 calls. A number is never used twice, so that a late answer meets nobody.
                throw new IOException("the connection to " + peer + " is worn out");
            }
            nextStream += 2;
            Frames.setStream(call.request, stream);
            pending.put(stream, call);
            queue.add(call);
            queuedBytes += call.request.length;
            requestsQueued.signal();
            return stream;
        } finally {
            lock.unlock();
        }
    }

    /** Gives a call up. A request that has not been written is not written any more. */
    private void forget(int stream, PendingCall call) {
        lock.lock();
        try {
            boolean answerMayCome = pending.remove(stream) != null;
            if (queue.remove(call)) {
                queuedBytes -= call.request.length;
                requestsWritten.signalAll();
            } else if (answerMayCome) {
                unanswered.incrementAndGet();
            }
        } finally {
            lock.unlock();
        }
    }

    private Fault late(Method<?, ?> method, Duration granted) {
        return Fault.deadlineExceeded(
                "%s did not answer %s within %d ms", peer, method.path(), granted.toMillis());
    }

    private IOException broken(Method<?, ?> method, @Nullable Throwable cause) {
        return new IOException(
                "the connection to %s broke before it answered %s".formatted(peer, method.path()),
                cause);
    }

    /** {@return whether calls can be made; a connection that has broken does not mend} */
    public boolean isOpen() {
        lock.lock();
        try {
            return closedBy == null;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Registers what to do when the connection has ended, for whatever reason. It runs once, on a
     * thread of the client or of whoever closes it, and at once if the end has come already. It
     * must not block.
     */
    public void onClosed(Runnable action) {
        lock.lock();
        try {
            if (closedBy == null) {
                closeListeners.add(action);
                return;
            }
        } finally {
            lock.unlock();
        }
        action.run();
    }

    /** {@return how many frames were skipped because nobody waits for such a thing} */
    public long ignoredFrames() {
        return ignoredFrames.get();
    }

    /** Ends the connection; calls on their way fail. Does not wait for the client's threads. */
    @Override
    public void close() {
        end(new IOException("the connection was closed on this side"));
    }

    private void end(IOException reason) {
        List<PendingCall> orphans;
        List<Runnable> listeners;
        lock.lock();
        try {
            if (closedBy != null) {
                return;
            }
            closedBy = reason;
            orphans = List.copyOf(pending.values());
            listeners = List.copyOf(closeListeners);
            pending.clear();
            closeListeners.clear();
            queue.clear();
            queuedBytes = 0;
            requestsQueued.signalAll();
            requestsWritten.signalAll();
        } finally {
            lock.unlock();
        }
        orphans.forEach(call -> call.response.completeExceptionally(reason));
        try {
            transport.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            LOG.log(System.Logger.Level.DEBUG, "transport did not close: peer=" + peer, e);
        }
        for (Runnable listener : listeners) {
            try {
                listener.run();
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "close listener failed: peer=" + peer, e);
            }
        }
    }

    // The reader's thread.
    private void read() {
        try {
            for (Frames.@Nullable Header header; (header = Frames.readHeader(in)) != null; ) {
                receive(header);
                letOthersRun();
            }
            end(new EOFException(peer + " closed the connection"));
        } catch (IOException e) {
            end(e);
        } catch (RuntimeException | Error e) {
            end(new IOException("reading failed", e));
            throw e;
        }
    }

    /**
     * A virtual thread that never has to wait never makes room: two peers that always have more to
     * say would hold up everybody on a machine with two processors.
     */
    @SuppressWarnings("ThreadPriorityCheck") // it is not relied on for anything but fairness
    private static void letOthersRun() {
        Thread.yield();
    }

    private void receive(Frames.Header header) throws IOException {
        boolean answers = header.type() == Frames.RESPONSE || header.type() == Frames.DATA;
        PendingCall call = answers ? takePending(header.stream()) : null;
        if (call == null) { // late, made up, or not for a client
            ignore(header);
            return;
        }
        String path = call.method.path();
        if (header.type() == Frames.DATA) {
            Frames.skipData(in, header);
            call.response.completeExceptionally(
                    Fault.unimplemented("%s answered %s with a stream", peer, path));
        } else if (header.length() > limit(call.method)) {
            Frames.skipData(in, header);
            call.response.completeExceptionally(
                    Fault.resourceExhausted(
                            "%s answered %s with %d bytes, and %d are allowed",
                            peer, path, header.length(), limit(call.method)));
        } else {
            try {
                call.response.complete(Frames.readData(in, header));
            } catch (IOException | RuntimeException | Error e) {
                call.response.completeExceptionally(e); // no longer among the pending ones
                throw e;
            }
        }
    }

    private void ignore(Frames.Header header) throws IOException {
        if (ignoredFrames.incrementAndGet() > unanswered.get() + MOST_UNASKED) {
            throw new ProtocolException(
                    "%s sends without end what nobody has asked for".formatted(peer));
        }
        Frames.skipData(in, header);
    }

    /** The limit is on the message; its envelope, and the text of a failure, may come on top. */
    private static int limit(Method<?, ?> method) {
        return (int) Math.min(Frames.MAX_DATA, method.maxResponseBytes() + 64L * 1024);
    }

    private @Nullable PendingCall takePending(int stream) {
        lock.lock();
        try {
            return pending.remove(stream);
        } finally {
            lock.unlock();
        }
    }

    // The writer's thread.
    private void write() {
        try {
            for (byte @Nullable [] frame; (frame = nextToWrite()) != null; ) {
                Frames.write(out, frame);
            }
        } catch (IOException e) {
            end(e);
        } catch (InterruptedException e) {
            end(new IOException("the writer was interrupted", e));
        } catch (RuntimeException | Error e) {
            end(new IOException("writing failed", e));
            throw e;
        }
    }

    private byte @Nullable [] nextToWrite() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (queue.isEmpty() && closedBy == null) {
                requestsQueued.await();
            }
            PendingCall call = queue.poll();
            if (call == null) {
                return null;
            }
            queuedBytes -= call.request.length;
            requestsWritten.signalAll();
            return call.request;
        } finally {
            lock.unlock();
        }
    }
}
