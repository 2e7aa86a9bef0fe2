// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import com.google.protobuf.ByteString;
import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.Terminal;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The standard streams of one process: three pipes, or one terminal.
 *
 * <p>Pipes stay readable after the process has ended, until the end of their data was read or they
 * are closed. A full pipe stops the process that writes to it and nobody else.
 */
final class ProcessIo implements AutoCloseable {
    private final ProcessInput in;
    private final ProcessOutput out;
    private final @Nullable ProcessOutput err;

    /** A terminal is read and written through one descriptor. */
    private final @Nullable Stream terminal;

    /** To whom the end of a stream was told, so that asking again is an error. */
    private @Nullable Object toldEndOfOut; // guarded by this

    private @Nullable Object toldEndOfErr; // guarded by this

    private ProcessIo(
            ProcessInput in,
            ProcessOutput out,
            @Nullable ProcessOutput err,
            @Nullable Stream terminal) {
        this.in = in;
        this.out = out;
        this.err = err;
        this.terminal = terminal;
    }

    /** The process's own ends of its pipes, to be closed when it has got them. */
    record Pipes(Fd stdin, Fd stdout, Fd stderr, ProcessIo agentSide) {}

    /** {@return three new pipes} */
    static Pipes pipes(Signal ended) throws ErrnoException {
        try (Closer undo = new Closer()) {
            Pipe in = undo.own(Pipe.create());
            Pipe out = undo.own(Pipe.create());
            Pipe err = undo.own(Pipe.create());
            ProcessIo io =
                    new ProcessIo(
                            new ProcessInput(new Stream(in.write(), ended)),
                            new ProcessOutput(new Stream(out.read(), ended)),
                            new ProcessOutput(new Stream(err.read(), ended)),
                            null);
            Pipes pipes = new Pipes(in.read(), out.write(), err.write(), io);
            undo.release();
            return pipes;
        }
    }

    /** {@return the streams of a process behind a terminal, whose master side this takes over} */
    static ProcessIo terminal(Fd master, Signal ended) throws ErrnoException {
        Stream stream = new Stream(master, ended);
        return new ProcessIo(new ProcessInput(stream), new ProcessOutput(stream), null, stream);
    }

    /**
     * Reads standard output, or with {@code fromErr} standard error, which a terminal does not
     * have.
     *
     * <p>The end of the stream is told by an answer without data, once to each asker; another read
     * by the same one fails. So clients that take no data for the end and those that read until an
     * error (Kata's runtimes) both stop.
     *
     * @param asker the connection
     * @throws Fault OUT_OF_RANGE, with the message "EOF", if the end was told before
     */
    ByteString read(boolean fromErr, int most, Object asker, Signal gone)
            throws ErrnoException, InterruptedException {
        ProcessOutput output = fromErr ? err : out;
        ByteString data = output == null ? ByteString.EMPTY : output.read(most, gone);
        if (data.isEmpty()) {
            tellEnd(fromErr, asker);
        }
        return data;
    }

    /**
     * {@return what an output, standard error with {@code fromErr}, has to be asked for by offset}
     * A terminal has no standard error: its end is at 0.
     */
    Optional<ProcessOutput> output(boolean fromErr) {
        return Optional.ofNullable(fromErr ? err : out);
    }

    /** {@return what input is written to by offset} */
    ProcessInput input() {
        return in;
    }

    @SuppressWarnings("ReferenceEquality") // which connection it is counts, not what it equals
    private synchronized void tellEnd(boolean ofErr, Object asker) {
        if ((ofErr ? toldEndOfErr : toldEndOfOut) == asker) {
            throw Fault.of(FaultCode.OUT_OF_RANGE, "EOF");
        }
        if (ofErr) {
            toldEndOfErr = asker;
        } else {
            toldEndOfOut = asker;
        }
    }

    /** Writes standard input, see {@link ProcessInput#write}. */
    int write(byte[] data, Signal gone) throws ErrnoException {
        return in.write(data, gone);
    }

    /** Ends standard input. A terminal has no such end: a program there reads the key instead. */
    void closeStdin() {
        if (terminal == null) {
            in.close();
        }
    }

    /**
     * Changes the terminal's size.
     *
     * @throws Fault FAILED_PRECONDITION if there is no terminal
     */
    void resize(int rows, int columns) throws ErrnoException {
        Optional<Fd> fd = terminal == null ? Optional.empty() : terminal.shared().acquire();
        if (terminal == null || fd.isEmpty()) {
            throw Fault.failedPrecondition("the process has no terminal");
        }
        try {
            Terminal.resize(fd.get(), new Terminal.Size(rows, columns));
        } finally {
            terminal.shared().release();
        }
    }

    @Override
    public void close() {
        in.close();
        out.close();
        if (err != null) {
            err.close();
        }
    }
}
