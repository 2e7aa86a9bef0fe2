// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import com.google.protobuf.ByteString;
import io.bunkai.api.agent.Process;
import io.bunkai.api.guest.ReadOutputResponse;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Signals;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.BooleanSupplier;

/** A process in a {@link ScriptedAgent}: what it does is a program of the test. */
public final class ScriptedProcess {
    /** What a pipe of Linux holds. */
    public static final int PIPE_BYTES = 64 * 1024;

    private final String id;
    private final Process description;
    private final FakePipe stdout = new FakePipe();
    private final FakePipe stderr = new FakePipe();
    private final ByteArrayOutputStream stdin = new ByteArrayOutputStream(); // guarded by itself
    private boolean stdinClosed; // guarded by stdin
    private final BlockingQueue<Integer> signals = new LinkedBlockingQueue<>();
    private final CompletableFuture<Integer> exit = new CompletableFuture<>();
    private volatile boolean ignoresTerm;
    private volatile int rows;
    private volatile int columns;

    /** What a process does, on a thread of its own. */
    @FunctionalInterface
    public interface Program {
        /** Plays the process. It ends when {@link #exit} is called, not when this returns. */
        void run(ScriptedProcess process) throws Exception;
    }

    ScriptedProcess(String id, Process description) {
        this.id = id;
        this.description = description;
    }

    /** {@return its exec id} */
    public String id() {
        return id;
    }

    /** {@return as it was asked for} */
    public Process description() {
        return description;
    }

    /** Writes standard output; waits while the pipe is full. */
    public void print(String text) throws InterruptedException {
        stdout.write(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Writes standard output; waits while the pipe is full. */
    public void print(byte[] data) throws InterruptedException {
        stdout.write(data);
    }

    /** Writes standard error; waits while the pipe is full. */
    public void complain(String text) throws InterruptedException {
        stderr.write(text.getBytes(StandardCharsets.UTF_8));
    }

    /** {@return how much of its output nobody has read} */
    public int unread() {
        return stdout.size();
    }

    /** Ends the process and both its outputs. */
    public void exit(int status) {
        stdout.end();
        stderr.end();
        exit.complete(status);
    }

    /** Ends the process and leaves its outputs to a child, which stays. */
    public void exitLeavingAChild(int status) {
        exit.complete(status);
    }

    /** SIGTERM does nothing to it. */
    public void ignoreTerm() {
        ignoresTerm = true;
    }

    /** {@return the next signal that it got} */
    public int awaitSignal() throws InterruptedException {
        return signals.take();
    }

    /** {@return all of its standard input, after its end} */
    public byte[] readStdin() throws InterruptedException {
        synchronized (stdin) {
            while (!stdinClosed && !exit.isDone()) {
                stdin.wait();
            }
            return stdin.toByteArray();
        }
    }

    /** {@return how large its terminal is, as {@code rows x columns}} */
    public String terminalSize() {
        return rows + "x" + columns;
    }

    /** {@return completed with its status once it has ended} */
    public CompletableFuture<Integer> end() {
        return exit;
    }

    FakePipe output(boolean ofError) {
        return ofError ? stderr : stdout;
    }

    void input(byte[] data) {
        synchronized (stdin) {
            stdin.writeBytes(data);
            stdin.notifyAll();
        }
    }

    /** {@return where input goes on, after what of this is new} */
    long inputAt(long offset, byte[] data) {
        synchronized (stdin) {
            int skip = (int) (stdin.size() - offset);
            if (data.length > 0 && skip < 0) {
                throw Fault.of(FaultCode.OUT_OF_RANGE, "input goes on at %d", stdin.size());
            }
            if (skip < data.length) {
                stdin.write(data, skip, data.length - skip);
                stdin.notifyAll();
            }
            return stdin.size();
        }
    }

    void endInput() {
        synchronized (stdin) {
            stdinClosed = true;
            stdin.notifyAll();
        }
    }

    void resize(int newRows, int newColumns) {
        rows = newRows;
        columns = newColumns;
    }

    void signal(int number) {
        signals.add(number);
        if (number == Signals.SIGKILL || (number == Signals.SIGTERM && !ignoresTerm)) {
            exit(128 + number);
        }
    }

    /** A pipe whose reader can be told to give up. */
    static final class FakePipe {
        private final ByteArrayOutputStream content = new ByteArrayOutputStream();
        private boolean ended;
        private byte[] kept = new byte[0]; // handed out and not acknowledged
        private long keptFrom;

        synchronized void write(byte[] data) throws InterruptedException {
            int done = 0;
            while (done < data.length) {
                while (content.size() >= PIPE_BYTES && !ended) {
                    wait();
                }
                if (ended) {
                    return;
                }
                int count = Math.min(data.length - done, PIPE_BYTES - content.size());
                content.write(data, done, count);
                done += count;
                notifyAll();
            }
        }

        /** {@return the next bytes, none at the end} Fails if the asker has gone. */
        synchronized byte[] read(int most, BooleanSupplier gone) throws InterruptedException {
            while (content.size() == 0 && !ended && !gone.getAsBoolean()) {
                wait();
            }
            if (gone.getAsBoolean()) {
                throw new InterruptedException("the asker has gone");
            }
            byte[] all = content.toByteArray();
            int count = Math.min(most, all.length);
            content.reset();
            content.write(all, count, all.length - count);
            notifyAll();
            return Arrays.copyOf(all, count);
        }

        /** The same by offset, negative for the oldest byte; keeps what it hands out. */
        synchronized ReadOutputResponse readAt(long offset, int most, BooleanSupplier gone)
                throws InterruptedException {
            long from = offset < 0 ? keptFrom : offset;
            if (from < keptFrom || from > keptFrom + kept.length) {
                throw Fault.of(FaultCode.OUT_OF_RANGE, "output is kept from %d", keptFrom);
            }
            kept = Arrays.copyOfRange(kept, (int) (from - keptFrom), kept.length);
            keptFrom = from;
            while (kept.length == 0 && content.size() == 0 && !ended) {
                if (gone.getAsBoolean()) {
                    throw new InterruptedException("the asker has gone");
                }
                wait(); // meanwhile another one may have been handed something
            }
            if (kept.length == 0) {
                kept = read(most, gone);
            }
            return ReadOutputResponse.newBuilder()
                    .setOffset(keptFrom)
                    .setData(ByteString.copyFrom(kept))
                    .setEnd(kept.length == 0)
                    .build();
        }

        synchronized void end() {
            ended = true;
            notifyAll();
        }

        synchronized void wake() {
            notifyAll();
        }

        synchronized int size() {
            return content.size();
        }
    }
}
