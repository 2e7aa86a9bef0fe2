// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * One input of a fuzzer: messages of a hostile kernel, and what must hold whatever they are. Plain
 * Java, so that it can be called by any fuzzer and by a test with inputs that were kept.
 *
 * <p>An input is a row of messages. Each has a byte that says how much room its reply has, one that
 * says into how many pieces it is cut, two with its length, and its bytes. {@code len} in the
 * header is put right unless the pieces are odd, since a fuzzer would seldom guess it.
 */
public final class FuseMessageFuzzer {
    private static final List<Integer> ROOMS = List.of(0, 8, 16, 120, 144, 160, 4096, 70000);
    private static final Set<InitFlag> WANTED =
            Set.of(
                    InitFlag.MAX_PAGES,
                    InitFlag.SETXATTR_EXT,
                    InitFlag.SECURITY_CTX,
                    InitFlag.CREATE_SUPP_GROUP,
                    InitFlag.EXPORT_SUPPORT,
                    InitFlag.DO_READDIRPLUS);

    private FuseMessageFuzzer() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] input) {
        MemoryFileSystem files = new MemoryFileSystem();
        FuseServer server = new FuseServer(files, InitOptions.wanting(WANTED));
        serve(server, Messages.init(WANTED.toArray(InitFlag[]::new)), 4096, 1);
        int at = 0;
        while (at + 4 <= input.length) {
            int room = ROOMS.get((input[at] & 0xff) % ROOMS.size());
            int pieces = input[at + 1] & 0xff;
            int length = (input[at + 2] & 0xff) | (input[at + 3] & 0xff) << 8;
            byte[] message =
                    Arrays.copyOfRange(input, at + 4, Math.min(input.length, at + 4 + length));
            if (pieces % 2 == 0 && message.length >= 4) {
                MemorySegment.ofArray(message).set(Wire.LE32, 0, message.length);
            }
            checkDecoding(message);
            serve(server, message, room, pieces);
            at += 4 + message.length;
        }
        check(server.failed() == 0, "the file system failed");
        check(files.lookups(RequestHeader.ROOT) >= 0, "the root is gone");
    }

    /** A message is a record or is refused; whichever, it is so twice, and keeps its promises. */
    private static void checkDecoding(byte[] message) {
        for (Agreement agreement :
                List.of(
                        Messages.agreement(),
                        Messages.agreement(WANTED.toArray(InitFlag[]::new)))) {
            try {
                FuseRequest request = FuseRequest.decode(Messages.ranges(message), agreement);
                checkPromises(request);
                if (!(request instanceof FuseRequest.Write
                        || request instanceof FuseRequest.NotifyReply)) {
                    FuseRequest again = FuseRequest.decode(Messages.ranges(message), agreement);
                    check(request.equals(again), "decoded twice, and not the same");
                }
            } catch (FuseProtocolException e) {
                check(e.errno() > 0 && e.errno() < 512, "an errno that is none");
            }
        }
    }

    private static void checkPromises(FuseRequest request) {
        switch (request) {
            case FuseRequest.Read read -> {
                check(read.size() >= 0 && read.offset() >= 0, "a negative read");
                check(read.offset() + read.size() >= 0, "a read beyond 63 bits");
            }
            case FuseRequest.Write write -> {
                check(write.size() >= 0 && write.size() <= 1 << 20, "a write too large");
                check(write.data().bytes() == write.size(), "a write of other data");
                check(write.offset() >= 0, "a negative write");
            }
            case FuseRequest.Forget forget -> check(forget.count() >= 0, "a negative count");
            case FuseRequest.BatchForget batch ->
                    batch.items().forEach(item -> check(item.count() >= 0, "a negative count"));
            case FuseRequest.Unlink unlink -> check(!unlink.name().isDots(), "dots");
            case FuseRequest.Mkdir mkdir -> check(!mkdir.name().isDots(), "dots");
            case FuseRequest.Rename rename ->
                    check(!rename.name().isDots() && !rename.newName().isDots(), "dots");
            default -> {} // names cannot be made otherwise than right
        }
    }

    private static void serve(FuseServer server, byte[] message, int room, int pieces) {
        byte[] memory = new byte[room + 8];
        int[] result = {0, 0};
        FuseExchange exchange =
                new FuseExchange((_, length) -> {
                    result[0]++;
                    result[1] = length;
                });
        cut(exchange.request(), message, message.length, pieces);
        cut(exchange.reply(), memory, room, pieces);
        server.serve(exchange);
        int length = result[1];
        check(result[0] == 1, "not completed exactly once");
        check(length == 0 || (length >= 16 && length <= room), "a reply of a wrong size");
        if (length > 0) {
            MemorySegment reply = MemorySegment.ofArray(memory);
            int error = reply.get(Wire.LE32, 4);
            check(reply.get(Wire.LE32, 0) == length, "a reply that does not know its length");
            check(error <= 0 && error > -512, "an error that the kernel does not take");
            check(error == 0 || length == 16, "an error with a body");
        }
        for (int i = room; i < memory.length; i++) {
            check(memory[i] == 0, "written behind the reply");
        }
    }

    private static void cut(Ranges ranges, byte[] memory, int length, int pieces) {
        MemorySegment segment = MemorySegment.ofArray(memory);
        int size = Math.max(1, length / (1 + pieces / 2));
        for (int at = 0; at < length; at += size) {
            ranges.add(segment, at, Math.min(size, length - at));
        }
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
