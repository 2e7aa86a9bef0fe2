// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * A program of its own, since a virtual machine's number of carriers is fixed when it starts: many
 * virtual threads wait for pipes, and the last of them writes to all.
 */
final class OneCarrier {
    private static final int WAITERS = 200;

    private OneCarrier() {}

    public static void main(String[] args) throws Exception {
        CountDownLatch done = new CountDownLatch(WAITERS);
        List<Pipe> pipes = new ArrayList<>();
        for (int i = 0; i < WAITERS; i++) {
            Pipe pipe = Pipe.create();
            pipes.add(pipe);
            WaitingFd in = WaitingFd.toRead(pipe.read());
            Thread.ofVirtual().start(() -> awaitByte(in, done));
        }
        // With one carrier this one runs when all others have parked.
        Thread.ofVirtual().start(() -> pipes.forEach(OneCarrier::writeByte));
        done.await();
        System.out.println(WAITERS + " woke");
    }

    private static void awaitByte(WaitingFd in, CountDownLatch done) {
        try (in) {
            if (in.read(new byte[1], 0, 1) == 1) {
                done.countDown();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void writeByte(Pipe pipe) {
        try (Fd out = pipe.write()) {
            out.writeFully(new byte[] {1});
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
