// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The control socket of a file server, from the side of whoever changes its limits: docs/limits.md
 * has what is said there. A guest that has taken its server over can answer anything, so an answer
 * is short, comes in time, and is nothing but names and numbers.
 */
final class ServerControl implements Budgets.Control {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final int LONGEST_ANSWER = 64 * 1024;
    private static final int MOST_FIGURES = 500;
    private static final int LONGEST_FIGURE = 100;
    private static final int LONGEST_LIST = 500; // twenty numbers of 63 bits

    private final Path socket;

    ServerControl(Path socket) {
        this.socket = socket;
    }

    /**
     * Changes limits: all of them or none.
     *
     * @param changes values by the limits' names
     * @throws Fault INVALID_ARGUMENT if the server refuses one, with its reason; else as {@link
     *     #figures}
     */
    @Override
    public void set(Map<String, String> changes, Deadline deadline) {
        StringBuilder request = new StringBuilder("set");
        changes.forEach((name, value) -> {
            requireWord(name);
            requireWord(value);
            request.append(' ').append(name).append('=').append(value);
        });
        JsonNode answer = ask(request.toString(), deadline);
        if (answer.has("error")) {
            Fault refused =
                    Fault.invalidArgument(
                            "%s", GuestText.printable(answer.path("error").asString("")));
            String hint = GuestText.printable(answer.path("hint").asString(""));
            throw hint.isEmpty() ? refused : refused.withHint("%s", hint);
        }
    }

    private static void requireWord(String text) {
        if (!text.matches("[A-Za-z0-9.-]{1,40}")) {
            throw Fault.invalidArgument(
                    "'%s' is no name or value of a limit", GuestText.printable(text));
        }
    }

    /**
     * {@return limits and counters, by names with dots between their parts}
     *
     * @throws Fault UNAVAILABLE if the server cannot be reached or makes no sense,
     *     DEADLINE_EXCEEDED if it does not answer
     */
    @Override
    public Map<String, String> figures(Deadline deadline) {
        Map<String, String> figures = new LinkedHashMap<>();
        add("", ask("get", deadline), figures);
        return figures;
    }

    /**
     * {@return the whole answer to {@code get}, of which nothing has been checked}
     *
     * @throws Fault as {@link #figures}
     */
    JsonNode counters(Deadline deadline) {
        return ask("get", deadline);
    }

    private static void add(String name, JsonNode node, Map<String, String> figures) {
        if (node.isObject()) {
            node.properties()
                    .forEach(part ->
                            add(
                                    name.isEmpty() ? part.getKey() : name + "." + part.getKey(),
                                    part.getValue(),
                                    figures));
        } else if (figures.size() < MOST_FIGURES) {
            figures.put(
                    shown(name, LONGEST_FIGURE),
                    node.isArray()
                            ? shown(list(node), LONGEST_LIST)
                            : shown(node.asString(""), LONGEST_FIGURE));
        }
    }

    private static String list(JsonNode array) {
        StringBuilder words = new StringBuilder();
        array.forEach(item -> words.append(words.isEmpty() ? "" : " ").append(item.asString("")));
        return words.toString();
    }

    private static String shown(String text, int most) {
        return GuestText.printable(text.substring(0, Math.min(text.length(), most)));
    }

    private JsonNode ask(String request, Deadline deadline) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            Thread hurry =
                    Thread.ofVirtual().name("deadline").start(() -> closeAt(channel, deadline));
            try {
                channel.connect(UnixDomainSocketAddress.of(socket));
                ByteBuffer line =
                        ByteBuffer.wrap((request + "\n").getBytes(StandardCharsets.UTF_8));
                while (line.hasRemaining()) {
                    channel.write(line);
                }
                return JSON.readTree(line(channel));
            } finally {
                hurry.interrupt();
            }
        } catch (AsynchronousCloseException e) {
            throw Fault.deadlineExceeded("the file server did not answer").causedBy(e);
        } catch (IOException | JacksonException e) {
            throw Fault.unavailable("the file server does not answer as it should").causedBy(e);
        }
    }

    private static void closeAt(SocketChannel channel, Deadline deadline) {
        try {
            Thread.sleep(deadline.remaining());
            channel.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it has answered
        } catch (IOException e) {
            throw new IllegalStateException("a socket can be closed", e);
        }
    }

    private static byte[] line(SocketChannel channel) throws IOException {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        ByteBuffer piece = ByteBuffer.allocate(4096);
        while (answer.size() < LONGEST_ANSWER && channel.read(piece.clear()) >= 0) {
            byte[] bytes = piece.array();
            for (int i = 0; i < piece.position(); i++) {
                if (bytes[i] == '\n') {
                    answer.write(bytes, 0, i);
                    return answer.toByteArray();
                }
            }
            answer.write(bytes, 0, piece.position());
        }
        throw new IOException("an answer without an end");
    }
}
