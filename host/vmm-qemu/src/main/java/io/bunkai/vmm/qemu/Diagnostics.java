// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.ProcessIdentity;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What QEMU writes on its standard error: a pipe that holds 64 KiB and no more.
 *
 * <p>QEMU's end is non-blocking and open for reading too. So a guest that provokes messages without
 * end fills the pipe and then nothing, QEMU is never held by a reader that is slow, and the end of
 * this process neither breaks the pipe nor loses what is in it: whoever adopts the machine opens it
 * anew through {@code /proc}.
 *
 * <p>Nobody waits for lines; {@link #drain} takes what is there. Usable from any thread.
 */
final class Diagnostics implements AutoCloseable {
    private static final int MOST_LINES = 40;
    private static final int LONGEST_LINE = 400;
    private static final int CHUNK = 4096;
    private static final int STANDARD_ERROR = 2;

    /** At most what the pipe holds is taken at a time, or a guest could keep the reader busy. */
    private static final int MOST_CHUNKS = 16;

    private final @Nullable Fd in;
    private final Deque<String> lines = new ArrayDeque<>(); // guarded by this
    private final StringBuilder partial = new StringBuilder(); // guarded by this

    private Diagnostics(@Nullable Fd in) {
        this.in = in;
    }

    /** Both ends of a new pipe: what is read here, and what QEMU gets, which the caller closes. */
    record Start(Diagnostics diagnostics, Fd standardError) {}

    static Start create() throws ErrnoException {
        try (Pipe pipe = Pipe.create()) {
            Fd in = Fd.open(pipe.read().path(), Fd.O_RDONLY | Fd.O_NONBLOCK);
            try {
                Fd out = Fd.open(pipe.write().path(), Fd.O_RDWR | Fd.O_NONBLOCK);
                return new Start(new Diagnostics(in), out);
            } catch (ErrnoException e) {
                in.close();
                throw e;
            }
        }
    }

    /**
     * {@return what can be read of a process that somebody else started; nothing if it cannot be}
     */
    static Diagnostics of(ProcessIdentity process) {
        Path path = Path.of("/proc", Integer.toString(process.pid()), "fd", "" + STANDARD_ERROR);
        try {
            return new Diagnostics(Fd.open(path, Fd.O_RDONLY | Fd.O_NONBLOCK));
        } catch (ErrnoException e) {
            return new Diagnostics(null);
        }
    }

    /** {@return the lines that were completed since the last call} */
    synchronized List<String> drain() {
        List<String> fresh = new ArrayList<>();
        if (in == null || !in.isOpen()) {
            return fresh;
        }
        byte[] buffer = new byte[CHUNK];
        try {
            for (int chunk = 0; chunk < MOST_CHUNKS; chunk++) {
                int n = in.read(buffer, 0, buffer.length);
                if (n == 0) {
                    endLine(fresh); // QEMU has ended, perhaps within a line
                    break;
                }
                take(new String(buffer, 0, n, StandardCharsets.UTF_8), fresh);
            }
        } catch (ErrnoException e) {
            // EAGAIN: that was all. Anything else: there is nothing more to be had either.
        }
        return fresh;
    }

    private void take(String text, List<String> fresh) {
        text.chars()
                .forEach(c -> {
                    if (c == '\n') {
                        endLine(fresh);
                    } else if (partial.length() < LONGEST_LINE) {
                        partial.append(Character.isISOControl(c) ? ' ' : (char) c);
                    }
                });
    }

    private void endLine(List<String> fresh) {
        if (partial.isEmpty()) {
            return;
        }
        String line = partial.toString();
        partial.setLength(0);
        fresh.add(line);
        lines.add(line);
        if (lines.size() > MOST_LINES) {
            lines.remove();
        }
    }

    /** {@return the last lines, oldest first} */
    synchronized List<String> lastLines() {
        return List.copyOf(lines);
    }

    /** Lets go of this end; QEMU keeps its own. */
    @Override
    public synchronized void close() {
        if (in != null) {
            in.close();
        }
    }
}
