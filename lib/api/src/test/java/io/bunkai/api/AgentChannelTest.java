// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.testkit.MemoryLink;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Both ends of the channel over a port that behaves as QEMU's does. */
@Timeout(120)
class AgentChannelTest {
    private static final byte[] OLD_ID = new byte[16];

    private final FakePort port = new FakePort(200 << 10);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final BlockingQueue<GuestChannel.Session> sessions = new LinkedBlockingQueue<>();

    @AfterEach
    void end() {
        threads.shutdownNow();
        threads.close();
    }

    /** Runs a part that nobody waits for: what it does not do, the test misses. */
    private void background(Callable<Void> part) {
        Future<?> _ = threads.submit(part);
    }

    /** The agent's part: answers each message, a length and so many bytes, with its reverse. */
    private GuestChannel startGuest() {
        GuestChannel channel = new GuestChannel(port.guestIn(), port.guestOut(), port::nap);
        background(() -> {
            while (true) {
                try (GuestChannel.Session session = channel.accept()) {
                    sessions.add(session);
                    answerAll(session);
                }
            }
        });
        return channel;
    }

    private static void answerAll(GuestChannel.Session session) throws IOException {
        DataInputStream in = new DataInputStream(session.input());
        while (true) {
            byte[] message;
            try {
                message = in.readNBytes(in.readInt());
            } catch (EOFException e) {
                return;
            }
            try {
                session.output().write(message(reverse(message)));
            } catch (IOException e) {
                return; // the session ended while the answer was on its way
            }
        }
    }

    private static byte[] message(byte[] content) {
        byte[] message = new byte[4 + content.length];
        ChannelFrames.INT.set(message, 0, content.length);
        System.arraycopy(content, 0, message, 4, content.length);
        return message;
    }

    private static byte[] reverse(byte[] bytes) {
        byte[] reversed = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            reversed[i] = bytes[bytes.length - 1 - i];
        }
        return reversed;
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static HostChannel open(FakePort.Connection connection) throws IOException {
        return HostChannel.open(
                connection.in, connection.out, HostChannel.Wire.USED, Deadline.never());
    }

    private static byte[] exchange(HostChannel channel, byte[] content) throws IOException {
        channel.output().write(message(content));
        return receive(channel);
    }

    private static byte[] receive(HostChannel channel) throws IOException {
        DataInputStream in = new DataInputStream(channel.input());
        return in.readNBytes(in.readInt());
    }

    /** Sends and receives with a new session, whatever happened before. */
    private void assertThatANewHostIsServed(String because) throws IOException {
        try (HostChannel channel = open(port.connect())) {
            assertThat(exchange(channel, text("new"))).as(because).isEqualTo(text("wen"));
        }
    }

    @Test
    void theFirstHostIsServed() throws Exception {
        startGuest();
        try (HostChannel channel = open(port.connect())) {
            assertThat(exchange(channel, text("hello"))).isEqualTo(text("olleh"));
            assertThat(exchange(channel, new byte[0])).isEmpty();
            byte[] large = new byte[1_000_000];
            new Random(1).nextBytes(large);
            assertThat(exchange(channel, large)).isEqualTo(reverse(large));
        }
    }

    @Test
    void aHostThatIsThereBeforeTheGuestIsServed() throws Exception {
        FakePort.Connection connection = port.connect();
        Future<HostChannel> opening = threads.submit(() -> open(connection));
        startGuest();
        assertThat(exchange(opening.get(), text("early"))).isEqualTo(text("ylrae"));
    }

    @Test
    void theNextHostEndsTheSessionBefore() throws Exception {
        startGuest();
        try (HostChannel channel = open(port.connect())) {
            exchange(channel, text("1"));
        }
        GuestChannel.Session first = sessions.take();
        assertThatANewHostIsServed("the host left between two messages");
        assertThat(first.isOpen()).isFalse();
        assertThatThrownBy(() -> first.output().write(1)).isInstanceOf(IOException.class);
        assertThat(first.input().read()).isEqualTo(-1);
    }

    /** What a former host had sent when it left, to be cut anywhere. */
    private static byte[] formerHost() throws IOException {
        ByteArrayOutputStream sent = new ByteArrayOutputStream();
        sent.writeBytes(ChannelFrames.greeting(ChannelFrames.SYN, OLD_ID, 1));
        ChannelFrames.Writer writer = new ChannelFrames.Writer(sent);
        for (String content : new String[] {"one", "two", "\0\0\0"}) {
            byte[] message = message(text(content));
            writer.writeData(0, message, 0, message.length);
        }
        return sent.toByteArray();
    }

    @Test
    void aHostThatLeftWithinAFrameAtAnyByteIsForgotten() throws Exception {
        startGuest();
        byte[] sent = formerHost();
        for (int cut = 0; cut <= sent.length; cut++) {
            FakePort.Connection former = port.connect();
            former.out.write(sent, 0, cut);
            former.close();
            assertThatANewHostIsServed("the former host left after %d bytes".formatted(cut));
        }
    }

    @Test
    void aHostThatLeftWithinItsZerosIsForgotten() throws Exception {
        startGuest();
        for (int cut : new int[] {1, 19, 20, 21, 65535, 65536, 65555}) {
            FakePort.Connection former = port.connect();
            former.out.write(ChannelFrames.zeros(), 0, cut);
            former.close();
            assertThatANewHostIsServed("the former host left after %d zeros".formatted(cut));
        }
    }

    @Test
    void aHostThatLeftWithinAnAnswerAtAnyByteIsForgotten() throws Exception {
        startGuest();
        int length = 40 + 20 + 4 + 3; // HELLO, and a message of three bytes in one frame
        for (int cut = 0; cut <= length; cut++) {
            FakePort.Connection former = port.connect();
            former.out.write(ChannelFrames.greeting(ChannelFrames.SYN, OLD_ID, 1));
            byte[] message = message(text("abc"));
            new ChannelFrames.Writer(former.out).writeData(0, message, 0, message.length);
            readFully(former, cut); // the rest is lost
            former.close();
            assertThatANewHostIsServed("the former host read %d bytes".formatted(cut));
        }
    }

    private static void readFully(FakePort.Connection connection, int count) throws IOException {
        byte[] buffer = new byte[count];
        for (int done = 0; done < count; ) {
            done += connection.in.read(buffer, done, count - done);
        }
    }

    @Test
    void whatTheNewHostFindsBeforeItsHelloMayBeCutAnywhere() throws Exception {
        // The tail of an answer for a former host comes first, and then the new one's HELLO.
        ByteArrayOutputStream late = new ByteArrayOutputStream();
        late.writeBytes(ChannelFrames.greeting(ChannelFrames.HELLO, OLD_ID, 1));
        byte[] message = message(text("late"));
        new ChannelFrames.Writer(late).writeData(0, message, 0, message.length);
        byte[] sent = late.toByteArray();
        GuestChannel channel = new GuestChannel(port.guestIn(), port.guestOut(), port::nap);
        for (int cut = 0; cut <= sent.length; cut++) {
            FakePort.Connection connection = port.connect();
            port.guestOut().write(sent, cut, sent.length - cut);
            Future<HostChannel> opening = threads.submit(() -> open(connection));
            GuestChannel.Session session = channel.accept();
            session.output().write(message(text("in time")));
            assertThat(receive(opening.get()))
                    .as("the first %d bytes are missing", cut)
                    .isEqualTo(text("in time"));
            connection.close();
        }
    }

    @Test
    void aLateAnswerOfAnOldSessionReachesNobody() throws Exception {
        GuestChannel channel = new GuestChannel(port.guestIn(), port.guestOut(), port::nap);
        FakePort.Connection former = port.connect();
        Future<HostChannel> opening = threads.submit(() -> open(former));
        GuestChannel.Session old = channel.accept();
        opening.get();
        former.close();
        // Written while nobody is connected: it waits for the next connection.
        Future<?> late =
                threads.submit(() -> {
                    old.output().write(message(text("late")));
                    return null;
                });
        port.awaitBlockedWrite();
        FakePort.Connection connection = port.connect();
        Future<HostChannel> reopening = threads.submit(() -> open(connection));
        GuestChannel.Session session = channel.accept();
        late.get();
        session.output().write(message(text("in time")));
        assertThat(receive(reopening.get())).isEqualTo(text("in time"));
        assertThatThrownBy(() -> old.output().write(message(text("too late"))))
                .isInstanceOf(IOException.class);
    }

    @Test
    void aFrameOfAnotherSessionIsDropped() throws Exception {
        startGuest();
        FakePort.Connection connection = port.connect();
        try (HostChannel channel = open(connection)) {
            byte[] strange = message(text("strange"));
            new ChannelFrames.Writer(connection.out).writeData(42, strange, 0, strange.length);
            connection.out.write(ChannelFrames.end(42));
            assertThat(exchange(channel, text("own"))).isEqualTo(text("nwo"));
            new ChannelFrames.Writer(port.guestOut()).writeData(42, strange, 0, strange.length);
            port.guestOut().write(ChannelFrames.end(42));
            assertThat(exchange(channel, text("own"))).isEqualTo(text("nwo"));
        }
    }

    @Test
    void garbageBeforeTheFirstHostIsSkipped() throws Exception {
        FakePort.Connection noise = port.connect();
        byte[] garbage = new byte[5000];
        new Random(3).nextBytes(garbage);
        noise.out.write(garbage);
        noise.out.write(text("BkSyBkSyBkDaBkEnBkHe"));
        noise.close();
        startGuest();
        assertThatANewHostIsServed("garbage came before");
    }

    @Test
    void aDamagedFrameEndsTheSessionInTheGuest() throws Exception {
        startGuest();
        FakePort.Connection connection = port.connect();
        open(connection);
        GuestChannel.Session session = sessions.take();
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        byte[] message = message(text("abc"));
        new ChannelFrames.Writer(frame).writeData(session.number(), message, 0, message.length);
        byte[] damaged = frame.toByteArray();
        damaged[25] ^= 1;
        connection.out.write(damaged);
        connection.out.write(frame.toByteArray()); // nobody hears this
        connection.close();
        assertThatANewHostIsServed("a frame was damaged");
        assertThat(session.isOpen()).isFalse();
    }

    @Test
    void aDamagedFrameAndAMissingOneEndTheSessionOnTheHost() throws Exception {
        GuestChannel channel = new GuestChannel(port.guestIn(), port.guestOut(), port::nap);
        for (boolean damage : new boolean[] {true, false}) {
            FakePort.Connection connection = port.connect();
            Future<HostChannel> opening = threads.submit(() -> open(connection));
            GuestChannel.Session session = channel.accept();
            HostChannel host = opening.get();
            ByteArrayOutputStream frame = new ByteArrayOutputStream();
            new ChannelFrames.Writer(frame).writeData(session.number(), text("abc"), 0, 3);
            byte[] bytes = frame.toByteArray();
            if (damage) {
                bytes[20] ^= 1;
                port.guestOut().write(bytes);
            } else {
                port.guestOut().write(bytes, 1, bytes.length - 1);
                port.guestOut().write(bytes);
            }
            assertThatThrownBy(() -> host.input().read()).isInstanceOf(IOException.class);
            connection.close();
        }
    }

    @Test
    void theGuestMayEndASessionItself() throws Exception {
        GuestChannel channel = new GuestChannel(port.guestIn(), port.guestOut(), port::nap);
        Future<HostChannel> opening = threads.submit(() -> open(port.connect()));
        GuestChannel.Session session = channel.accept();
        session.output().write(text("bye"));
        session.close();
        session.close();
        HostChannel host = opening.get();
        assertThat(host.input().readAllBytes()).isEqualTo(text("bye"));
        assertThat(host.input().read()).isEqualTo(-1);
        assertThat(session.input().read()).isEqualTo(-1);
        // The same host may not go on with it.
        host.output().write(text("is anybody there?"));
        host.close();
        Future<HostChannel> again = threads.submit(() -> open(port.connect()));
        assertThat(channel.accept().isOpen()).isTrue();
        again.get().close();
    }

    @Test
    void acceptingEndsASessionThatIsStillThere() throws Exception {
        GuestChannel channel = new GuestChannel(port.guestIn(), port.guestOut(), port::nap);
        FakePort.Connection connection = port.connect();
        Future<HostChannel> opening = threads.submit(() -> open(connection));
        GuestChannel.Session session = channel.accept();
        Future<GuestChannel.Session> next = threads.submit(channel::accept);
        assertThat(opening.get().input().read()).isEqualTo(-1);
        assertThat(session.isOpen()).isFalse();
        connection.close();
        try (HostChannel host = open(port.connect())) {
            next.get().output().write(7);
            assertThat(host.input().read()).isEqualTo(7);
        }
    }

    @Test
    void anUnconnectedGuestNapsBetweenItsReads() throws Exception {
        AtomicInteger naps = new AtomicInteger();
        BlockingQueue<Integer> silences = new LinkedBlockingQueue<>();
        CompletableFuture<Void> enough = new CompletableFuture<>();
        GuestChannel channel =
                new GuestChannel(
                        port.guestIn(),
                        port.guestOut(),
                        count -> {
                            silences.add(count);
                            if (naps.incrementAndGet() == 5) {
                                enough.complete(null);
                                port.nap(count);
                            }
                        });
        Future<GuestChannel.Session> accepting = threads.submit(channel::accept);
        enough.get();
        assertThat(silences).containsExactly(1, 2, 3, 4, 5);
        assertThat(port.guestReads()).isEqualTo(5); // one read for each nap
        try (HostChannel host = open(port.connect())) {
            accepting.get().output().write(7);
            assertThat(host.input().read()).isEqualTo(7);
        }
    }

    @Test
    void anInterruptedNapEndsAccepting() throws Exception {
        GuestChannel channel =
                new GuestChannel(
                        port.guestIn(),
                        port.guestOut(),
                        silences -> {
                            throw new InterruptedException();
                        });
        assertThatThrownBy(channel::accept).isInstanceOf(InterruptedException.class);
    }

    @Test
    void aGuestThatDoesNotAnswerIsGivenUpAtTheDeadlineAndTheConnectionClosed() throws Exception {
        FakePort.Connection connection = port.connect();
        assertThatThrownBy(() ->
                        HostChannel.open(
                                connection.in,
                                connection.out,
                                HostChannel.Wire.USED,
                                Deadline.after(Duration.ofMillis(20))))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> assertThat(fault.code()).isEqualTo(FaultCode.DEADLINE_EXCEEDED));
        startGuest();
        assertThatANewHostIsServed("the first one had given up");
    }

    @Test
    void aGuestThatDoesNotReadIsGivenUpAtTheDeadline() throws Exception {
        FakePort narrow = new FakePort(100); // not even the zeros can be written
        FakePort.Connection connection = narrow.connect();
        assertThatThrownBy(() ->
                        HostChannel.open(
                                connection.in,
                                connection.out,
                                HostChannel.Wire.USED,
                                Deadline.after(Duration.ofMillis(20))))
                .isInstanceOf(Fault.class);
        narrow.connect(); // the former connection has been closed
    }

    @Test
    void theFirstHostOfAMachineBeginsWithItsSyn() throws Exception {
        MemoryLink link = MemoryLink.create(100_000);
        assertThatThrownBy(() ->
                        HostChannel.open(
                                link.left().in(),
                                link.left().out(),
                                HostChannel.Wire.FRESH,
                                Deadline.after(Duration.ofMillis(20))))
                .isInstanceOf(Fault.class);
        byte[] sent = link.right().in().readAllBytes();
        assertThat(sent).hasSize(ChannelFrames.HEADER_BYTES + ChannelFrames.GREETING_BYTES);
        assertThat((int) ChannelFrames.INT.get(sent, 0)).isEqualTo(ChannelFrames.SYN);
    }

    @Test
    void whereverTheFirstHostIsCutTheNextOneIsServed() throws Exception {
        startGuest();
        byte[] syn =
                ChannelFrames.greeting(
                        ChannelFrames.SYN,
                        new byte[ChannelFrames.ID_BYTES],
                        ProtocolVersion.CHANNEL);
        for (int cut = 1; cut < syn.length; cut++) {
            FakePort.Connection first = port.connect();
            first.out.write(syn, 0, cut);
            first.close();
            assertThatANewHostIsServed("the first one was cut after " + cut + " bytes");
        }
    }

    @Test
    void aMachineThatEndsBeforeItAnswersIsAnIoException() throws Exception {
        MemoryLink link = MemoryLink.create(100_000);
        link.right().close();
        assertThatThrownBy(() ->
                        HostChannel.open(
                                link.left().in(),
                                link.left().out(),
                                HostChannel.Wire.USED,
                                Deadline.never()))
                .isInstanceOf(IOException.class);
    }

    @Test
    void anAgentOfAnotherVersionIsNamed() throws Exception {
        MemoryLink link = MemoryLink.create(100_000);
        background(() -> {
            ChannelFrames.Reader reader = new ChannelFrames.Reader(link.right().in());
            while (reader.next() != ChannelFrames.Event.SYN) {}
            link.right().out().write(ChannelFrames.greeting(ChannelFrames.HELLO, reader.id(), 7));
            return null;
        });
        assertThatThrownBy(() ->
                        HostChannel.open(
                                link.left().in(),
                                link.left().out(),
                                HostChannel.Wire.USED,
                                Deadline.never()))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> {
                            assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
                            assertThat(fault).hasMessageContaining("version 7");
                            assertThat(fault.hint()).isPresent();
                        });
    }

    @Test
    void anInterruptedHostGivesUp() throws Exception {
        FakePort.Connection connection = port.connect();
        CompletableFuture<FaultCode> code = new CompletableFuture<>();
        Thread opener =
                Thread.ofVirtual()
                        .start(() -> {
                            try {
                                open(connection);
                            } catch (Fault e) {
                                code.complete(e.code());
                            } catch (IOException e) {
                                code.completeExceptionally(e);
                            }
                        });
        opener.interrupt();
        assertThat(code.get()).isEqualTo(FaultCode.CANCELLED);
    }

    @Test
    void theEndOfTheConnectionWithinAFrameIsNotTheEndOfTheSession() throws Exception {
        for (int cut = 0; cut < 23; cut++) {
            MemoryLink link = MemoryLink.create(100_000);
            int length = cut;
            background(() -> {
                ChannelFrames.Reader reader = new ChannelFrames.Reader(link.right().in());
                while (reader.next() != ChannelFrames.Event.SYN) {}
                OutputStream out = link.right().out();
                out.write(ChannelFrames.greeting(ChannelFrames.HELLO, reader.id(), 1));
                ByteArrayOutputStream frame = new ByteArrayOutputStream();
                new ChannelFrames.Writer(frame).writeData(reader.session(), text("abc"), 0, 3);
                out.write(frame.toByteArray(), 0, length);
                out.close();
                return null;
            });
            HostChannel host =
                    HostChannel.open(
                            link.left().in(),
                            link.left().out(),
                            HostChannel.Wire.USED,
                            Deadline.never());
            if (cut == 0) {
                assertThat(host.input().read()).isEqualTo(-1);
            } else {
                assertThatThrownBy(() -> host.input().read())
                        .as("cut after %d bytes", cut)
                        .isInstanceOf(EOFException.class);
            }
        }
    }

    @Test
    void hostsThatComeAndGoAtRandomAreServedAndNeverMistakenForEachOther() throws Exception {
        long seed = 20260101;
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        GuestChannel channel = new GuestChannel(port.guestIn(), port.guestOut(), port::nap);
        // Answers are written by other threads than the one that reads, some of them too late.
        background(() -> {
            while (true) {
                GuestChannel.Session session = channel.accept();
                DataInputStream in = new DataInputStream(session.input());
                try {
                    while (true) {
                        byte[] message = in.readNBytes(in.readInt());
                        background(() -> {
                            session.output().write(message(reverse(message)));
                            return null;
                        });
                    }
                } catch (EOFException e) {
                    // the next host
                }
            }
        });
        for (int round = 0; round < 300; round++) {
            FakePort.Connection connection = port.connect();
            if (random.nextInt(4) == 0) {
                // Leaves within its greeting.
                byte[] greeting = ChannelFrames.greeting(ChannelFrames.SYN, OLD_ID, 1);
                connection.out.write(
                        ChannelFrames.zeros(), 0, random.nextInt(ChannelFrames.zeros().length + 1));
                connection.out.write(greeting, 0, random.nextInt(greeting.length + 1));
                connection.close();
                continue;
            }
            HostChannel host = open(connection);
            for (int i = random.nextInt(5); i > 0; i--) {
                byte[] content = new byte[random.nextInt(random.nextBoolean() ? 100 : 100_000)];
                random.nextBytes(content);
                assertThat(exchange(host, content))
                        .as("round %d", round)
                        .isEqualTo(reverse(content));
            }
            // Leaves with answers on their way, within a frame of its own, or both.
            for (int i = random.nextInt(4); i > 0; i--) {
                host.output().write(message(new byte[random.nextInt(3000)]));
            }
            byte[] half = new byte[random.nextInt(200)];
            random.nextBytes(half);
            if (random.nextBoolean()) {
                ByteArrayOutputStream frame = new ByteArrayOutputStream();
                new ChannelFrames.Writer(frame).writeData(random.nextLong(), half, 0, half.length);
                connection.out.write(
                        Arrays.copyOf(frame.toByteArray(), random.nextInt(frame.size())));
            }
            host.close();
        }
        try (HostChannel host = open(port.connect())) {
            assertThat(exchange(host, text("last"))).isEqualTo(text("tsal"));
        }
    }

    /** What comes before an answer is skipped, but not for ever. */
    @Test
    void anAgentThatSendsSomethingElseWithoutEndIsLeft() {
        InputStream endless =
                new InputStream() {
                    @Override
                    public int read() {
                        return 'B';
                    }

                    @Override
                    public int read(byte[] buffer, int offset, int length) {
                        Arrays.fill(buffer, offset, offset + length, (byte) 'B');
                        return length;
                    }
                };
        assertThatThrownBy(() ->
                        HostChannel.open(
                                endless,
                                OutputStream.nullOutputStream(),
                                HostChannel.Wire.USED,
                                Deadline.never()))
                .hasRootCauseInstanceOf(ProtocolException.class)
                .hasStackTraceContaining("sends something else without end");
    }
}
