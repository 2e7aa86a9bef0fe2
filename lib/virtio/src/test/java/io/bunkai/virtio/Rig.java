// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Closer;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A front-end with memory and a back-end with a device, over a pair of sockets. */
final class Rig implements AutoCloseable {
    static final long GUEST = 0x4000_0000L;
    static final long BYTES = 16L << 20;
    static final int RING_SPACE = 64 * 1024;
    static final int ALL_QUEUES = 4;

    /** Where buffers may be: behind the rings. */
    static final long BUFFERS = GUEST + (long) RING_SPACE * ALL_QUEUES;

    static final int MESSAGE = 32;

    final TestDevice device;
    final FrontEndMemory memory;
    final VhostUserFrontEnd frontEnd;
    final VhostUserSession session;
    final CompletableFuture<Void> served = new CompletableFuture<>();
    private final Closer all = new Closer();
    private final List<DriverQueue> queues = new ArrayList<>();
    long features;

    Rig(TestDevice device) throws IOException {
        this(device, Duration.ofSeconds(2));
    }

    Rig(TestDevice device, Duration drain) throws IOException {
        this.device = device;
        memory = all.own(FrontEndMemory.create(GUEST, BYTES));
        UnixSockets.Pair pair = UnixSockets.pair();
        frontEnd = all.own(new VhostUserFrontEnd(pair.one()));
        session = new VhostUserSession(pair.other(), device, drain, true);
        Thread.ofPlatform().name("session").start(this::serve);
    }

    /** A rig in which everything that is offered is agreed on and the memory is shared. */
    static Rig connected(TestDevice device) throws IOException {
        Rig rig = new Rig(device);
        rig.connect(~0L, ~0L);
        return rig;
    }

    void connect(long wanted, long wantedOfProtocol) throws IOException {
        features = frontEnd.negotiate(wanted, wantedOfProtocol);
        frontEnd.share(List.of(memory));
    }

    private void serve() {
        Throwable failure = null;
        try (session) {
            session.serve();
        } catch (IOException | RuntimeException | Error e) {
            failure = e;
        }
        if (failure == null) {
            served.complete(null);
        } else {
            served.completeExceptionally(failure);
        }
    }

    /** A new queue, its ring at its place in the memory, that the back-end serves. */
    DriverQueue start(int index, int size) throws IOException {
        DriverQueue queue = queue(index, size);
        frontEnd.start(index, queue);
        return queue;
    }

    DriverQueue queue(int index, int size) throws IOException {
        DriverQueue queue =
                all.own(new DriverQueue(memory, (long) RING_SPACE * index, size, features));
        queues.add(queue);
        return queue;
    }

    /** Sends one message through a queue and checks that it comes back. */
    void echo(DriverQueue queue, String text) throws IOException {
        long request = BUFFERS + 2L * MESSAGE * queues.indexOf(queue);
        long answer = request + MESSAGE;
        put(request, text);
        queue.begin();
        queue.readable(request, text.length());
        queue.writable(answer, MESSAGE);
        int chain = queue.end();
        queue.submit();
        assertThat(queue.await(10_000)).as("an answer to " + text).isTrue();
        assertThat(queue.take()).isEqualTo(chain);
        assertThat(queue.written()).isEqualTo(text.length());
        assertThat(get(answer, text.length())).isEqualTo(text);
    }

    void put(long guestAddress, String text) {
        byte[] bytes = text.getBytes(US_ASCII);
        MemorySegment.copy(
                bytes, 0, memory.bytes(), ValueLayout.JAVA_BYTE, at(guestAddress), bytes.length);
    }

    String get(long guestAddress, int length) {
        byte[] bytes = new byte[length];
        MemorySegment.copy(
                memory.bytes(), ValueLayout.JAVA_BYTE, at(guestAddress), bytes, 0, length);
        return new String(bytes, US_ASCII);
    }

    static long at(long guestAddress) {
        return guestAddress - GUEST;
    }

    @Override
    public void close() {
        frontEnd.close();
        served.handle((_, _) -> 0).join(); // how it ended is for tests that want to know
        all.close();
    }
}
