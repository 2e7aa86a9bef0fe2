// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.stream.Collectors;

/**
 * Answers whoever asks for limits and counters, or changes limits. A question is a line, {@code
 * get} or {@code set NAME=VALUE...}, with the names of the options; the answer is a line with a
 * JSON object. A connection takes any number of both, one after the other.
 *
 * <p>Each connection has a thread, since the confined process has only the calls left that block.
 */
final class ControlServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ControlServer.class.getName());
    private static final int MOST_CONNECTIONS = 16;
    private static final int MOST_BYTES = 4096;

    private final Fd listener;
    private final Throttle throttle;
    private final Semaphore free = new Semaphore(MOST_CONNECTIONS);
    private final Set<Fd> connections = new HashSet<>(); // guarded by itself
    private volatile boolean closed;

    /**
     * A server that is not started yet.
     *
     * @param listener a socket that listens; the caller closes it
     */
    ControlServer(Fd listener, Throttle throttle) {
        this.listener = listener;
        this.throttle = throttle;
    }

    void start() {
        Thread.ofPlatform().daemon(true).name("control").start(this::accept);
    }

    private void accept() {
        while (!closed) {
            try {
                Fd connection = UnixSockets.accept(listener);
                if (closed || !free.tryAcquire()) {
                    connection.close();
                    continue;
                }
                synchronized (connections) {
                    connections.add(connection);
                }
                Thread.ofPlatform()
                        .daemon(true)
                        .name("control of one")
                        .start(() -> serve(connection));
            } catch (ErrnoException e) {
                if (!closed) {
                    LOG.log(System.Logger.Level.WARNING, "Limits can be changed no more.", e);
                }
                return;
            }
        }
    }

    private void serve(Fd connection) {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        byte[] piece = new byte[MOST_BYTES];
        try {
            int n;
            while ((n = connection.read(piece, 0, piece.length)) > 0) {
                for (int i = 0; i < n; i++) {
                    if (piece[i] == '\n') {
                        String said = line.toString(StandardCharsets.UTF_8);
                        line.reset();
                        connection.writeFully(
                                (answer(said) + "\n").getBytes(StandardCharsets.UTF_8));
                    } else if (line.size() < MOST_BYTES) {
                        line.write(piece[i]);
                    } else {
                        connection.writeFully(
                                (error("a line is longer than " + MOST_BYTES + " bytes") + "\n")
                                        .getBytes(StandardCharsets.UTF_8));
                        return;
                    }
                }
            }
        } catch (ErrnoException e) {
            LOG.log(System.Logger.Level.DEBUG, "Whoever asked has gone.", e);
        } finally {
            synchronized (connections) {
                connections.remove(connection);
            }
            connection.close();
            free.release();
        }
    }

    /** {@return the answer to a line} */
    String answer(String line) {
        List<String> words = new ArrayList<>(List.of(line.strip().split("\\s+")));
        String verb = words.removeFirst();
        try {
            return switch (verb) {
                case "get" -> {
                    if (!words.isEmpty()) {
                        throw new IllegalArgumentException("'get' takes nothing");
                    }
                    yield json(throttle.state());
                }
                case "set" -> {
                    throttle.set(changes(words));
                    yield json(throttle.state());
                }
                default ->
                        throw new IllegalArgumentException(
                                "'%s' is neither 'get' nor 'set'".formatted(verb));
            };
        } catch (IllegalArgumentException e) {
            return error(String.valueOf(e.getMessage()));
        }
    }

    private static Map<String, String> changes(List<String> words) {
        Map<String, String> changes = new LinkedHashMap<>();
        for (String word : words) {
            int equals = word.indexOf('=');
            String name = equals < 0 ? word : word.substring(0, equals);
            if (equals < 0 || !Limits.NAMES.contains(name)) {
                throw new IllegalArgumentException(
                        "'%s' is no NAME=VALUE with the name of a limit".formatted(word));
            }
            if (changes.put(name, word.substring(equals + 1)) != null) {
                throw new IllegalArgumentException("%s is said twice".formatted(name));
            }
        }
        if (changes.isEmpty()) {
            throw new IllegalArgumentException("'set' needs at least one NAME=VALUE");
        }
        return changes;
    }

    private static String json(Throttle.State state) {
        String limits =
                state.settings().entrySet().stream()
                        .map(one -> quoted(one.getKey()) + ":" + quoted(one.getValue()))
                        .collect(Collectors.joining(","));
        return "{\"limits\":{"
                + limits
                + "},\"bytes-read\":"
                + state.bytesRead()
                + ",\"bytes-written\":"
                + state.bytesWritten()
                + ",\"requests\":"
                + state.requests()
                + ",\"throttled\":"
                + state.throttled()
                + ",\"throttled-nanos\":"
                + state.throttledNanos()
                + ",\"waits\":["
                + state.waits().stream().map(String::valueOf).collect(Collectors.joining(","))
                + "],\"held\":"
                + byMeter(state.held())
                + ",\"parked\":"
                + state.parked()
                + ",\"parked-for\":"
                + byMeter(state.parkedFor())
                + ",\"bytes-of-credit\":"
                + state.bytesOfCredit()
                + "}";
    }

    private static String byMeter(Map<Meter, Long> numbers) {
        return numbers.entrySet().stream()
                .map(one -> quoted(one.getKey().size()) + ":" + one.getValue())
                .collect(Collectors.joining(",", "{", "}"));
    }

    private static String error(String reason) {
        return "{\"error\":" + quoted(reason) + "}";
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.chars()
                .forEach(c -> {
                    if (c == '"' || c == '\\' || c < ' ') {
                        quoted.append("\\u%04x".formatted(c));
                    } else {
                        quoted.append((char) c);
                    }
                });
        return quoted.append('"').toString();
    }

    /** Ends all connections. */
    @Override
    public void close() {
        closed = true;
        UnixSockets.shutDown(listener);
        synchronized (connections) {
            connections.forEach(UnixSockets::shutDown);
        }
    }
}
