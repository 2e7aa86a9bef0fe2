// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.base.TaskScope;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.KeptFds;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.WaitingFd;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.LeakCheck;
import io.bunkai.testkit.LeakCheckExtension;
import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

@SuppressWarnings("try") // closes in the middle are what is tested
class TaskStreamsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int FIFO_BYTES = 64 * 1024;

    @RegisterExtension
    final LeakCheckExtension leaks =
            new LeakCheckExtension(
                    () ->
                            LeakCheck.options()
                                    .onlyMentioning("task-streams-test")
                                    .descriptorsOf(() -> List.of(ProcessHandle.current().pid())),
                    Duration.ofSeconds(10));

    private final TestRoot root = TestRoot.create();

    /** What is opened once for the whole process is no leak. */
    @BeforeAll
    static void waitOnce() throws Exception {
        try (Pipe pipe = Pipe.create();
                WaitingFd in = WaitingFd.toRead(pipe.read())) {
            in.await(Deadline.after(Duration.ZERO));
        }
    }

    @AfterEach
    void deleteRoot() {
        root.close();
    }

    private static Deadline soon() {
        return Deadline.after(PATIENCE);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Stdio output(String stdout, String stderr) {
        return new Stdio("", stdout, stderr, false);
    }

    private static KeptStreams kept() {
        return KeptStreams.of(
                KeptFds.inThisProcess(), new TaskOwner("/run/c.sock", "ns", ""), "c1", "");
    }

    private static TaskStreams open(Stdio stdio) throws InterruptedException {
        return TaskStreams.open(stdio, "c1", "ns", kept(), soon());
    }

    private Path fifo(String name) {
        Path fifo = root.resolve(name);
        CommandRun.of("mkfifo", fifo.toString()).run(soon());
        return fifo;
    }

    /** The other side of an output, as containerd opens it. */
    private static InputStream reader(Path fifo) throws IOException {
        return WaitingFd.toRead(Fd.open(fifo, Fd.O_RDONLY | Fd.O_NONBLOCK)).input();
    }

    /** The other side of an input; there has to be a reader already. */
    private static Fd writer(Path fifo) throws IOException {
        return Fd.open(fifo, Fd.O_WRONLY | Fd.O_NONBLOCK);
    }

    private static String read(InputStream in) throws IOException {
        byte[] buffer = new byte[100];
        int n = in.read(buffer);
        return n < 0 ? "the end" : new String(buffer, 0, n, StandardCharsets.UTF_8);
    }

    private static Fault refusal(Stdio stdio, Deadline deadline) {
        return assertThatExceptionOfType(Fault.class)
                .isThrownBy(() -> TaskStreams.open(stdio, "c1", "ns", kept(), deadline).close())
                .actual();
    }

    /** A call on a virtual thread that has parked in it. */
    private record Parked<T>(Thread thread, FutureTask<T> call) {
        static <T> Parked<T> in(Callable<T> call) {
            FutureTask<T> task = new FutureTask<>(call);
            Thread thread = Thread.ofVirtual().start(task);
            Await.until(
                    "a thread that waits",
                    soon(),
                    () ->
                            switch (thread.getState()) {
                                case WAITING, TIMED_WAITING, TERMINATED -> true;
                                case NEW, RUNNABLE, BLOCKED -> false;
                            });
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
    void emptyNamesAttachNothing() throws Exception {
        try (TaskStreams streams = open(output("", ""))) {
            assertThat(streams.stdin()).isEmpty();
            assertThat(streams.stdout()).isEmpty();
            assertThat(streams.stderr()).isEmpty();
            streams.closeInput();
        }
    }

    @Test
    void carriesOutputsToTheirFifosAndEndsThem() throws Exception {
        Path out = fifo("out");
        Path err = fifo("err");
        try (InputStream outReader = reader(out);
                InputStream errReader = reader(err);
                TaskStreams streams = open(output(out.toString(), "fifo://" + err))) {
            streams.stdout().orElseThrow().write(bytes("one"));
            streams.stderr().orElseThrow().write(bytes("two"));
            assertThat(read(outReader)).isEqualTo("one");
            streams.stdout().orElseThrow().close();
            assertThat(read(outReader)).isEqualTo("the end");
            streams.close();
            streams.close();
            assertThat(read(errReader)).isEqualTo("two");
            assertThat(read(errReader)).isEqualTo("the end");
        }
    }

    @Test
    void waitsForWhoReadsAFifo() throws Exception {
        Path out = fifo("out");
        Parked<TaskStreams> opening = Parked.in(() -> open(output(out.toString(), "")));
        try (InputStream reader = reader(out);
                TaskStreams streams = opening.result()) {
            streams.stdout().orElseThrow().write(bytes("late"));
            assertThat(read(reader)).isEqualTo("late");
        }
    }

    @Test
    void saysWhichFifoNobodyReads() {
        Path out = fifo("out");
        Fault fault = refusal(output(out.toString(), ""), Deadline.after(Duration.ofMillis(20)));
        assertThat(fault.code()).isEqualTo(FaultCode.DEADLINE_EXCEEDED);
        assertThat(fault).hasMessage("nobody reads stdout " + out);
        assertThat(fault.hint())
                .contains("open the FIFO for reading before the process is created");
    }

    @Test
    void whoWaitsForAReaderCanBeInterrupted() throws Exception {
        Path out = fifo("out");
        Parked<TaskStreams> opening = Parked.in(() -> open(output(out.toString(), "")));
        opening.thread().interrupt();
        assertThat(opening.failure()).isInstanceOf(InterruptedException.class);
    }

    @Test
    void saysWhatIsMissing() {
        Path gone = root.resolve("gone");
        for (Stdio stdio :
                List.of(
                        new Stdio(gone.toString(), "", "", false),
                        output(gone.toString(), ""),
                        output("", gone.toString()),
                        output("binary://" + gone, ""))) {
            Fault fault = refusal(stdio, soon());
            assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND);
            assertThat(fault).hasMessageContaining(gone.toString());
        }
    }

    @Test
    void refusesAnInputThatIsNoFifo() throws Exception {
        Path file = Files.writeString(root.resolve("file"), "");
        for (String name : List.of(file.toString(), "file://" + file, "binary:///bin/cat")) {
            assertThat(refusal(new Stdio(name, "", "", false), soon()).code())
                    .isEqualTo(FaultCode.INVALID_ARGUMENT);
        }
    }

    /** As containerd's own shim does with a path that is no FIFO. */
    @Test
    void appendsToAFileThatExists() throws Exception {
        Path file = Files.writeString(root.resolve("file"), "before ");
        try (TaskStreams streams = open(output(file.toString(), file.toString()))) {
            streams.stdout().orElseThrow().write(bytes("out "));
            streams.stdout().orElseThrow().close();
            streams.stderr().orElseThrow().write(bytes("err"));
        }
        assertThat(file).hasContent("before out err");
        assertThat(refusal(output(root.path().toString(), ""), soon()).code())
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @Test
    void createsALogFileWithItsFolders() throws Exception {
        Path file = root.resolve("a/b/log");
        String uri = "file://" + file;
        for (int run = 0; run < 2; run++) {
            try (TaskStreams streams = open(output(uri, uri))) {
                streams.stderr().orElseThrow().write(bytes("e"));
                streams.stderr().orElseThrow().close();
                streams.stdout().orElseThrow().write(bytes("o"));
            }
        }
        assertThat(file).hasContent("eoeo");
        assertThat(Files.getPosixFilePermissions(file))
                .isEqualTo(PosixFilePermissions.fromString("rw-r--r--"));
    }

    @Test
    void saysWhyALogFileCannotBeCreated() throws Exception {
        Files.writeString(root.resolve("file"), "");
        Fault fault = refusal(output("file://" + root.resolve("file/log"), ""), soon());
        assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
    }

    @Test
    void aTerminalHasOneOutput() throws Exception {
        Path out = fifo("out");
        Stdio stdio = new Stdio("", out.toString(), root.resolve("gone").toString(), true);
        try (InputStream _ = reader(out);
                TaskStreams streams = open(stdio)) {
            assertThat(streams.stdout()).isPresent();
            assertThat(streams.stderr()).isEmpty();
        }
    }

    @Test
    void aFailureHalfWayLeavesNothingOpen() throws Exception {
        Path in = fifo("in");
        Path out = fifo("out");
        try (InputStream reader = reader(out)) {
            Stdio stdio =
                    new Stdio(
                            in.toString(), out.toString(), root.resolve("gone").toString(), false);
            assertThat(refusal(stdio, soon()).code()).isEqualTo(FaultCode.NOT_FOUND);
            assertThat(read(reader)).isEqualTo("the end");
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> writer(in).close())
                    .satisfies(e -> assertThat(e.errno()).isEqualTo(Errno.ENXIO));
        }
    }

    @Test
    void aReaderThatReturnsFindsWhatWasWrittenMeanwhile() throws Exception {
        Path out = fifo("out");
        InputStream first = reader(out);
        try (TaskStreams streams = open(output(out.toString(), ""))) {
            OutputStream stdout = streams.stdout().orElseThrow();
            stdout.write(bytes("one"));
            assertThat(read(first)).isEqualTo("one");
            first.close();
            stdout.write(bytes("two"));
            try (InputStream second = reader(out)) {
                assertThat(read(second)).isEqualTo("two");
            }
        }
    }

    @Test
    void aFullFifoHoldsItsWriterUntilItIsInterruptedOrClosed() throws Exception {
        Path out = fifo("out");
        try (InputStream first = reader(out);
                TaskStreams streams = open(output(out.toString(), ""))) {
            first.close();
            OutputStream stdout = streams.stdout().orElseThrow();
            stdout.write(new byte[FIFO_BYTES]);
            Parked<Boolean> interrupted = Parked.in(() -> write(stdout));
            interrupted.thread().interrupt();
            assertThat(interrupted.failure()).isInstanceOf(InterruptedIOException.class);

            Parked<Boolean> closed = Parked.in(() -> write(stdout));
            streams.close();
            assertThat(closed.failure()).isInstanceOf(IOException.class);
        }
    }

    private static boolean write(OutputStream out) throws IOException {
        out.write(1);
        return true;
    }

    @Test
    void inputOutlivesItsWriterAndEndsWhenItIsClosed() throws Exception {
        Path in = fifo("in");
        try (TaskStreams streams = open(new Stdio(in.toString(), "", "", false))) {
            InputStream stdin = streams.stdin().orElseThrow();
            try (Fd writer = writer(in)) {
                writer.writeFully(bytes("one"));
            }
            assertThat(read(stdin)).isEqualTo("one");
            Parked<String> waiting = Parked.in(() -> read(stdin));
            try (Fd writer = writer(in)) {
                writer.writeFully(bytes("two"));
                assertThat(waiting.result()).isEqualTo("two");
                writer.writeFully(bytes("three"));
                streams.closeInput();
                assertThat(read(stdin)).isEqualTo("three");
                assertThat(read(stdin)).as("its writer is still there").isEqualTo("the end");
                streams.closeInput();
            }
        }
    }

    @Test
    void closingInputWakesWhoReadsIt() throws Exception {
        Path in = fifo("in");
        try (TaskStreams streams = open(new Stdio(in.toString(), "", "", false));
                Fd _ = writer(in)) {
            InputStream stdin = streams.stdin().orElseThrow();
            Parked<Integer> waiting = Parked.in(stdin::read);
            streams.closeInput();
            assertThat(waiting.result()).isEqualTo(-1);
        }
        try (TaskStreams streams = open(new Stdio(in.toString(), "", "", false))) {
            InputStream stdin = streams.stdin().orElseThrow();
            Parked<Integer> waiting = Parked.in(stdin::read);
            streams.close();
            assertThat(waiting.failure()).isInstanceOf(IOException.class);
        }
    }

    @Test
    void aHundredTasksStreamAtOnce() throws Exception {
        int tasks = 100;
        List<String> names = new ArrayList<>(List.of("mkfifo"));
        for (int i = 0; i < tasks; i++) {
            names.add(root.resolve("in" + i).toString());
            names.add(root.resolve("out" + i).toString());
        }
        CommandRun.of(names).run(soon());
        try (TaskScope scope = new TaskScope("tasks")) {
            for (int i = 0; i < tasks; i++) {
                Path in = root.resolve("in" + i);
                Path out = root.resolve("out" + i);
                byte[] data = new byte[100_000 + i];
                scope.fork("task " + i, () -> echo(in, out));
                scope.fork("client " + i, () -> client(in, out, data));
            }
            scope.join();
        }
    }

    /** A process that writes what it reads. */
    private static boolean echo(Path in, Path out) throws Exception {
        try (TaskStreams streams = open(new Stdio(in.toString(), out.toString(), "", false));
                InputStream stdin = streams.stdin().orElseThrow()) {
            byte[] first = stdin.readNBytes(1); // until then its input is not to be closed
            streams.stdout().orElseThrow().write(first);
            byte[] buffer = new byte[10_000];
            for (int n = stdin.read(buffer); buffer[0] != 'Q'; n = stdin.read(buffer)) {
                streams.stdout().orElseThrow().write(buffer, 0, n);
            }
            streams.closeInput();
            assertThat(stdin.readAllBytes()).isEmpty();
            return true;
        }
    }

    private static boolean client(Path in, Path out, byte[] data) throws Exception {
        try (WaitingFd reader = WaitingFd.toRead(Fd.open(out, Fd.O_RDONLY | Fd.O_NONBLOCK));
                Fd end = awaitReader(in);
                OutputStream writer = WaitingFd.toWrite(end).output();
                TaskScope scope = new TaskScope("client")) {
            TaskScope.Subtask<byte[]> echoed =
                    scope.fork(
                            "reader",
                            () -> {
                                reader.await(soon()); // silent until there is a writer
                                return reader.input().readNBytes(data.length);
                            });
            writer.write(data);
            scope.join();
            assertThat(Arrays.equals(echoed.result(), data)).isTrue();
            writer.write('Q');
            assertThat(reader.input().read()).isEqualTo(-1);
            return true;
        }
    }

    private static Fd awaitReader(Path fifo) throws Exception {
        while (true) {
            try {
                return writer(fifo);
            } catch (ErrnoException e) {
                assertThat(e.errno()).isEqualTo(Errno.ENXIO);
                Thread.sleep(1);
            }
        }
    }
}
