// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.UnsafeByteOperations;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.ttrpc.TtrpcServer.Registered;
import io.bunkai.ttrpc.wire.Request;
import io.bunkai.ttrpc.wire.Response;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** One connection of a server: reads requests on one thread, answers them from many. */
final class ServedConnection implements Connection {
    private static final System.Logger LOG = System.getLogger("io.bunkai.ttrpc");

    /** Names in a request are the peer's; this much of them is repeated to it. */
    private static final int MAX_NAME = 200;

    private final TtrpcServer server;
    private final OutputStream out;
    private final Executor handlers;
    private final CallLog log;

    // Held while a response is written: a peer that does not read holds up its own calls only.
    private final ReentrantLock writing = new ReentrantLock();

    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Condition answerWritten = lock.newCondition();
    private final Set<Action> closeActions = new LinkedHashSet<>();
    private boolean open = true;
    private int running; // handlers that have not returned
    private int answering; // answers that have not been written

    private int lastStream; // the reading thread's alone; unsigned

    ServedConnection(TtrpcServer server, OutputStream out, Executor handlers, CallLog log) {
        this.server = server;
        this.out = out;
        this.handlers = handlers;
        this.log = log;
    }

    /** Told apart by identity: the same runnable may be registered twice. */
    private static final class Action {
        private final Runnable runnable;

        Action(Runnable runnable) {
            this.runnable = runnable;
        }
    }

    /** A call in the works. Its actions live in the connection's set until the handler returns. */
    private final class ServedCall implements Call {
        private final int stream;
        private final Deadline deadline;
        private final Set<Action> actions = new LinkedHashSet<>(); // guarded by the lock
        private boolean returned; // guarded by the lock

        ServedCall(int stream, Deadline deadline) {
            this.stream = stream;
            this.deadline = deadline;
        }

        @Override
        public boolean isRepeated() {
            return log.isRepeated(stream);
        }

        @Override
        public Optional<byte[]> noted() {
            return log.note(stream);
        }

        @Override
        public void note(byte[] note) {
            log.note(stream, note);
        }

        @Override
        public void park() {
            log.parked(stream);
        }

        @Override
        public Connection connection() {
            return ServedConnection.this;
        }

        @Override
        public Deadline deadline() {
            return deadline;
        }

        @Override
        public void onAbandoned(Runnable runnable) {
            Action action = new Action(runnable);
            lock.lock();
            try {
                if (returned) {
                    return;
                }
                actions.add(action);
            } finally {
                lock.unlock();
            }
            register(action);
        }

        void handlerReturned() {
            lock.lock();
            try {
                returned = true;
                closeActions.removeAll(actions);
            } finally {
                lock.unlock();
            }
        }
    }

    void serve(InputStream in) throws IOException {
        try {
            for (Frames.@Nullable Header header; (header = Frames.readHeader(in)) != null; ) {
                receive(in, header);
            }
        } finally {
            end();
        }
    }

    private void receive(InputStream in, Frames.Header header) throws IOException {
        int stream = header.stream();
        if (header.type() != Frames.REQUEST) {
            // Data of a stream that was refused when it was opened, or nonsense. No answer could
            // be told from the answer to that request.
            Frames.skipData(in, header);
            return;
        }
        if (header.isOversized()) {
            Frames.skipData(in, header);
            refuse(
                    stream,
                    Fault.resourceExhausted(
                            "a message of %d bytes is larger than %d bytes",
                            header.length(), Frames.MAX_DATA));
            return;
        }
        if ((stream & 1) == 0 || Integer.compareUnsigned(stream, lastStream) <= 0) {
            Frames.skipData(in, header);
            refuse(
                    stream,
                    Fault.invalidArgument(
                            "stream %s: a client's streams have odd numbers that grow",
                            Integer.toUnsignedString(stream)));
            return;
        }
        lastStream = stream;
        if (!enter()) {
            Frames.skipData(in, header);
            refuse(
                    stream,
                    Fault.resourceExhausted(
                            "%d calls are in the works, and no more are allowed on one connection",
                            server.maxConcurrentCalls()));
            return;
        }
        boolean started = false;
        try {
            byte[] data = Frames.readData(in, header);
            handlers.execute(() -> answer(stream, header.flags(), data));
            started = true;
        } catch (RuntimeException | OutOfMemoryError e) { // no thread, no memory
            refuse(stream, Fault.resourceExhausted("there is no thread for this call"));
        } finally {
            if (!started) {
                leave(false);
            }
        }
    }

    // On a handler's thread from here on.
    private void answer(int stream, byte flags, byte[] data) {
        byte @Nullable [] frame = null;
        try {
            frame = encode(stream, handle(stream, flags, data));
        } finally {
            // Before the answer goes out, since whoever has it may call again at once.
            leave(frame != null);
        }
        try {
            respond(stream, frame);
        } finally {
            answered();
        }
    }

    private Response handle(int stream, byte flags, byte[] data) {
        Request request;
        try {
            var input = UnsafeByteOperations.unsafeWrap(data).newCodedInput();
            input.enableAliasing(true); // nobody else holds this array
            request = Request.parseFrom(input);
        } catch (IOException e) {
            return failed(Fault.invalidArgument("the request cannot be decoded").causedBy(e));
        }
        String service = request.getService();
        String name = request.getMethod();
        Registered<?, ?> registered = server.find(service, name);
        if (registered == null) {
            return failed(
                    Fault.unimplemented("/%s/%s is not implemented", cut(service), cut(name)));
        }
        if ((flags & Frames.FLAG_REMOTE_OPEN) != 0) {
            return failed(
                    Fault.unimplemented(
                            "%s takes one message and not a stream", registered.method().path()));
        }
        return call(stream, registered, request);
    }

    private <Q extends MessageLite, R extends MessageLite> Response call(
            int stream, Registered<Q, R> registered, Request envelope) {
        Method<Q, R> method = registered.method();
        ServedCall call = new ServedCall(stream, deadline(envelope));
        try {
            Q request = method.request().get().parseFrom(envelope.getPayload());
            R response = registered.handler().handle(request, call);
            ByteString payload = UnsafeByteOperations.unsafeWrap(response.toByteArray());
            return Response.newBuilder().setPayload(payload).build();
        } catch (InvalidProtocolBufferException e) {
            return failed(
                    Fault.invalidArgument("the message for %s cannot be decoded", method.path())
                            .causedBy(e));
        } catch (Fault e) {
            return failed(e);
        } catch (Throwable e) {
            LOG.log(System.Logger.Level.ERROR, "handler failed: method=" + method.path(), e);
            return failed(e);
        } finally {
            call.handlerReturned();
        }
    }

    private static Deadline deadline(Request envelope) {
        return envelope.getTimeoutNano() > 0
                ? Deadline.after(Duration.ofNanos(envelope.getTimeoutNano()))
                : Deadline.never();
    }

    private static String cut(String name) {
        return name.length() <= MAX_NAME ? name : name.substring(0, MAX_NAME) + "...";
    }

    private Response failed(Throwable failure) {
        return Response.newBuilder().setStatus(server.statusOf(failure)).build();
    }

    private byte[] encode(int stream, Response response) {
        byte[] frame = Frames.encode(stream, Frames.RESPONSE, (byte) 0, response);
        if (!Frames.isOversized(frame)) {
            return frame;
        }
        Fault tooLarge =
                Fault.resourceExhausted(
                        "an answer of %d bytes does not fit in a message of %d bytes",
                        frame.length - Frames.HEADER_BYTES, Frames.MAX_DATA);
        return Frames.encode(stream, Frames.RESPONSE, (byte) 0, failed(tooLarge));
    }

    private void refuse(int stream, Fault reason) {
        respond(stream, encode(stream, failed(reason)));
    }

    /** Once nothing is read any more, nobody is answered: perhaps a successor does that. */
    private void respond(int stream, byte[] frame) {
        writing.lock();
        try {
            if (isOpen()) {
                Frames.write(out, frame);
                log.answered(stream);
            }
        } catch (IOException e) {
            // The reading thread sees the end of the connection too, and its caller decides.
            LOG.log(System.Logger.Level.DEBUG, "answer was not delivered", e);
        } finally {
            writing.unlock();
        }
    }

    /**
     * Takes a place for a handler. Waits first while a peer that does not read has let too many
     * answers pile up, each of which is a thread.
     */
    private boolean enter() {
        lock.lock();
        try {
            while (answering >= server.maxConcurrentCalls()) {
                answerWritten.awaitUninterruptibly();
            }
            if (running >= server.maxConcurrentCalls()) {
                return false;
            }
            running++;
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void leave(boolean withAnswer) {
        lock.lock();
        try {
            running--;
            if (withAnswer) {
                answering++;
            }
        } finally {
            lock.unlock();
        }
    }

    private void answered() {
        lock.lock();
        try {
            answering--;
            answerWritten.signal();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean isOpen() {
        lock.lock();
        try {
            return open;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Registration onClose(Runnable runnable) {
        Action action = new Action(runnable);
        register(action);
        return () -> unregister(action);
    }

    private void register(Action action) {
        lock.lock();
        try {
            if (open) {
                closeActions.add(action);
                return;
            }
        } finally {
            lock.unlock();
        }
        action.runnable.run();
    }

    private void unregister(Action action) {
        lock.lock();
        try {
            closeActions.remove(action);
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        List<Action> actions;
        lock.lock();
        try {
            open = false;
            actions = List.copyOf(closeActions);
            closeActions.clear();
        } finally {
            lock.unlock();
        }
        for (Action action : actions) {
            try {
                action.runnable.run();
            } catch (RuntimeException e) {
                LOG.log(System.Logger.Level.ERROR, "close action failed", e);
            }
        }
    }
}
