// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import io.bunkai.base.TaskScope;
import io.bunkai.testkit.CommandRun;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("try") // closes in the middle are what is tested
class FifoTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir Path directory;

    private Path fifo;
    private long pipesBefore;
    private long watchedBefore;

    @BeforeEach
    void makeFifo() {
        fifo = directory.resolve("fifo");
        CommandRun.of("mkfifo", fifo.toString()).run(soon());
        pipesBefore = OpenFiles.pipes();
        watchedBefore = OpenFiles.watched();
    }

    @AfterEach
    void nothingIsLeft() {
        assertThat(OpenFiles.watched()).as("watched").isEqualTo(watchedBefore);
        assertThat(OpenFiles.pipes()).as("pipes").isEqualTo(pipesBefore);
    }

    private static Deadline soon() {
        return Deadline.after(PATIENCE);
    }

    private Fd open(int mode) throws ErrnoException {
        return Fd.open(fifo, mode | Fd.O_NONBLOCK);
    }

    private static String read(Fd fd) throws ErrnoException {
        byte[] buffer = new byte[100];
        return new String(buffer, 0, fd.read(buffer, 0, 100), StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** What the kernel does with an end that nobody holds open from the other side. */
    @Test
    void aFreshReaderIsSilentUntilItsFirstWriterHasGone() throws Exception {
        try (Fd reader = open(Fd.O_RDONLY)) {
            assertThat(reader.read(new byte[1], 0, 1)).as("looks like the end").isZero();
            assertThat(Poll.readable(reader, 0)).as("but is not reported").isFalse();
            open(Fd.O_WRONLY).close();
            assertThat(Poll.readable(reader, 0)).as("the first writer has gone").isTrue();
        }
    }

    @Test
    void tellsFifosFromFiles() throws Exception {
        assertThat(Fifo.isFifo(fifo)).isTrue();
        Path link = Files.createSymbolicLink(directory.resolve("link"), fifo);
        assertThat(Fifo.isFifo(link)).isTrue();
        assertThat(Fifo.isFifo(directory)).isFalse();
        assertThatThrownBy(() -> Fifo.isFifo(directory.resolve("gone")))
                .isInstanceOf(IOException.class);
    }

    @Test
    void aWriterIsOpenedOnceThereIsAReader() throws Exception {
        FutureTask<Fifo.Writer> opening = new FutureTask<>(() -> Fifo.openToWrite(fifo, soon()));
        Thread.ofVirtual().start(opening);
        try (Fd reader = open(Fd.O_RDONLY);
                Fifo.Writer writer = opening.get(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            writer.write(bytes("hello"));
            assertThat(read(reader)).isEqualTo("hello");
        }
    }

    @Test
    void aWriterGivesUpWithoutAReader() {
        Deadline passed = Deadline.after(Duration.ofMillis(30));
        assertThatThrownBy(() -> Fifo.openToWrite(fifo, passed))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENXIO));
    }

    @Test
    void whoWaitsForAReaderCanBeInterrupted() throws Exception {
        FutureTask<Fifo.Writer> opening =
                new FutureTask<>(() -> Fifo.openToWrite(fifo, Deadline.never()));
        Thread thread = Thread.ofVirtual().start(opening);
        thread.interrupt();
        assertThatThrownBy(() -> opening.get(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .hasCauseInstanceOf(InterruptedException.class);
    }

    @Test
    void aReaderThatComesBackFindsWhatWasWrittenMeanwhile() throws Exception {
        Fd first = open(Fd.O_RDONLY);
        try (Fifo.Writer writer = Fifo.openToWrite(fifo, soon())) {
            writer.write(bytes("one"));
            assertThat(read(first)).isEqualTo("one");
            first.close();
            writer.write(bytes("two"));
            try (Fd second = open(Fd.O_RDONLY)) {
                assertThat(read(second)).isEqualTo("two");
                writer.write(bytes("three"));
                writer.close();
                assertThat(read(second)).isEqualTo("three");
                assertThat(read(second)).as("the end").isEmpty();
            }
        }
    }

    @Test
    void withoutAReaderAFullFifoHoldsItsWriterUntilOneComes() throws Exception {
        Fd first = open(Fd.O_RDONLY);
        try (Fifo.Writer writer = Fifo.openToWrite(fifo, soon());
                TaskScope scope = new TaskScope("writer")) {
            first.close();
            byte[] data = new byte[200_000];
            scope.fork(
                    "writer",
                    () -> {
                        writer.write(data);
                        writer.close();
                        return true;
                    });
            try (InputStream second =
                    WaitingFd.toRead(Fd.open(fifo, Fd.O_RDONLY | Fd.O_NONBLOCK)).input()) {
                assertThat(second.readAllBytes()).hasSameSizeAs(data);
            }
            scope.join();
        }
    }

    @Test
    void aReaderOutlivesItsWritersAndEndsWhenItIsTold() throws Exception {
        try (Fifo.Reader reader = Fifo.openToRead(fifo)) {
            for (int i = 0; i < 3; i++) {
                try (Fd writer = open(Fd.O_WRONLY)) {
                    writer.writeFully(new byte[] {(byte) i});
                    assertThat(reader.read()).isEqualTo(i);
                }
            }
            try (Fd writer = open(Fd.O_WRONLY)) {
                writer.writeFully(bytes("rest"));
                reader.end();
                assertThat(reader.readAllBytes()).asString().isEqualTo("rest");
                assertThat(reader.read()).as("the writer is still there").isEqualTo(-1);
            }
            assertThat(reader.read()).isEqualTo(-1);
            reader.end();
        }
    }

    @Test
    void endingWakesTheReader() throws Exception {
        try (Fifo.Reader reader = Fifo.openToRead(fifo);
                Fd writer = open(Fd.O_WRONLY);
                TaskScope scope = new TaskScope("reader")) {
            TaskScope.Subtask<Integer> first = scope.fork("reader", reader::read);
            reader.end();
            scope.join();
            assertThat(first.result()).isEqualTo(-1);
            assertThat(writer.isOpen()).isTrue();
        }
    }

    @Test
    void aWriterHearsThatTheReaderWasClosed() throws Exception {
        try (Fifo.Reader reader = Fifo.openToRead(fifo);
                Fd writer = open(Fd.O_WRONLY)) {
            reader.close();
            assertThatThrownBy(() -> writer.writeFully(new byte[1])).hasMessageContaining("EPIPE");
        }
    }
}
