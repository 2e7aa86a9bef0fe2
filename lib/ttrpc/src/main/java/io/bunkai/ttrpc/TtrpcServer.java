// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import com.google.protobuf.MessageLite;
import io.bunkai.ttrpc.wire.Status;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/**
 * Answers calls. One server serves any number of connections, each on the thread that calls {@link
 * #serve}; every request runs on a thread of its own.
 *
 * <p>The peer may be hostile: messages and the number of calls at once are bounded before memory or
 * a thread is spent on them, and what cannot be understood is answered with a status where there is
 * a stream to answer on.
 *
 * <p>A failure becomes a status: a {@link io.bunkai.base.Fault} its own code and text, a request
 * that cannot be decoded INVALID_ARGUMENT, a method that is not registered UNIMPLEMENTED, anything
 * else INTERNAL (and a line in the log, with the stack trace). Immutable, thread-safe.
 */
public final class TtrpcServer {
    private final Map<String, Registered<?, ?>> methods;
    private final int maxConcurrentCalls;
    private final boolean failuresOnOneLine;

    private TtrpcServer(Builder builder) {
        this.methods = Map.copyOf(builder.methods);
        this.maxConcurrentCalls = builder.maxConcurrentCalls;
        this.failuresOnOneLine = builder.failuresOnOneLine;
    }

    /**
     * Answers one method. It is called on many threads at once.
     *
     * @param <Q> type of the request
     * @param <R> type of the response
     */
    @FunctionalInterface
    public interface Handler<Q, R> {
        /**
         * {@return the response}
         *
         * @throws io.bunkai.base.Fault if there is a failure that the caller should understand
         * @throws Exception if something broke in here
         */
        R handle(Q request, Call call) throws Exception;
    }

    record Registered<Q extends MessageLite, R extends MessageLite>(
            Method<Q, R> method, Handler<Q, R> handler) {}

    /** Collects the methods of a server. */
    public static final class Builder {
        private final Map<String, Registered<?, ?>> methods = new HashMap<>();
        private int maxConcurrentCalls = 128;
        private boolean failuresOnOneLine;

        private Builder() {}

        /**
         * Offers a method.
         *
         * @throws IllegalArgumentException if it is offered already
         */
        public <Q extends MessageLite, R extends MessageLite> Builder method(
                Method<Q, R> method, Handler<Q, R> handler) {
            if (methods.putIfAbsent(method.path(), new Registered<>(method, handler)) != null) {
                throw new IllegalArgumentException(method.path() + " is registered twice");
            }
            return this;
        }

        /**
         * How many calls of one connection may be in the works at once, 128 if not said; one more
         * is answered with RESOURCE_EXHAUSTED. Calls that wait for something to happen count.
         */
        public Builder maxConcurrentCalls(int calls) {
            if (calls < 1) {
                throw new IllegalArgumentException("not a number of calls: " + calls);
            }
            maxConcurrentCalls = calls;
            return this;
        }

        /**
         * Failures are told as "message: cause (hint)" and not in lines, for peers that make the
         * text a part of a sentence of their own, as containerd does.
         */
        public Builder failuresOnOneLine() {
            failuresOnOneLine = true;
            return this;
        }

        /** {@return a server with these methods} */
        public TtrpcServer build() {
            return new TtrpcServer(this);
        }
    }

    /** {@return an empty collection of methods} */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Serves one connection until the peer ends it between two messages. Handlers that have not
     * returned then run on; their answers are dropped. Closes neither stream.
     *
     * @param handlers makes the thread of each request
     * @throws IOException if the connection ended in any other way
     */
    public void serve(InputStream in, OutputStream out, ThreadFactory handlers) throws IOException {
        serveOn(in, out, task -> handlers.newThread(task).start());
    }

    /**
     * As {@link #serve}, with handlers run by an executor. It must not run them on the calling
     * thread, and needs as many threads as calls are allowed at once, or waiting calls starve
     * others.
     */
    public void serveOn(InputStream in, OutputStream out, Executor handlers) throws IOException {
        serveOn(in, out, handlers, CallLog.NONE);
    }

    /** As {@link #serveOn(InputStream, OutputStream, Executor)}, with calls that are logged. */
    public void serveOn(InputStream in, OutputStream out, Executor handlers, CallLog log)
            throws IOException {
        new ServedConnection(this, out, handlers, log).serve(in);
    }

    @Nullable Registered<?, ?> find(String service, String method) {
        return methods.get("/" + service + "/" + method);
    }

    Status statusOf(Throwable failure) {
        return failuresOnOneLine ? Statuses.statusOnOneLineOf(failure) : Statuses.statusOf(failure);
    }

    int maxConcurrentCalls() {
        return maxConcurrentCalls;
    }
}
