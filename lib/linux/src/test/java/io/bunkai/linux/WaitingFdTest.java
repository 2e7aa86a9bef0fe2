// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import io.bunkai.base.TaskScope;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandResult;
import io.bunkai.testkit.CommandRun;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("try") // closes in the middle are what is tested
class WaitingFdTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final byte[] BLOCK = new byte[64 * 1024];

    @TempDir Path directory;

    private long pipesBefore;
    private long watchedBefore;
    private int watchesBefore;

    @BeforeEach
    void count() throws Exception {
        watchesBefore = Readiness.shared().watches();
        pipesBefore = OpenFiles.pipes();
        watchedBefore = OpenFiles.watched();
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        assertThat(Readiness.shared().watches()).as("watches").isEqualTo(watchesBefore);
        assertThat(OpenFiles.watched()).as("watched").isEqualTo(watchedBefore);
        assertThat(OpenFiles.pipes()).as("pipes").isEqualTo(pipesBefore);
    }

    /** A call on a virtual thread that has parked in it. */
    private record Parked<T>(Thread thread, FutureTask<T> call) {
        static <T> Parked<T> in(Callable<T> call) {
            FutureTask<T> task = new FutureTask<>(call);
            Thread thread = Thread.ofVirtual().start(task);
            Await.until(
                    "a thread that waits",
                    Deadline.after(PATIENCE),
                    () ->
                            switch (thread.getState()) {
                                case WAITING, TIMED_WAITING, TERMINATED -> true;
                                case NEW, RUNNABLE, BLOCKED -> false;
                            });
            assertThat(task.isDone()).as("it waits").isFalse();
            return new Parked<>(thread, task);
        }

        T result() throws Exception {
            return call.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }

        Throwable failure() throws Exception {
            try {
                throw new AssertionError("no failure, but " + result());
            } catch (ExecutionException e) {
                return e.getCause();
            }
        }
    }

    @Test
    void aReadWaitsForDataAndForTheEnd() throws Exception {
        try (Pipe pipe = Pipe.create();
                InputStream in = WaitingFd.toRead(pipe.read()).input()) {
            Parked<Integer> first = Parked.in(in::read);
            pipe.write().writeFully(new byte[] {(byte) 200});
            assertThat(first.result()).isEqualTo(200);

            Parked<Integer> end = Parked.in(() -> in.read(new byte[10]));
            pipe.write().close();
            assertThat(end.result()).isEqualTo(-1);
            assertThat(in.read()).isEqualTo(-1);
        }
    }

    @Test
    void aWriteWaitsForRoomAndGoesOnWhereItStopped() throws Exception {
        byte[] data = new byte[1_000_003];
        new Random(7).nextBytes(data);
        try (Pipe pipe = Pipe.create();
                InputStream in = WaitingFd.toRead(pipe.read()).input();
                OutputStream out = WaitingFd.toWrite(pipe.write()).output()) {
            Parked<Boolean> writer =
                    Parked.in(() -> {
                        out.write(data);
                        out.close();
                        return true;
                    });
            assertThat(in.readAllBytes()).isEqualTo(data);
            assertThat(writer.result()).isTrue();
        }
    }

    @Test
    void aWriterHearsThatItsReaderHasGone() throws Exception {
        try (Pipe pipe = Pipe.create();
                OutputStream out = WaitingFd.toWrite(pipe.write()).output()) {
            out.write(BLOCK);
            Parked<Boolean> writer = Parked.in(() -> write(out));
            pipe.read().close();
            assertThat(writer.failure())
                    .isInstanceOfSatisfying(
                            ErrnoException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
        }
    }

    @Test
    void anInterruptEndsAWaitAndLosesNothing() throws Exception {
        try (Pipe pipe = Pipe.create();
                InputStream in = WaitingFd.toRead(pipe.read()).input()) {
            AtomicBoolean stillInterrupted = new AtomicBoolean();
            Parked<Integer> reader =
                    Parked.in(() -> {
                        try {
                            return in.read();
                        } finally {
                            stillInterrupted.set(Thread.currentThread().isInterrupted());
                        }
                    });
            reader.thread().interrupt();
            assertThat(reader.failure()).isInstanceOf(InterruptedIOException.class);
            assertThat(stillInterrupted).isTrue();

            pipe.write().writeFully(new byte[] {5});
            assertThat(in.read()).isEqualTo(5);
        }
    }

    @Test
    void anInterruptedWriteTellsHowMuchItHasWritten() throws Exception {
        try (Pipe pipe = Pipe.create();
                OutputStream out = WaitingFd.toWrite(pipe.write()).output()) {
            byte[] more = new byte[BLOCK.length + 10_000];
            Parked<Boolean> writer =
                    Parked.in(() -> {
                        out.write(more);
                        return true;
                    });
            writer.thread().interrupt();
            assertThat(writer.failure())
                    .isInstanceOfSatisfying(
                            InterruptedIOException.class,
                            e -> assertThat(e.bytesTransferred).isEqualTo(BLOCK.length));
        }
    }

    @Test
    void aCloseWakesReaderAndWriter() throws Exception {
        try (Pipe pipe = Pipe.create();
                OutputStream out = WaitingFd.toWrite(pipe.write()).output();
                InputStream in = WaitingFd.toRead(pipe.read()).input()) {
            Parked<Integer> reader = Parked.in(in::read);
            in.close();
            assertThat(reader.failure())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("closed");
            assertThatThrownBy(in::read).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> out.write(1)).hasMessageContaining("EPIPE");
        }
        try (Pipe pipe = Pipe.create();
                OutputStream out = WaitingFd.toWrite(pipe.write()).output()) {
            out.write(BLOCK);
            Parked<Boolean> writer = Parked.in(() -> write(out));
            out.close();
            assertThat(writer.failure())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("closed");
        }
    }

    @Test
    void endsWhereItIsEmptyOnceItWasToldTo() throws Exception {
        try (Pipe pipe = Pipe.create();
                WaitingFd fd = WaitingFd.toRead(pipe.read())) {
            pipe.write().writeFully(new byte[] {1, 2, 3});
            fd.endWhenEmpty();
            assertThat(fd.input().readAllBytes()).containsExactly(1, 2, 3);
        }
        try (Pipe pipe = Pipe.create();
                WaitingFd fd = WaitingFd.toRead(pipe.read())) {
            Parked<Integer> reader = Parked.in(fd.input()::read);
            fd.endWhenEmpty();
            assertThat(reader.result()).isEqualTo(-1);
        }
    }

    @Test
    void waitsNoLongerThanItsDeadline() throws Exception {
        try (Pipe pipe = Pipe.create();
                WaitingFd fd = WaitingFd.toRead(pipe.read())) {
            assertThat(fd.await(Deadline.after(Duration.ofMillis(20)))).isFalse();
            assertThat(fd.await(Deadline.after(Duration.ZERO))).isFalse();
            Parked<Boolean> waiter = Parked.in(() -> fd.await(Deadline.after(PATIENCE)));
            pipe.write().writeFully(new byte[1]);
            assertThat(waiter.result()).isTrue();
            assertThat(fd.await(Deadline.after(PATIENCE))).as("is ready already").isTrue();
        }
    }

    @Test
    void aFileIsAlwaysReady() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "content");
        try (WaitingFd fd = WaitingFd.toRead(Fd.open(file, Fd.O_RDONLY))) {
            assertThat(fd.await(Deadline.after(Duration.ZERO))).isTrue();
            assertThat(fd.input().readAllBytes()).asString().isEqualTo("content");
        }
    }

    @Test
    void doesNotReachALaterFileOfTheSameNumber() throws Exception {
        WaitingFd first = WaitingFd.toRead(Fd.open(Path.of("/dev/zero"), Fd.O_RDONLY));
        first.close();
        try (Fd second = Fd.open(Path.of("/dev/zero"), Fd.O_RDONLY)) {
            assertThatThrownBy(() -> first.read(new byte[1], 0, 1)).hasMessageContaining("closed");
            first.close();
            assertThat(second.read(new byte[1], 0, 1)).isEqualTo(1);
        }
    }

    @Test
    void waitsThousandsOfTimes() throws Exception {
        int rounds = 5000;
        try (Pipe there = Pipe.create();
                Pipe back = Pipe.create();
                InputStream thereIn = WaitingFd.toRead(there.read()).input();
                OutputStream thereOut = WaitingFd.toWrite(there.write()).output();
                InputStream backIn = WaitingFd.toRead(back.read()).input();
                OutputStream backOut = WaitingFd.toWrite(back.write()).output();
                TaskScope echo = new TaskScope("echo")) {
            echo.fork("echo", () -> thereIn.transferTo(backOut));
            for (int i = 0; i < rounds; i++) {
                thereOut.write(i);
                assertThat(backIn.read()).isEqualTo(i & 0xff);
            }
            thereOut.close();
            echo.join();
        }
    }

    /** Each pipe carries one value only, so a byte that went astray is seen. */
    @Test
    void nobodyReadsFromAStrangersPipeWhenManyCloseAndOpenAtOnce() throws Exception {
        int workers = 16;
        int rounds = 200;
        AtomicInteger read = new AtomicInteger();
        try (TaskScope scope = new TaskScope("churn")) {
            for (int worker = 0; worker < workers; worker++) {
                int value = worker;
                scope.fork(
                        "worker " + worker,
                        () -> {
                            for (int round = 0; round < rounds; round++) {
                                churn(value, new Random(31L * value + round), read);
                            }
                            return true;
                        });
            }
            scope.join();
        }
        assertThat(read.get()).isPositive();
    }

    private static void churn(int value, Random random, AtomicInteger read) throws Exception {
        try (Pipe pipe = Pipe.create();
                OutputStream out = WaitingFd.toWrite(pipe.write()).output();
                InputStream in = WaitingFd.toRead(pipe.read()).input();
                TaskScope scope = new TaskScope("reader")) {
            CountDownLatch arrived = new CountDownLatch(1);
            scope.fork(
                    "reader",
                    () -> {
                        try {
                            for (int next = in.read(); next >= 0; next = in.read()) {
                                assertThat(next).isEqualTo(value);
                                read.incrementAndGet();
                                arrived.countDown();
                            }
                        } catch (IOException e) {
                            assertThat(e).hasMessageContaining("closed");
                        }
                        return true;
                    });
            for (int i = random.nextInt(4); i > 0; i--) {
                out.write(value);
                if (random.nextBoolean()) {
                    arrived.await();
                }
            }
            in.close();
            scope.join();
        }
    }

    @Test
    void twoHundredWaitersNeedOneCarrier() throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-Djdk.virtualThreadScheduler.parallelism=1");
        command.add("-Djdk.virtualThreadScheduler.maxPoolSize=1");
        command.add("--enable-native-access=ALL-UNNAMED");
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.add(OneCarrier.class.getName());
        CommandResult result = CommandRun.of(command).run(Deadline.after(PATIENCE));
        assertThat(result.stdout()).asString().isEqualTo("200 woke\n");
    }

    private static boolean write(OutputStream out) throws IOException {
        out.write(1);
        return true;
    }
}
