// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.qmp.QmpMessage.Event;
import io.bunkai.qmp.QmpMessage.Failure;
import io.bunkai.qmp.QmpMessage.Greeting;
import io.bunkai.qmp.QmpMessage.Return;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One side of a connection to QEMU, after the negotiation.
 *
 * <p>Any number of threads may call; each waits for its own answer. A virtual thread of the client
 * reads: it hands answers to their callers and events to the listener, until the peer, a broken
 * rule of the protocol, or {@link #close} ends the connection. Then every call under way fails, and
 * so does every later one.
 *
 * <p>QEMU is trusted only half, since a guest may have broken into it: a line is refused once it is
 * longer than {@link #LONGEST_LINE}, and nothing is kept of answers that nobody waits for.
 *
 * @spec https://www.qemu.org/docs/master/interop/qmp-spec.html QMP
 */
public final class QmpClient implements AutoCloseable {
    /** The most bytes that a line may have. The longest honest one is the schema, below 1 MiB. */
    public static final int LONGEST_LINE = 4 * 1024 * 1024;

    private static final System.Logger LOG = System.getLogger(QmpClient.class.getName());

    private final String peer;
    private final OutputStream out;
    private final AutoCloseable transport;
    private final QmpListener listener;
    private final Thread reader;
    private final ReentrantLock writing = new ReentrantLock(); // one line at a time
    private final AtomicLong lastId = new AtomicLong();
    private final Map<Long, CompletableFuture<QmpMessage>> calls = new ConcurrentHashMap<>();
    private final CompletableFuture<QmpVersion> greeting = new CompletableFuture<>();

    /** Why the connection ended; completed once, before the calls under way are failed. */
    private final CompletableFuture<IOException> end = new CompletableFuture<>();

    private QmpClient(
            InputStream in,
            OutputStream out,
            AutoCloseable transport,
            String peer,
            QmpListener listener) {
        this.peer = peer;
        this.out = out;
        this.transport = transport;
        this.listener = listener;
        this.reader = Thread.ofVirtual().name("qmp " + peer).unstarted(() -> readAll(in));
    }

    /**
     * Connects to a unix socket and negotiates.
     *
     * @param socket at most 107 bytes long
     * @return the connection, which the caller closes
     * @throws IOException if nobody listens there, the peer does not speak the protocol, or the
     *     deadline passes
     */
    public static QmpClient connect(Path socket, QmpListener listener, Deadline deadline)
            throws IOException {
        try (var undo = new Closer()) {
            SocketChannel channel = undo.own(SocketChannel.open(StandardProtocolFamily.UNIX));
            channel.connect(UnixDomainSocketAddress.of(socket));
            QmpClient client =
                    over(
                            Channels.newInputStream(channel),
                            Channels.newOutputStream(channel),
                            channel,
                            socket.toString(),
                            listener,
                            deadline);
            undo.release();
            return client;
        }
    }

    /**
     * Negotiates over a pair of streams.
     *
     * @param transport closed with the client, or if the negotiation fails; closing it must end a
     *     read of {@code in} that waits
     * @param peer names the peer in threads, logs and errors
     * @return the connection, which the caller closes
     * @throws IOException if the peer does not speak the protocol, or the deadline passes
     */
    public static QmpClient over(
            InputStream in,
            OutputStream out,
            AutoCloseable transport,
            String peer,
            QmpListener listener,
            Deadline deadline)
            throws IOException {
        var client = new QmpClient(in, out, transport, peer, listener);
        client.reader.start();
        try {
            client.await(client.greeting, "greeting", deadline);
            client.execute(new QmpCapabilities(), deadline);
            return client;
        } catch (IOException | RuntimeException e) {
            client.close();
            throw e;
        }
    }

    /** {@return the version that the peer greeted with} */
    public QmpVersion version() {
        return greeting.resultNow();
    }

    /** {@return whether the connection is still there} */
    public boolean isOpen() {
        return !end.isDone();
    }

    /**
     * Carries out a command and waits for its answer. A call whose deadline has passed may be
     * carried out all the same; its answer is dropped.
     *
     * @throws QmpException if the peer says that it failed
     * @throws QmpProtocolException if the answer does not have the form that the command promises
     * @throws InterruptedIOException if the deadline passed, or the thread was interrupted, which
     *     it then still is
     * @throws IOException if the connection is gone
     */
    public <R> R execute(QmpCommand<R> command, Deadline deadline) throws IOException {
        if (Thread.currentThread().equals(reader)) {
            throw new IllegalStateException(
                    "the thread that reads " + peer + " cannot wait for an answer");
        }
        long id = lastId.incrementAndGet();
        var answer = new CompletableFuture<QmpMessage>();
        calls.put(id, answer);
        try {
            send(QmpCodec.encode(command, id), command.name(), deadline);
            return switch (await(answer, command.name(), deadline)) {
                case Return(long _, QmpValue value) -> command.result(value);
                case Failure(long _, String errorClass, String description) ->
                        throw new QmpException(command.name(), errorClass, description);
                case Greeting _, Event _ ->
                        throw new IllegalStateException("only answers are handed to callers");
            };
        } finally {
            calls.remove(id);
        }
    }

    private void send(byte[] line, String what, Deadline deadline) throws IOException {
        try {
            if (!writing.tryLock(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS)) {
                throw late(what);
            }
        } catch (InterruptedException e) {
            throw interrupted(what);
        }
        try {
            // A call that is registered after the connection ended would wait in vain.
            if (end.isDone()) {
                throw gone(end.join());
            }
            out.write(line);
            out.flush();
        } catch (IOException e) {
            // Half a line may be out: nothing that follows would be understood.
            finish(e);
            throw gone(e);
        } finally {
            writing.unlock();
        }
    }

    private <T> T await(CompletableFuture<T> future, String what, Deadline deadline)
            throws IOException {
        try {
            return future.get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw late(what);
        } catch (InterruptedException e) {
            throw interrupted(what);
        } catch (ExecutionException e) {
            throw gone(e.getCause());
        }
    }

    private InterruptedIOException late(String what) {
        return new InterruptedIOException(what + " was not answered in time by " + peer);
    }

    private InterruptedIOException interrupted(String what) {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("interrupted while waiting for " + what);
    }

    /** A fresh exception for each caller, since it shows where that caller waited. */
    private IOException gone(@Nullable Throwable cause) {
        return new IOException("the connection to " + peer + " is gone", cause);
    }

    private void readAll(InputStream in) {
        IOException cause;
        try {
            var lines = new LineReader(in, LONGEST_LINE);
            for (byte[] line = lines.read(); line != null; line = lines.read()) {
                if (line.length > 0) {
                    dispatch(QmpCodec.decode(line));
                }
            }
            cause = new EOFException(peer + " has ended the connection");
        } catch (IOException e) {
            cause = e;
        }
        finish(cause);
        try {
            listener.onClosed(end.join());
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "A QMP listener failed. peer=" + peer, e);
        }
    }

    private void dispatch(QmpMessage message) throws QmpProtocolException {
        switch (message) {
            case Greeting(QmpVersion version) -> {
                if (!greeting.complete(version)) {
                    throw new QmpProtocolException("a second greeting");
                }
            }
            case Return answer -> answer(answer.id(), answer);
            case Failure answer -> answer(answer.id(), answer);
            case Event(QmpEvent event) -> {
                try {
                    listener.onEvent(event);
                } catch (RuntimeException e) {
                    LOG.log(System.Logger.Level.ERROR, "A QMP listener failed. peer=" + peer, e);
                }
            }
        }
    }

    /** An answer whose caller has given up waiting goes nowhere. */
    private void answer(long id, QmpMessage answer) {
        CompletableFuture<QmpMessage> call = calls.remove(id);
        if (call != null) {
            call.complete(answer);
        }
    }

    private void finish(IOException cause) {
        if (!end.complete(cause)) {
            return;
        }
        try {
            transport.close();
        } catch (Exception e) {
            cause.addSuppressed(e);
        }
        greeting.completeExceptionally(cause);
        calls.values().forEach(call -> call.completeExceptionally(cause));
    }

    /**
     * Ends the connection and waits until the listener has heard of it, unless the listener itself
     * calls. The machine on the other side goes on. Idempotent.
     */
    @Override
    public void close() {
        finish(new ClosedChannelException());
        if (Thread.currentThread().equals(reader)) {
            return;
        }
        boolean interrupted = false;
        while (true) {
            try {
                reader.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
