// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Fault;
import io.bunkai.linux.UnixConnection;
import io.bunkai.linux.UnixListener;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * Metrics over HTTP/1.1, at a unix socket of the owner's: {@code GET /metrics} and nothing else.
 *
 * <p>A connection is for one request, which is short and comes in time, and is closed after the
 * answer. There are few at once; one too many is closed. Each has a virtual thread, and another one
 * that closes it when its time is over.
 *
 * @spec https://www.rfc-editor.org/rfc/rfc9112 HTTP/1.1
 */
final class MetricsServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(MetricsServer.class.getName());
    private static final int MOST_CONNECTIONS = 32;

    /** A sample asks every guest. */
    private static final int MOST_SCRAPES = 8;

    /** Of a request line and its headers. */
    private static final int LONGEST_HEAD = 8 * 1024;

    /** Of a request and its answer together; a sample may take a second of it. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final String PLAIN = "text/plain; charset=utf-8";

    private final UnixListener listener;

    private MetricsServer(UnixListener listener) {
        this.listener = listener;
    }

    /** An answer; {@code allow} is empty where it has no place. */
    private record Answer(String status, String type, String allow, String body) {
        static Answer refusal(String status, String why) {
            return new Answer(status, PLAIN, "", why + "\n");
        }
    }

    /**
     * {@return a server that answers at {@code path}, in place of one that a former daemon left
     * there}
     *
     * @param metrics made anew for each request; blocks
     * @param patience for one connection
     * @throws IOException if the path cannot be bound
     */
    static MetricsServer open(Path path, Supplier<String> metrics, Duration patience)
            throws IOException {
        Semaphore connections = new Semaphore(MOST_CONNECTIONS);
        Semaphore scrapes = new Semaphore(MOST_SCRAPES);
        return new MetricsServer(
                UnixListener.open(
                        path,
                        "metrics",
                        client -> {
                            if (!connections.tryAcquire()) {
                                client.close();
                                return;
                            }
                            try {
                                serve(client, metrics, scrapes, patience);
                            } finally {
                                connections.release();
                            }
                        }));
    }

    private static void serve(
            UnixConnection client, Supplier<String> metrics, Semaphore scrapes, Duration patience) {
        Thread hurry =
                Thread.ofVirtual()
                        .name("metrics deadline")
                        .start(() -> closeAfter(patience, client));
        try (client) {
            String head = head(client.input());
            write(client.output(), answer(head, metrics, scrapes), !head.startsWith("HEAD "));
            drain(client);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "a scrape broke off reason={0}", e.getMessage());
        } finally {
            hurry.interrupt();
        }
    }

    private static void closeAfter(Duration patience, UnixConnection client) {
        try {
            Thread.sleep(patience);
            client.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // it is over
        }
    }

    /** What has been sent and not been read would break the connection before the answer is. */
    private static void drain(UnixConnection client) throws IOException {
        byte[] rest = new byte[LONGEST_HEAD];
        if (client.peekNow(rest, 0, rest.length) > 0) {
            int _ = client.input().read(rest, 0, rest.length);
        }
    }

    /** {@return the request up to the empty line behind it; less if it is too long} */
    private static String head(InputStream in) throws IOException {
        byte[] head = new byte[LONGEST_HEAD];
        int length = 0;
        while (length < head.length) {
            int n = in.read(head, length, head.length - length);
            if (n < 0) {
                throw new IOException("the request has no end");
            }
            length += n;
            String text = new String(head, 0, length, StandardCharsets.ISO_8859_1);
            int end = text.indexOf("\r\n\r\n");
            if (end >= 0) {
                return text.substring(0, end + 2);
            }
        }
        return "";
    }

    private static Answer answer(String head, Supplier<String> metrics, Semaphore scrapes) {
        if (head.isEmpty()) {
            return Answer.refusal(
                    "431 Request Header Fields Too Large",
                    "a request has at most " + LONGEST_HEAD + " bytes");
        }
        String[] words = head.substring(0, head.indexOf("\r\n")).split(" ", -1);
        if (words.length != 3 || !words[2].matches("HTTP/1\\.[0-9]")) {
            return Answer.refusal("400 Bad Request", "this is not HTTP/1.1");
        }
        String path = words[1].split("\\?", 2)[0];
        if (!path.equals("/metrics")) {
            return Answer.refusal("404 Not Found", "there is /metrics");
        }
        if (!List.of("GET", "HEAD").contains(words[0])) {
            return new Answer("405 Method Not Allowed", PLAIN, "GET, HEAD", "only GET and HEAD\n");
        }
        if (!scrapes.tryAcquire()) {
            return Answer.refusal("503 Service Unavailable", "too many scrapes at once");
        }
        try {
            return new Answer("200 OK", MetricFamilies.CONTENT_TYPE, "", metrics.get());
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "a scrape failed", e);
            return Answer.refusal("500 Internal Server Error", "there are no metrics now");
        } finally {
            scrapes.release();
        }
    }

    private static void write(OutputStream out, Answer answer, boolean withBody)
            throws IOException {
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        String head =
                "HTTP/1.1 "
                        + answer.status()
                        + "\r\nContent-Type: "
                        + answer.type()
                        + "\r\nContent-Length: "
                        + body.length
                        + (answer.allow().isEmpty() ? "" : "\r\nAllow: " + answer.allow())
                        + "\r\nConnection: close\r\n\r\n";
        out.write(head.getBytes(StandardCharsets.US_ASCII));
        if (withBody) {
            out.write(body);
        }
    }

    /**
     * Stops accepting.
     *
     * @throws Fault INTERNAL if the socket's file cannot be removed
     */
    @Override
    public void close() {
        listener.close();
    }
}
