// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.NanoClock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Standard error, for what a guest can make a server say as often as it likes: {@value #SAVED_UP}
 * lines at once, and then one every ten seconds, of {@value #LONGEST} bytes at most. How many were
 * left out is told before the next one that is not, and at the end. For any thread.
 */
final class BoundedLog extends OutputStream {
    static final int SAVED_UP = 200;
    static final int LONGEST = 1000;
    static final long NANOS_EACH = 10_000_000_000L;

    private static final byte[] CUT = " ...".getBytes(StandardCharsets.US_ASCII);

    private final OutputStream out;
    private final NanoClock clock;
    private final Bucket lines;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream(); // guarded by this
    private boolean cut; // guarded by this
    private long leftOut; // guarded by this

    /**
     * Begins with all lines saved up.
     *
     * @param out where to; it gets whole lines, each with one call
     */
    BoundedLog(OutputStream out, NanoClock clock) {
        this.out = out;
        this.clock = clock;
        this.lines = new Bucket(new Limit(1, SAVED_UP, true, NANOS_EACH), clock.nanos());
    }

    @Override
    public synchronized void write(int one) throws IOException {
        if (one == '\n') {
            endLine();
        } else if (line.size() < LONGEST) {
            line.write(one);
        } else {
            cut = true;
        }
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) throws IOException {
        for (int i = 0; i < length; i++) {
            write(bytes[offset + i]);
        }
    }

    private void endLine() throws IOException {
        long now = clock.nanos();
        if (lines.level(now) < 1) {
            leftOut++;
        } else {
            lines.charge(1, now);
            tellLeftOut();
            if (cut) {
                line.writeBytes(CUT);
            }
            line.write('\n');
            line.writeTo(out);
        }
        line.reset();
        cut = false;
    }

    private void tellLeftOut() throws IOException {
        if (leftOut > 0) {
            String text = "(" + leftOut + " lines were left out here: there were too many)\n";
            leftOut = 0;
            out.write(text.getBytes(StandardCharsets.US_ASCII));
        }
    }

    /** Tells what was left out, if anything was, and what there is of a line. */
    @Override
    public synchronized void close() throws IOException {
        if (line.size() > 0) {
            endLine();
        }
        tellLeftOut();
    }
}
