// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import com.google.protobuf.MessageLite;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.GuestChannel;
import io.bunkai.api.agent.OOMEvent;
import io.bunkai.api.agent.ReadStreamResponse;
import io.bunkai.api.agent.WaitProcessResponse;
import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A program in the place of QEMU, with no machine behind it: enough of the monitor for a daemon to
 * take it for one, and an agent that turns against the daemon when its container gets a signal.
 *
 * <p>The first argument says how, the others are QEMU's.
 */
final class HostileMachine {
    private static final int PIECE = 60_000;
    private static final byte RESPONSE = 2;

    private final Vice vice;
    private final AtomicBoolean running = new AtomicBoolean();
    private final CountDownLatch turned = new CountDownLatch(1);
    private final CountDownLatch never = new CountDownLatch(1);

    private HostileMachine(Vice vice) {
        this.vice = vice;
    }

    /** What it does. */
    enum Vice {
        /** Bytes that are no frame, without end. */
        NOISE,
        /** Answers that nobody has asked for, as large as they may be, without end. */
        UNASKED,
        /** More output than it is asked for. */
        LARGE,
        /** Output without end, as fast as it is taken. It is no offence. */
        OUTPUT,
        /** Lines on its console without end. It is no offence. */
        CONSOLE,
        /** One byte at a time, and the next one when that has been taken. It is no offence. */
        DRIP
    }

    public static void main(String[] arguments) throws Exception {
        HostileMachine machine = new HostileMachine(Vice.valueOf(arguments[0]));
        String line = String.join(" ", arguments);
        Thread monitor = machine.serve(socket(line, "qmp"), machine::monitor);
        Thread _ = machine.serve(socket(line, "console"), machine::console);
        Thread _ = machine.serve(socket(line, "agent"), machine::agent);
        monitor.join();
    }

    private static Fd socket(String commandLine, String id) throws IOException {
        Matcher matcher =
                Pattern.compile("socket,id=" + id + ",fd=([0-9]+),server=on").matcher(commandLine);
        if (!matcher.find()) {
            throw new IllegalArgumentException("no socket " + id);
        }
        return Fd.inherited(Integer.parseInt(matcher.group(1)));
    }

    @FunctionalInterface
    private interface Client {
        void serve(InputStream in, OutputStream out) throws Exception;
    }

    /** One after the other, as QEMU does. */
    private Thread serve(Fd listener, Client client) {
        return Thread.ofPlatform()
                .start(() -> {
                    while (true) {
                        try (Fd connection = UnixSockets.accept(listener)) {
                            client.serve(connection.input(), connection.output());
                        } catch (Exception e) {
                            // the daemon has hung up: the next one
                        }
                    }
                });
    }

    // ---- the monitor ----

    private void monitor(InputStream in, OutputStream out) throws IOException {
        say(
                out,
                """
                {"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""}, \
                "capabilities": []}}
                """);
        BufferedReader commands =
                new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
        for (String command = commands.readLine(); command != null; command = commands.readLine()) {
            Matcher id = Pattern.compile("\"id\": ?([0-9]+)").matcher(command);
            String number = id.find() ? id.group(1) : "0";
            if (command.contains("\"cont\"")) {
                running.set(true);
            }
            String answer =
                    command.contains("query-status")
                            ? "{\"status\": \"%s\", \"running\": %s}"
                                    .formatted(
                                            running.get() ? "running" : "prelaunch", running.get())
                            : "{}";
            say(out, "{\"return\": %s, \"id\": %s}\n".formatted(answer, number));
        }
    }

    private static void say(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    // ---- the guest ----

    private void console(InputStream in, OutputStream out) throws Exception {
        turned.await();
        if (vice != Vice.CONSOLE) {
            never.await();
        }
        while (true) {
            say(out, "agent: step name=x begin_us=1 end_us=2 and so on\n");
        }
    }

    private void agent(InputStream in, OutputStream out) throws Exception {
        GuestChannel channel = new GuestChannel(in, out);
        try (GuestChannel.Session session = channel.accept()) {
            OutputStream answers =
                    vice == Vice.DRIP ? new DrippingOutput(session.output()) : session.output();
            Thread attack = Thread.ofPlatform().start(() -> attack(session.output(), out));
            try {
                server().serve(session.input(), answers, Thread.ofPlatform().factory());
            } finally {
                attack.interrupt();
            }
        }
    }

    private void attack(OutputStream session, OutputStream port) {
        try {
            turned.await();
            switch (vice) {
                case NOISE -> {
                    byte[] noise = new byte[PIECE];
                    new Random(7).nextBytes(noise);
                    while (true) {
                        port.write(noise);
                    }
                }
                case UNASKED -> {
                    while (true) {
                        largeAnswer(session, 77_777, 4 << 20);
                    }
                }
                case LARGE, OUTPUT, CONSOLE, DRIP -> {}
            }
        } catch (IOException | InterruptedException e) {
            // the session is over
        }
    }

    private static void largeAnswer(OutputStream session, int stream, int bytes)
            throws IOException {
        session.write(ByteBuffer.allocate(10).putInt(bytes).putInt(stream).put(RESPONSE).array());
        for (int left = bytes; left > 0; left -= PIECE) {
            session.write(new byte[Math.min(left, PIECE)]);
        }
    }

    private TtrpcServer server() {
        TtrpcServer.Builder server = TtrpcServer.builder().maxConcurrentCalls(1000);
        for (Method<? extends MessageLite, Empty> method :
                List.of(
                        AgentMethods.SET_GUEST_DATE_TIME,
                        AgentMethods.RESEED_RANDOM_DEV,
                        AgentMethods.CREATE_SANDBOX,
                        AgentMethods.CREATE_CONTAINER,
                        AgentMethods.COPY_FILE,
                        AgentMethods.START_CONTAINER,
                        AgentMethods.CLOSE_STDIN)) {
            server.method(method, (_, _) -> Empty.getDefaultInstance());
        }
        server.method(
                AgentMethods.SIGNAL_PROCESS,
                (_, _) -> {
                    turned.countDown();
                    return Empty.getDefaultInstance();
                });
        server.method(
                AgentMethods.WAIT_PROCESS,
                (_, _) -> {
                    never.await();
                    return WaitProcessResponse.getDefaultInstance();
                });
        server.method(
                AgentMethods.GET_OOM_EVENT,
                (_, _) -> {
                    never.await();
                    return OOMEvent.getDefaultInstance();
                });
        server.method(AgentMethods.READ_STDERR, (_, _) -> output());
        server.method(AgentMethods.READ_STDOUT, (_, _) -> output());
        return server.build();
    }

    private ReadStreamResponse output() throws InterruptedException {
        turned.await();
        int bytes =
                switch (vice) {
                    case LARGE -> 3 << 20;
                    case OUTPUT -> 64 << 10;
                    case DRIP -> 100;
                    case NOISE, UNASKED, CONSOLE -> {
                        never.await();
                        throw Fault.unavailable("never");
                    }
                };
        return ReadStreamResponse.newBuilder()
                .setData(ByteString.copyFrom(new byte[bytes]))
                .build();
    }

    /** One byte in each frame. */
    private static final class DrippingOutput extends OutputStream {
        private final OutputStream out;

        DrippingOutput(OutputStream out) {
            this.out = out;
        }

        @Override
        public void write(int value) throws IOException {
            out.write(value);
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
            for (int i = 0; i < length; i++) {
                out.write(buffer[offset + i]);
            }
        }
    }
}
