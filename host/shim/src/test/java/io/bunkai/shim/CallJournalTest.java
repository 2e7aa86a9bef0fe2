// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixConnection;
import io.bunkai.linux.UnixSockets;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.SmallDisk;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CallJournalTest {
    private static final int HEADER = 10;

    @TempDir Path home;
    private UnixSockets.Pair pair;

    @BeforeEach
    void connect() throws IOException {
        pair = UnixSockets.pair();
    }

    @AfterEach
    void close() {
        pair.close();
    }

    /** What a daemon has of the connection: another daemon's is another descriptor of it. */
    private CallJournal journal() throws IOException {
        return CallJournal.open(home.resolve("c"), UnixConnection.of(pair.one().duplicate()));
    }

    private static byte[] frame(int stream, int type, byte[] data) {
        return ByteBuffer.allocate(HEADER + data.length)
                .putInt(data.length)
                .putInt(stream)
                .put((byte) type)
                .put((byte) 0)
                .put(data)
                .array();
    }

    private static byte[] request(int stream, String text) {
        return frame(stream, 1, text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    private static byte[] large(int stream, int length) {
        byte[] data = new byte[length];
        for (int i = 0; i < length; i++) {
            data[i] = (byte) (i * 31 + i / 251);
        }
        return frame(stream, 1, data);
    }

    private void send(byte[] bytes) throws IOException {
        pair.other().writeFully(bytes);
    }

    private static byte[] read(CallJournal journal, int length) throws IOException {
        return journal.requests().readNBytes(length);
    }

    private List<String> files() throws IOException {
        try (var files = Files.list(home.resolve("c"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void aRequestIsInItsFileUntilItIsAnswered() throws Exception {
        CallJournal journal = journal();
        byte[] sent = request(1, "create");
        send(sent);
        assertThat(read(journal, sent.length)).isEqualTo(sent);
        Path file = home.resolve("c/0000000001.call");
        assertThat(Files.readAllBytes(file)).isEqualTo(sent);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())))
                .isEqualTo("rwx------");
        journal.note(1, new byte[] {5});
        journal.answered(1);
        assertThat(files()).isEmpty();
    }

    @Test
    void aSuccessorFindsWhatWasNotAnsweredAndThenWhatFollows() throws Exception {
        CallJournal first = journal();
        byte[] one = request(1, "one");
        byte[] three = request(3, "three");
        byte[] five = request(5, "five");
        send(one);
        send(three);
        assertThat(read(first, one.length + three.length)).hasSize(one.length + three.length);
        first.note(3, new byte[] {9, 9});
        first.answered(1);
        first.end();
        CallJournal second = journal();
        send(five);
        InputStream requests = second.requests();
        assertThat(requests.readNBytes(three.length)).isEqualTo(three);
        assertThat(requests.readNBytes(five.length)).isEqualTo(five);
        assertThat(second.isRepeated(3)).isTrue();
        assertThat(second.isRepeated(5)).isFalse();
        assertThat(second.note(3)).hasValueSatisfying(n -> assertThat(n).containsExactly(9, 9));
        assertThat(second.note(5)).isEmpty();
    }

    @Test
    void aCallThatIsAnsweredWhileASuccessorLooksIsNoReasonToEndTheConnection() throws Exception {
        CallJournal first = journal();
        byte[] one = request(1, "one");
        send(one);
        read(first, one.length);
        first.end();
        Path gone = home.resolve("c/0000000003.call"); // listed, and not there to be read
        Files.createSymbolicLink(gone, home.resolve("nowhere"));
        assertThat(read(journal(), one.length)).isEqualTo(one);
    }

    @Test
    void aDaemonThatEndsWithinARequestLeavesItToItsSuccessor() throws Exception {
        CallJournal first = journal();
        byte[] sent = request(1, "create");
        send(Arrays.copyOf(sent, HEADER + 2));
        CompletableFuture<byte[]> reading =
                CompletableFuture.supplyAsync(() -> uncheckedRead(first, sent.length));
        Await.until("its file", Deadline.after(Duration.ofSeconds(20)), this::hasFirstFile);
        first.end();
        assertThat(reading).failsWithin(20, TimeUnit.SECONDS);
        send(Arrays.copyOfRange(sent, HEADER + 2, sent.length));
        assertThat(read(journal(), sent.length)).isEqualTo(sent);
    }

    private boolean hasFirstFile() {
        return Files.exists(home.resolve("c/0000000001.call"));
    }

    private static byte[] uncheckedRead(CallJournal journal, int length) {
        try {
            return read(journal, length);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void whatWasWrittenAndNotTakenComesOnce() throws Exception {
        byte[] sent = request(1, "create");
        send(sent);
        Files.createDirectory(home.resolve("c"));
        Files.write(home.resolve("c/0000000001.call"), sent); // and then the daemon died
        CallJournal second = journal();
        byte[] next = request(3, "start");
        InputStream requests = second.requests();
        assertThat(requests.readNBytes(sent.length)).isEqualTo(sent);
        send(next);
        assertThat(requests.readNBytes(next.length)).isEqualTo(next);
    }

    @Test
    void aFileThatWasNotWrittenToItsEndDoesNotCount() throws Exception {
        byte[] sent = request(1, "create");
        for (int length = 0; length < sent.length; length++) {
            try (UnixSockets.Pair other = UnixSockets.pair()) {
                other.other().writeFully(sent);
                Path directory = home.resolve("cut" + length);
                Files.createDirectory(directory);
                Files.write(directory.resolve("0000000001.call"), Arrays.copyOf(sent, length));
                CallJournal second =
                        CallJournal.open(directory, UnixConnection.of(other.one().duplicate()));
                assertThat(read(second, sent.length)).isEqualTo(sent);
                assertThat(second.isRepeated(1)).isFalse();
                assertThat(Files.readAllBytes(directory.resolve("0000000001.call")))
                        .isEqualTo(sent);
            }
        }
    }

    @Test
    void aLargeRequestGoesOnWhereverItsReaderDied() throws Exception {
        byte[] sent = large(1, 3 * CallJournal.PIECE + 100);
        byte[] next = request(3, "next");
        for (int pieces = 0; pieces <= 4; pieces++) {
            for (boolean lastTaken : new boolean[] {false, true}) {
                goesOn(sent, next, pieces, lastTaken);
            }
        }
    }

    private void goesOn(byte[] sent, byte[] next, int pieces, boolean lastTaken) throws Exception {
        int written = Math.min(sent.length, pieces * CallJournal.PIECE);
        int taken = lastTaken ? written : Math.max(0, pieces - 1) * CallJournal.PIECE;
        Path directory = home.resolve("large" + pieces + lastTaken);
        Files.createDirectory(directory);
        Files.write(directory.resolve("0000000001.call"), Arrays.copyOf(sent, written));
        try (UnixSockets.Pair other = UnixSockets.pair()) {
            Fd writer = other.other();
            CompletableFuture<Void> writing =
                    CompletableFuture.runAsync(() -> {
                        try {
                            writer.writeFully(Arrays.copyOfRange(sent, taken, sent.length));
                            writer.writeFully(next);
                        } catch (IOException e) {
                            throw new AssertionError(e);
                        }
                    });
            if (taken == sent.length) {
                writing.join();
            } else {
                UnixConnection look = UnixConnection.of(other.one().duplicate());
                byte[] seen = new byte[CallJournal.PIECE];
                int expected = Math.min(CallJournal.PIECE, sent.length - taken);
                while (look.peek(seen, 0, expected) < expected) {
                    Thread.onSpinWait();
                }
            }
            CallJournal second =
                    CallJournal.open(directory, UnixConnection.of(other.one().duplicate()));
            InputStream requests = second.requests();
            assertThat(requests.readNBytes(sent.length)).isEqualTo(sent);
            assertThat(requests.readNBytes(next.length)).isEqualTo(next);
            writing.get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void whatIsNoRequestGoesThroughWithoutAFile() throws Exception {
        CallJournal journal = journal();
        byte[] data = frame(7, 3, new byte[] {1, 2, 3});
        byte[] oversized =
                ByteBuffer.allocate(HEADER)
                        .putInt(5 << 20)
                        .putInt(9)
                        .put((byte) 1)
                        .put((byte) 0)
                        .array();
        send(data);
        send(oversized);
        InputStream requests = journal.requests();
        assertThat(requests.readNBytes(data.length)).isEqualTo(data);
        assertThat(requests.readNBytes(HEADER)).isEqualTo(oversized);
        assertThat(files()).isEmpty();
    }

    @Test
    void aRequestThatComesInPiecesIsWaitedFor() throws Exception {
        CallJournal journal = journal();
        byte[] sent = request(1, "create");
        CompletableFuture<byte[]> got =
                CompletableFuture.supplyAsync(() -> {
                    try {
                        return read(journal, sent.length);
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
        for (byte one : sent) {
            send(new byte[] {one});
        }
        assertThat(got.get(30, TimeUnit.SECONDS)).isEqualTo(sent);
    }

    @Test
    void aConnectionThatLostHalfARequestIsNotGoneOnWith() throws Exception {
        Files.createDirectory(home.resolve("c"));
        Files.createFile(home.resolve("c/broken"));
        assertThatThrownBy(this::journal).isInstanceOf(IOException.class);
    }

    @Test
    void afterAPauseNothingIsTakenAndWhatIsUnderWayIsWaitedFor() throws Exception {
        CallJournal journal = journal();
        byte[] create = request(1, "create");
        byte[] wait = request(3, "wait");
        byte[] late = request(5, "late");
        send(create);
        send(wait);
        InputStream requests = journal.requests();
        requests.readNBytes(create.length + wait.length);
        journal.pause();
        send(late);
        CompletableFuture<Integer> next =
                CompletableFuture.supplyAsync(() -> {
                    try {
                        return requests.read();
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
        journal.parked(3);
        assertThat(journal.awaitIdle(Deadline.after(Duration.ofMillis(1)))).isFalse();
        journal.answered(1);
        assertThat(journal.awaitIdle(Deadline.after(Duration.ofSeconds(10)))).isTrue();
        journal.end();
        assertThat(next.get(10, TimeUnit.SECONDS)).isEqualTo(-1);
        assertThat(files()).containsExactly("0000000003.call");
        CallJournal second = journal();
        assertThat(read(second, wait.length + late.length))
                .isEqualTo(
                        ByteBuffer.allocate(wait.length + late.length).put(wait).put(late).array());
    }

    @Test
    void theEndOfTheConnectionIsTheEndOfTheRequests() throws Exception {
        CallJournal journal = journal();
        pair.other().close();
        assertThat(journal.requests().read()).isEqualTo(-1);
        journal.forget();
        assertThat(home.resolve("c")).doesNotExist();
    }

    /** Half a file would be taken for the beginning of a request that is still in the socket. */
    @Test
    void aFullDiskCostsACallItsFileAndNothingElse() throws Exception {
        Path directory = home.resolve("full/c");
        try (SmallDisk disk = SmallDisk.on(home.resolve("full"), 64)) {
            CallJournal journal =
                    CallJournal.open(directory, UnixConnection.of(pair.one().duplicate()));
            InputStream requests = journal.requests();
            disk.fill();
            byte[] one = request(1, "one");
            send(one);
            assertThat(requests.readNBytes(one.length)).isEqualTo(one);
            journal.note(1, new byte[100]);
            assertThat(directory).isEmptyDirectory();
            assertThat(journal.note(1)).isEmpty();

            disk.drain();
            byte[] larger = large(3, CallJournal.PIECE + 100); // than the whole disk
            send(larger);
            assertThat(requests.readNBytes(larger.length)).isEqualTo(larger);
            assertThat(directory).isEmptyDirectory();

            byte[] five = request(5, "five");
            send(five);
            assertThat(requests.readNBytes(five.length)).isEqualTo(five);
            assertThat(directory.resolve("0000000005.call")).hasBinaryContent(five);
            journal.end();
        }
    }
}
