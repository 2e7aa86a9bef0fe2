// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.NanoClock;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Reads a machine's serial console: kernel messages and the agent's log go to the host's log,
 * tagged with the machine.
 *
 * <p>The guest writes what it likes, so lines are cut at a length, anything but printable text is
 * replaced, and reading is slowed to a rate: a guest that floods its console waits for it and
 * nobody else notices. One virtual thread.
 */
final class GuestConsole implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("io.bunkai.guest");
    private static final int LONGEST_LINE = 1024;
    private static final int KEPT_LINES = 20;

    /** What a guest may write at once, and every second after that. */
    private static final long BURST_BYTES = 512 * 1024;

    private static final long BYTES_PER_SECOND = 128 * 1024;
    private static final long NANOS_PER_SECOND = 1_000_000_000L;
    private static final String STEP = "agent: step ";

    private final String machine;
    private final SocketChannel socket;
    private final Timeline timeline;
    private final NanoClock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<String> last = new ArrayDeque<>(); // guarded by lock
    private long available = BURST_BYTES; // the reader's alone
    private long refilledAt; // the reader's alone

    private GuestConsole(String machine, SocketChannel socket, Timeline timeline, NanoClock clock) {
        this.machine = machine;
        this.socket = socket;
        this.timeline = timeline;
        this.clock = clock;
        this.refilledAt = clock.nanos();
    }

    /** {@return a console that is being read from now on} */
    static GuestConsole connect(String machine, Path path, Timeline timeline, NanoClock clock)
            throws IOException {
        SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(path));
        GuestConsole console = new GuestConsole(machine, socket, timeline, clock);
        Thread.ofVirtual().name("console " + machine).start(console::read);
        return console;
    }

    private void read() {
        byte[] buffer = new byte[4096];
        StringBuilder line = new StringBuilder();
        try (InputStream in = Channels.newInputStream(socket)) {
            int n;
            while ((n = in.read(buffer)) > 0) {
                String text = new String(buffer, 0, n, StandardCharsets.ISO_8859_1);
                for (int i = 0; i < text.length(); i++) {
                    take(text.charAt(i), line);
                }
                stayWithinBudget(n);
            }
        } catch (IOException e) {
            // the machine has gone, or this daemon lets go of it
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!line.isEmpty()) {
            publish(line.toString());
        }
    }

    private void take(char c, StringBuilder line) {
        if (c == '\n') {
            if (!line.isEmpty()) {
                publish(line.toString());
            }
            line.setLength(0);
        } else if (c != '\r' && line.length() < LONGEST_LINE) {
            line.append(c >= ' ' && c < 127 ? c : '?');
        }
    }

    private void publish(String line) {
        if (line.contains(STEP) && takeStep(line)) {
            return;
        }
        lock.lock();
        try {
            last.addLast(line);
            if (last.size() > KEPT_LINES) {
                last.removeFirst();
            }
        } finally {
            lock.unlock();
        }
        LOG.log(System.Logger.Level.INFO, "console machine={0} {1}", machine, line);
    }

    /** A step of the agent's start, for the timeline: {@code step name=N begin_us=N end_us=N}. */
    private boolean takeStep(String line) {
        String fields = line.substring(line.indexOf(STEP) + STEP.length());
        String name = field(fields, "name=");
        try {
            long begin = Long.parseLong(field(fields, "begin_us="));
            long end = Long.parseLong(field(fields, "end_us="));
            if (!name.isEmpty() && begin >= 0 && end >= begin) {
                timeline.guestStep(name, begin, end);
                return true;
            }
        } catch (NumberFormatException e) {
            // the guest wrote something else: an ordinary line then
        }
        return false;
    }

    private static String field(String fields, String key) {
        for (String field : fields.split(" ")) {
            if (field.startsWith(key)) {
                return field.substring(key.length());
            }
        }
        return "";
    }

    /** Elapsed time is bounded by a refill from empty to full, so the product fits into 63 bits. */
    private void stayWithinBudget(int bytes) throws InterruptedException {
        long now = clock.nanos();
        long elapsed =
                Math.min(now - refilledAt, BURST_BYTES / BYTES_PER_SECOND * NANOS_PER_SECOND);
        available =
                Math.min(BURST_BYTES, available + elapsed * BYTES_PER_SECOND / NANOS_PER_SECOND);
        refilledAt = now;
        available -= bytes;
        if (available < 0) {
            Thread.sleep(-available * 1000 / BYTES_PER_SECOND + 1);
        }
    }

    /** {@return the last lines, for the message that says why a machine failed} */
    List<String> lastLines() {
        lock.lock();
        try {
            return List.copyOf(last);
        } finally {
            lock.unlock();
        }
    }

    /** Stops reading. The machine goes on; what it writes while nobody reads is dropped by QEMU. */
    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // it is not used any more
        }
    }
}
