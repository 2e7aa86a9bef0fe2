// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.testkit.ManualClock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class BoundedLogTest {
    private static final Duration EACH = Duration.ofNanos(BoundedLog.NANOS_EACH);

    /** Near the end of the clock's range, so that readings are not compared with each other. */
    private final ManualClock clock = new ManualClock(Long.MAX_VALUE - 1000);

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final BoundedLog log = new BoundedLog(out, clock);

    private void say(String line) throws IOException {
        log.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private List<String> said() {
        return out.toString(StandardCharsets.UTF_8).lines().toList();
    }

    private void exhaust() throws IOException {
        for (int i = 0; i < BoundedLog.SAVED_UP; i++) {
            say("line " + i);
        }
        assertThat(said()).hasSize(BoundedLog.SAVED_UP).endsWith("line 199");
        out.reset();
    }

    @Test
    void whatIsTooMuchIsLeftOutAndCounted() throws Exception {
        exhaust();
        for (int i = 0; i < 1_000_000; i++) {
            say("too much");
        }
        assertThat(said()).isEmpty();
        clock.advance(EACH);
        say("heard again");
        say("too soon");
        assertThat(said())
                .containsExactly(
                        "(1000000 lines were left out here: there were too many)", "heard again");
    }

    @Test
    void aLineMoreIsThereAfterEachWhileUpToAllOfThem() throws Exception {
        exhaust();
        for (int i = 0; i < 3; i++) {
            clock.advance(EACH);
            say("line " + i);
            say("left out");
        }
        assertThat(said()).filteredOn(line -> line.startsWith("line")).hasSize(3);
        out.reset();
        clock.advance(EACH.multipliedBy(10_000));
        exhaustAfterRest();
    }

    private void exhaustAfterRest() throws IOException {
        for (int i = 0; i < 2 * BoundedLog.SAVED_UP; i++) {
            say("line");
        }
        assertThat(said()).filteredOn("line"::equals).hasSize(BoundedLog.SAVED_UP);
    }

    @Test
    void theEndTellsWhatWasLeftOut() throws Exception {
        exhaust();
        say("left out");
        log.write("so is a line without an end".getBytes(StandardCharsets.UTF_8));
        log.close();
        assertThat(said()).containsExactly("(2 lines were left out here: there were too many)");
    }

    @Test
    void aLineThatIsTooLongIsCut() throws Exception {
        say("x".repeat(100_000));
        say("y".repeat(BoundedLog.LONGEST));
        assertThat(said())
                .containsExactly(
                        "x".repeat(BoundedLog.LONGEST) + " ...", "y".repeat(BoundedLog.LONGEST));
    }

    @Test
    void bytesOfOneLineMayComeInPieces() throws Exception {
        try (PrintStream stream = new PrintStream(log, true, StandardCharsets.UTF_8)) {
            stream.print("one ");
            stream.print("lin\u00e9\nand ");
            stream.println("another");
        }
        assertThat(said()).containsExactly("one lin\u00e9", "and another");
    }
}
