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
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a machine's serial console: kernel messages and the agent's log go to the host's log,
 * tagged with the machine.
 *
 * <p>The guest writes what it likes, so lines are cut at a length, anything but printable text is
 * replaced, and both reading and logging are held to a rate: a guest that floods its console waits
 * for it and nobody else notices. A line that looks like a step of the agent's start may be
 * anybody's: it goes into the timeline as the guest's claim, if it can be true. One virtual thread.
 */
final class GuestConsole implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("io.bunkai.guest");
    private static final int LONGEST_LINE = 1024;
    private static final int KEPT_LINES = 20;

    /** What a guest may write at once, and every second after that. */
    private static final int BURST_BYTES = 512 * 1024;

    private static final int BYTES_PER_SECOND = 128 * 1024;

    /** What of it is logged: the daemon's log is everybody's. */
    private static final int LOGGED_BURST_BYTES = 256 * 1024;

    private static final int LOGGED_BYTES_PER_SECOND = 256;

    /** What it costs to say that lines are missing, twice. */
    private static final int NOTICE_BYTES = 256;

    private static final String STEP = "agent: step ";
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    private static final Pattern MICROS = Pattern.compile("[0-9]{1,16}");

    private final String machine;
    private final SocketChannel socket;
    private final Timeline timeline;
    private final ReadBudget budget; // the reader's alone
    private final ReadBudget logged; // the reader's alone
    private long notLogged; // the reader's alone: lines since the last one that was
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<String> last = new ArrayDeque<>(); // guarded by lock

    private GuestConsole(String machine, SocketChannel socket, Timeline timeline, NanoClock clock) {
        this.machine = machine;
        this.socket = socket;
        this.timeline = timeline;
        this.budget = new ReadBudget(BURST_BYTES, BYTES_PER_SECOND, clock);
        this.logged = new ReadBudget(LOGGED_BURST_BYTES, LOGGED_BYTES_PER_SECOND, clock);
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
                Thread.sleep(budget.spend(n));
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
        log(line);
    }

    private void log(String line) {
        if (!logged.trySpend(line.length() + (notLogged > 0 ? NOTICE_BYTES : 0))) {
            if (notLogged++ == 0) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "console machine={0} says too much, and is not logged for a while",
                        machine);
            }
            return;
        }
        if (notLogged > 0) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "console machine={0} lines_not_logged={1}",
                    machine,
                    notLogged);
            notLogged = 0;
        }
        LOG.log(System.Logger.Level.INFO, "console machine={0} {1}", machine, line);
    }

    /** A step of the agent's start, for the timeline: {@code step name=N begin_us=N end_us=N}. */
    private boolean takeStep(String line) {
        String fields = line.substring(line.indexOf(STEP) + STEP.length());
        String name = field(fields, "name=");
        Matcher begin = MICROS.matcher(field(fields, "begin_us="));
        Matcher end = MICROS.matcher(field(fields, "end_us="));
        return NAME.matcher(name).matches()
                && begin.matches()
                && end.matches()
                && timeline.guestStep(
                        name, Long.parseLong(begin.group()), Long.parseLong(end.group()));
    }

    private static String field(String fields, String key) {
        for (String field : fields.split(" ")) {
            if (field.startsWith(key)) {
                return field.substring(key.length());
            }
        }
        return "";
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
