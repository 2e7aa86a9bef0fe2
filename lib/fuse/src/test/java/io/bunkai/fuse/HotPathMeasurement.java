// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import static io.bunkai.fuse.Messages.bytes;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Set;

/**
 * What a request costs between transport and file system: time and allocation, with and without
 * records. A program, not a test; its figures stand in the README.
 */
public final class HotPathMeasurement {
    private static final int WARM = 300_000;
    private static final int ROUNDS = 3_000_000;
    private static final int DATA = 4096;

    private interface Step {
        void run() throws FuseProtocolException;
    }

    /** Answers at once, from one set of attributes. */
    private static final class Answering implements FileSystem {
        private final FileAttributes attributes = new FileAttributes().inode(7).mode(0100644);

        @Override
        public void lookup(RequestView.Lookup request, Reply.Entry reply) {
            long node = request.node() + request.nameLength();
            reply.entry(node, 0, 1_000_000_000, 1_000_000_000, attributes);
        }

        @Override
        public void getattr(RequestView.Getattr request, Reply.Attributes reply) {
            reply.attributes(1_000_000_000, attributes.size(request.handle()));
        }

        @Override
        public void read(RequestView.Read request, Reply.Data reply) {
            Ranges space = reply.space();
            reply.data((int) Math.min(space.bytes(), request.size()));
        }

        @Override
        public void write(RequestView.Write request, Reply.Written reply) {
            reply.written((int) request.data().bytes());
        }
    }

    private HotPathMeasurement() {}

    public static void main(String[] arguments) throws FuseProtocolException {
        byte[] read = bytes(5L, 4096L, DATA, 0, 0L, 0, 0);
        byte[] write = bytes(read, new byte[DATA]);
        measure("GETATTR", Messages.request(Opcode.GETATTR, bytes(0, 0, 0L)));
        measure("LOOKUP", Messages.request(Opcode.LOOKUP, bytes("some-file-name")));
        measure("READ", Messages.request(Opcode.READ, read));
        measure("WRITE", Messages.request(Opcode.WRITE, write));
    }

    private static void measure(String name, byte[] bytes) throws FuseProtocolException {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment message = arena.allocate(bytes.length, 8);
            MemorySegment.copy(bytes, 0, message, Wire.BYTE, 0, bytes.length);
            MemorySegment answer = arena.allocate(16 + 2 * DATA, 8);
            Agreement agreement = Messages.agreement();
            RequestView view = new RequestView(arena);
            Ranges ranges = new Ranges();
            report(
                    name + " decode, view",
                    () -> {
                        fill(ranges, message);
                        view.decode(ranges, agreement);
                    });
            report(
                    name + " decode, record",
                    () -> {
                        fill(ranges, message);
                        view.decode(ranges, agreement);
                        sink = FuseRequest.of(view);
                    });
            FuseServer server =
                    new FuseServer(
                            new Answering(), InitOptions.wanting(Set.of(InitFlag.MAX_PAGES)));
            FuseExchange exchange = new FuseExchange(arena, (_, length) -> lengths += length);
            exchange.request()
                    .add(MemorySegment.ofArray(Messages.init(InitFlag.MAX_PAGES)), 0, 104);
            exchange.reply().add(answer, 0, answer.byteSize());
            server.serve(exchange);
            report(
                    name + " served",
                    () -> {
                        fill(exchange.request(), message);
                        exchange.reply().clear();
                        exchange.reply().add(answer, 0, 16);
                        exchange.reply().add(answer, 16, answer.byteSize() - 16);
                        server.serve(exchange);
                    });
        }
    }

    /** As a chain of virtio-fs comes: header, arguments, data. */
    private static void fill(Ranges ranges, MemorySegment message) {
        ranges.clear();
        ranges.add(message, 0, 40);
        long arguments = Math.min(40, message.byteSize() - 40);
        ranges.add(message, 40, arguments);
        ranges.add(message, 40 + arguments, message.byteSize() - 40 - arguments);
    }

    @SuppressWarnings("UnusedVariable") // so that the work is not left out
    private static Object sink = "";

    private static long lengths;

    private static void report(String what, Step step) throws FuseProtocolException {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long id = Thread.currentThread().threadId();
        for (int i = 0; i < WARM; i++) {
            step.run();
        }
        double best = Double.MAX_VALUE;
        double allocated = 0;
        for (int round = 0; round < 3; round++) {
            long bytes = threads.getThreadAllocatedBytes(id);
            long start = threads.getCurrentThreadCpuTime();
            for (int i = 0; i < ROUNDS; i++) {
                step.run();
            }
            best = Math.min(best, (threads.getCurrentThreadCpuTime() - start) / (double) ROUNDS);
            allocated = (threads.getThreadAllocatedBytes(id) - bytes) / (double) ROUNDS;
        }
        System.out.printf("%-24s %6.1f ns CPU  %7.2f bytes%n", what, best, allocated);
    }
}
