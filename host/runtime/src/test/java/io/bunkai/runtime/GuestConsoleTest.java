// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.testkit.Await;
import io.bunkai.testkit.ManualClock;
import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class GuestConsoleTest {
    private final TestRoot root = TestRoot.create();
    private final ManualClock uptime = new ManualClock();
    private final Timeline timeline = new Timeline(uptime);
    private ServerSocketChannel listener;
    private GuestConsole console;
    private SocketChannel guest;

    @BeforeEach
    void connect() throws IOException {
        Path path = root.resolve("console.sock");
        listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(path));
        console = GuestConsole.connect("m1", path, timeline, new ManualClock());
        guest = listener.accept();
    }

    @AfterEach
    void end() throws IOException {
        console.close();
        guest.close();
        listener.close();
        root.close();
    }

    private void say(String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
        while (bytes.hasRemaining()) {
            guest.write(bytes);
        }
    }

    /** Everything said before is read when this line is. */
    private List<String> linesAfter(String text) throws IOException {
        say(text);
        say("the end\n");
        Await.until(
                "the last line", FakeNode.soon(), () -> console.lastLines().contains("the end"));
        return console.lastLines().subList(0, console.lastLines().size() - 1);
    }

    @Test
    void linesAreToldWhole() throws IOException {
        assertThat(linesAfter("one\r\ntwo\n\n")).containsExactly("one", "two");
    }

    @Test
    void aLineThatComesInPiecesIsOneLine() throws IOException {
        say("al");
        say("pha");
        assertThat(linesAfter("bet\n")).containsExactly("alphabet");
    }

    @Test
    void longLinesAreCut() throws IOException {
        List<String> lines = linesAfter("x".repeat(100_000) + "\nnext\n");
        assertThat(lines.getFirst()).hasSize(1024);
        assertThat(lines.getLast()).isEqualTo("next");
    }

    @Test
    void whatIsNotPrintableIsReplaced() throws IOException {
        assertThat(linesAfter("a\u001b[31mb\u0000\u0007\tc\u00e4\u007f\n"))
                .containsExactly("a?[31mb???c??");
    }

    @Test
    void onlyTheLastLinesAreRemembered() throws IOException {
        StringBuilder many = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
            many.append("line ").append(i).append('\n');
        }
        List<String> lines = linesAfter(many.toString());
        assertThat(lines).hasSize(19).endsWith("line 999");
    }

    @Test
    void aLineThatTheEndCutsIsToldAllTheSame() throws IOException {
        say("kernel panic - not syn");
        guest.close();
        Await.until(
                "the cut line",
                FakeNode.soon(),
                () -> console.lastLines().contains("kernel panic - not syn"));
    }

    @Test
    void stepsOfTheAgentGoIntoTheTimeline() throws IOException {
        uptime.advance(Duration.ofNanos(250_000));
        List<String> lines =
                linesAfter("<6>agent: step name=jvm.start begin_us=100 end_us=250 id=x\n");
        assertThat(lines).isEmpty();
        assertThat(timeline.steps())
                .containsExactly(new Timeline.Step("jvm.start", Timeline.Side.GUEST, 100, 250, ""));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "agent: step ",
                "agent: step name= begin_us=1 end_us=2",
                "agent: step name=a begin_us=2 end_us=1",
                "agent: step name=a begin_us=-1 end_us=1",
                "agent: step name=a begin_us=1 end_us=9223372036854775807",
                "agent: step name=a begin_us=1 end_us=99999999999999999999999999",
                "agent: step name=a begin_us=1 end_us=9999999999999999",
                "agent: step name=a begin_us=+1 end_us=2",
                "agent: step name=a begin_us=x end_us=2",
                "agent: step name=a end_us=2",
                "agent: step name=<script> begin_us=1 end_us=2",
                "agent: step name=-a begin_us=1 end_us=2"
            })
    void aStepThatCannotBeIsAnOrdinaryLine(String line) throws IOException {
        assertThat(linesAfter(line + "\n")).containsExactly(line);
        assertThat(timeline.steps()).isEmpty();
    }

    @Test
    void thereIsAnEndToHowManyStepsThereAre() throws IOException {
        StringBuilder many = new StringBuilder();
        for (int i = 0; i < 2000; i++) {
            many.append("agent: step name=s").append(i).append(" begin_us=1 end_us=2\n");
        }
        linesAfter(many.toString());
        assertThat(timeline.steps()).hasSize(Timeline.MOST_GUEST_STEPS);
    }

    @Test
    void aStepNameIsCutToWhatAPersonReads() throws IOException {
        linesAfter("agent: step name=" + "n".repeat(65) + " begin_us=1 end_us=2\n");
        assertThat(timeline.steps()).isEmpty();
    }

    @Test
    void aBudgetLetsABurstThroughAndThenARate() {
        ManualClock clock = new ManualClock(Long.MAX_VALUE - 5);
        ReadBudget budget = new ReadBudget(1000, 100, clock);
        assertThat(budget.spend(1000)).isEqualTo(Duration.ZERO);
        assertThat(budget.spend(100)).isEqualTo(Duration.ofSeconds(1));
        clock.advance(Duration.ofSeconds(1));
        assertThat(budget.spend(0)).isEqualTo(Duration.ZERO);
        assertThat(budget.spend(50)).isEqualTo(Duration.ofMillis(500));
        clock.advance(Duration.ofDays(10_000)); // no more than the burst comes back
        assertThat(budget.spend(1000)).isEqualTo(Duration.ZERO);
        assertThat(budget.spend(1)).isEqualTo(Duration.ofMillis(10));
    }

    @Test
    void aBudgetThatIsUsedUpSaysNo() {
        ManualClock clock = new ManualClock();
        ReadBudget budget = new ReadBudget(1000, 4, clock);
        assertThat(budget.trySpend(1001)).isFalse();
        assertThat(budget.trySpend(990)).isTrue();
        assertThat(budget.trySpend(11)).isFalse();
        for (int i = 0; i < 10; i++) { // fractions of a byte add up
            clock.advance(Duration.ofMillis(25));
            budget.trySpend(1001);
        }
        assertThat(budget.trySpend(11)).isTrue();
        assertThat(budget.trySpend(1)).isFalse();
    }

    @Test
    void aFloodIsNotLogged() throws IOException {
        List<LogRecord> records = Collections.synchronizedList(new ArrayList<>());
        Handler handler = collecting(records);
        Logger logger = Logger.getLogger("io.bunkai.guest");
        logger.addHandler(handler);
        try {
            StringBuilder flood = new StringBuilder();
            for (int i = 0; i < 600; i++) {
                flood.append("x".repeat(700)).append('\n');
            }
            linesAfter(flood.toString());
        } finally {
            logger.removeHandler(handler);
        }
        // 256 KiB of 700 bytes each; that it is too much, and then how much it was.
        assertThat(records.stream().filter(record -> record.getLevel().equals(Level.INFO)))
                .hasSizeBetween(300, 380);
        assertThat(records.stream().filter(record -> record.getLevel().equals(Level.WARNING)))
                .hasSize(2);
    }

    private static Handler collecting(List<LogRecord> records) {
        return new Handler() {
            @Override
            public void publish(LogRecord record) {
                records.add(record);
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
    }

    @Test
    void aBudgetBearsTheLargestNumbers() {
        ManualClock clock = new ManualClock();
        ReadBudget budget = new ReadBudget(Integer.MAX_VALUE, 1, clock);
        assertThat(budget.spend(Integer.MAX_VALUE)).isEqualTo(Duration.ZERO);
        assertThat(budget.spend(Integer.MAX_VALUE))
                .isEqualTo(Duration.ofSeconds(Integer.MAX_VALUE));
        clock.advance(Duration.ofDays(100_000));
        assertThat(budget.spend(0)).isEqualTo(Duration.ZERO);
    }
}
