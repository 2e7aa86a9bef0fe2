// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import io.bunkai.base.Deadline;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A named point in the life of another process, at which a test steps in: the process is held there
 * until the test has let die whom it wants to die.
 *
 * <p>The process under test is told the point and a socket. When it comes there it connects, writes
 * the name of the point, ends its output, and waits for the test to close the connection. A test
 * that closes a gate which nobody has come to fails: it has proven nothing. Used by one thread.
 */
public final class FaultGate implements AutoCloseable {
    private final String point;
    private final TestRoot root = TestRoot.create();
    private final ServerSocketChannel socket;
    private final CompletableFuture<SocketChannel> arrival = new CompletableFuture<>();

    private FaultGate(String point, ServerSocketChannel socket) {
        this.point = point;
        this.socket = socket;
    }

    /** {@return a gate at the point of this name; the process has yet to be told of it} */
    public static FaultGate at(String point) {
        try {
            FaultGate gate =
                    new FaultGate(point, ServerSocketChannel.open(StandardProtocolFamily.UNIX));
            gate.socket.bind(UnixDomainSocketAddress.of(gate.path()));
            Thread.ofVirtual().name("gate at " + point).start(gate::accept);
            return gate;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path path() {
        return root.resolve("gate.sock");
    }

    /** {@return what the process under test is told: {@code POINT@SOCKET}} */
    public String address() {
        return point + "@" + path();
    }

    private void accept() {
        try {
            SocketChannel held = socket.accept();
            String name = readName(held);
            if (name.equals(point)) {
                arrival.complete(held);
            } else {
                held.close();
                arrival.completeExceptionally(
                        new AssertionError("held at " + name + " and not at " + point));
            }
        } catch (IOException e) {
            arrival.completeExceptionally(e); // the gate has been closed
        }
    }

    private static String readName(SocketChannel held) throws IOException {
        ByteBuffer name = ByteBuffer.allocate(256);
        while (held.read(name) > 0) {
            // until the end of it
        }
        return new String(name.array(), 0, name.position(), StandardCharsets.UTF_8);
    }

    /**
     * Waits until the process is held here.
     *
     * @throws AssertionError if it does not come in time
     */
    public void awaitReached(Deadline deadline) {
        try {
            arrival.get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw neverReached();
        } catch (ExecutionException e) {
            throw new AssertionError("the gate at " + point + " is broken", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted at the gate at " + point, e);
        }
    }

    /** {@return whether the process has come here} */
    public boolean isReached() {
        return arrival.isDone() && !arrival.isCompletedExceptionally();
    }

    private AssertionError neverReached() {
        return new AssertionError(
                "the point " + point + " was never reached: this test has proven nothing");
    }

    /**
     * Lets the process go on, if it still lives. Idempotent.
     *
     * @throws AssertionError if it has not come here
     */
    public void letGo() {
        if (!isReached()) {
            throw neverReached();
        }
        try {
            arrival.join().close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Lets the process go on, and ends the gate.
     *
     * @throws AssertionError if nobody has come here
     */
    @Override
    public void close() {
        try (root;
                socket) {
            letGo();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
