// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.linux.Terminal;
import io.bunkai.testkit.TestRoot;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** Runs commands within the test, against the daemon of a state root of its own. */
final class Shell implements AutoCloseable {
    static final Instant NOW = Instant.parse("2026-11-01T12:00:00Z");

    private final TestRoot testRoot = TestRoot.create();
    final Path root = testRoot.path();
    final Map<String, String> environment = new HashMap<>();
    final FakeTerminal terminal = new FakeTerminal();
    final FakeSignals signals = new FakeSignals();
    InputStream stdin = new ByteArrayInputStream(new byte[0]);
    OutputStream stdout = new ByteArrayOutputStream();
    ByteArrayOutputStream stderr = new ByteArrayOutputStream();
    @Nullable Path programs;
    private @Nullable FakeDaemon daemon;

    /** {@return the daemon of this shell's state root, started by the first call} */
    FakeDaemon daemon() {
        if (daemon == null) {
            daemon = new FakeDaemon(root);
        }
        return daemon;
    }

    Surroundings surroundings() {
        return new Surroundings(
                environment,
                root,
                stdin,
                stdout,
                stderr,
                terminal,
                signals,
                Clock.fixed(NOW, ZoneOffset.UTC),
                programs,
                root);
    }

    int run(String... arguments) {
        return Main.run(surroundings(), arguments);
    }

    String out() {
        return ((ByteArrayOutputStream) stdout).toString(StandardCharsets.UTF_8);
    }

    String err() {
        return stderr.toString(StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        if (daemon != null) {
            daemon.close();
        }
        testRoot.close();
    }

    /** A terminal that notes what was done to it. */
    static final class FakeTerminal implements TerminalPort {
        volatile boolean input;
        volatile boolean output;
        volatile boolean isRaw;
        final AtomicInteger timesRaw = new AtomicInteger();
        volatile Terminal.Size size = new Terminal.Size(0, 0);

        @Override
        public boolean isInput() {
            return input;
        }

        @Override
        public boolean isOutput() {
            return output;
        }

        @Override
        public Terminal.Size size() {
            return size;
        }

        @Override
        public Terminal.RawMode raw() {
            isRaw = true;
            timesRaw.incrementAndGet();
            return () -> isRaw = false;
        }
    }

    /** Signals that a test sends by hand. */
    static final class FakeSignals implements SignalPort {
        private final Map<String, IntConsumer> receivers = new ConcurrentHashMap<>();
        private final BlockingQueue<String> registered = new LinkedBlockingQueue<>();

        @Override
        public Registration deliver(List<String> names, IntConsumer receiver) {
            names.forEach(name -> receivers.put(name, receiver));
            registered.addAll(names);
            return () -> names.forEach(receivers::remove);
        }

        /** Sends a signal; waits until somebody listens to it. */
        void send(String name, int number) throws InterruptedException {
            while (!receivers.containsKey(name)) {
                registered.take();
            }
            receivers.getOrDefault(name, _ -> {}).accept(number);
        }

        boolean isListenedTo(String name) {
            return receivers.containsKey(name);
        }
    }
}
