// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.api.GuestChannel;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A program in QEMU's place where a machine inside of a machine would be too slow: it takes QEMU's
 * command line, listens on the sockets that it inherits, answers QMP, and plays the agent with a
 * {@link ScriptedAgent}. It boots at once, uses no memory to speak of, and lives and dies as QEMU
 * does.
 *
 * <p>Its containers know four programs: {@code sleep}, which waits for a signal, {@code count},
 * which prints a numbered line five times a second, {@code exit STATUS}, and {@code echo WORDS}.
 */
final class StandInVmm {
    private static final Pattern CHARDEV = Pattern.compile("socket,id=(\\w+),fd=(\\d+),.*");
    private static final Pattern EXECUTE = Pattern.compile("\"execute\"\\s*:\\s*\"([^\"]+)\"");
    private static final Pattern ID = Pattern.compile("\"id\"\\s*:\\s*(\\d+)");
    private static final String GREETING =
            "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7},"
                    + " \"package\": \"\"}, \"capabilities\": [\"oob\"]}}";
    private static final int COUNT_MILLIS = 200;

    private final Map<String, Fd> listeners = new HashMap<>();
    private final CountDownLatch resumed = new CountDownLatch(1);
    private volatile String status = "prelaunch";

    private StandInVmm() {}

    /**
     * Plays until it is killed or told to quit.
     *
     * @param arguments QEMU's command line with the program at its beginning, so that whoever looks
     *     for a machine by its command line finds this one
     */
    public static void main(String[] arguments) throws Exception {
        StandInVmm vmm = new StandInVmm();
        for (String argument : arguments) {
            Matcher chardev = CHARDEV.matcher(argument);
            if (chardev.matches()) {
                int number = Integer.parseInt(chardev.group(2));
                vmm.listeners.put(chardev.group(1), Fd.inherited(number));
            }
        }
        vmm.serve("console", StandInVmm::ignore);
        vmm.serve("qmp", vmm::answer);
        vmm.resumed.await();
        vmm.runAgent();
    }

    /** Whoever is connected. */
    private interface Service {
        void serve(Fd connection) throws IOException;
    }

    /** One connection after the other, as QEMU has it. */
    private void serve(String name, Service service) {
        Thread.ofPlatform()
                .name(name)
                .start(() -> {
                    while (true) {
                        try (Fd connection = accept(name)) {
                            service.serve(connection);
                        } catch (IOException e) {
                            System.err.println(name + ": " + e.getMessage());
                        }
                    }
                });
    }

    private Fd accept(String name) throws ErrnoException {
        Fd listener = listeners.get(name);
        if (listener == null) {
            throw new IllegalArgumentException("the command line has no socket for " + name);
        }
        return UnixSockets.accept(listener);
    }

    private static void ignore(Fd connection) throws IOException {
        connection.input().transferTo(OutputStream.nullOutputStream());
    }

    private void answer(Fd connection) throws IOException {
        say(connection, GREETING);
        BufferedReader lines =
                new BufferedReader(
                        new InputStreamReader(connection.input(), StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Matcher command = EXECUTE.matcher(line);
            Matcher id = ID.matcher(line);
            if (!command.find() || !id.find()) {
                throw new IOException("this is no command: " + line);
            }
            String result = execute(command.group(1));
            say(connection, "{\"return\": %s, \"id\": %s}".formatted(result, id.group(1)));
        }
    }

    private String execute(String command) {
        switch (command) {
            case "cont" -> {
                status = "running";
                resumed.countDown();
            }
            case "stop" -> status = "paused";
            case "quit", "system_powerdown" -> System.exit(0);
            case "query-status" -> {
                return "{\"status\": \"" + status + "\"}";
            }
            default -> {} // what makes no difference here
        }
        return "{}";
    }

    private static void say(Fd connection, String line) throws IOException {
        connection.writeFully((line + "\r\n").getBytes(StandardCharsets.UTF_8));
    }

    private void runAgent() throws InterruptedException {
        ScriptedAgent agent = new ScriptedAgent(StandInVmm::run);
        agent.execProgram(StandInVmm::run);
        agent.offerAcknowledgedStreams();
        Port port = new Port();
        serve("agent", port::connected);
        GuestChannel channel =
                new GuestChannel(port.input(), port.output(), _ -> port.awaitConnection());
        while (true) {
            try (GuestChannel.Session session = channel.accept()) {
                agent.server()
                        .serve(
                                session.input(),
                                session.output(),
                                Thread.ofVirtual().name("agent call ", 0).factory());
            } catch (IOException _) {
                // the session has ended in the middle of a frame
            }
        }
    }

    private static void run(ScriptedProcess process) throws InterruptedException {
        List<String> words = process.description().getArgsList();
        switch (words.getFirst()) {
            case "sleep" -> {} // a signal ends it
            case "count" -> count(process);
            case "exit" -> process.exit(Integer.parseInt(words.get(1)));
            case "echo" -> {
                process.print(String.join(" ", words.subList(1, words.size())) + "\n");
                process.exit(0);
            }
            default -> process.exit(127);
        }
    }

    private static void count(ScriptedProcess process) throws InterruptedException {
        for (int number = 1; !process.end().isDone(); number++) {
            process.print("line " + number + "\n");
            Thread.sleep(COUNT_MILLIS);
        }
    }

    /** What the guest sees of the agent's port: silence while nobody is connected. */
    private static final class Port {
        private @Nullable Fd current; // guarded by this

        /** Returns when the connection has ended. */
        synchronized void connected(Fd connection) {
            current = connection;
            notifyAll();
            try {
                while (connection.equals(current)) {
                    wait();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        synchronized void awaitConnection() throws InterruptedException {
            while (current == null) {
                wait();
            }
        }

        private synchronized @Nullable Fd current() {
            return current;
        }

        private synchronized void gone(Fd connection) {
            if (connection.equals(current)) {
                current = null;
                notifyAll();
            }
        }

        InputStream input() {
            return new InputStream() {
                @Override
                public int read() {
                    throw new UnsupportedOperationException();
                }

                @Override
                public int read(byte[] buffer, int offset, int length) {
                    Fd connection = current();
                    if (connection == null) {
                        return 0;
                    }
                    try {
                        int n = connection.read(buffer, offset, length);
                        if (n > 0) {
                            return n;
                        }
                    } catch (ErrnoException _) {
                        // as good as the end
                    }
                    gone(connection);
                    return 0;
                }
            };
        }

        OutputStream output() {
            return new OutputStream() {
                @Override
                public void write(int value) {
                    throw new UnsupportedOperationException();
                }

                @Override
                public void write(byte[] buffer, int offset, int length) {
                    Fd connection = current();
                    if (connection == null) {
                        return;
                    }
                    try {
                        int done = 0;
                        while (done < length) {
                            done += connection.write(buffer, offset + done, length - done);
                        }
                    } catch (ErrnoException _) {
                        gone(connection);
                    }
                }
            };
        }
    }
}
