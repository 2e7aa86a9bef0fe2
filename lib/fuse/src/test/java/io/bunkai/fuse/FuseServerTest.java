// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import static io.bunkai.fuse.Messages.bytes;
import static io.bunkai.testkit.Hex.hex;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class FuseServerTest {
    private final MemoryFileSystem memory = new MemoryFileSystem();
    private final Peer peer = new Peer(memory);

    // --- INIT and DESTROY ---

    @Test
    void answersAnInitWithBothWordsOfFlags() {
        Peer security =
                new Peer(
                        memory,
                        new InitOptions(
                                Set.of(InitFlag.MAX_PAGES, InitFlag.SECURITY_CTX),
                                Set.of(),
                                1 << 20,
                                65536,
                                1,
                                12,
                                9,
                                0,
                                0));

        assertThat(security.send(Messages.init(InitFlag.MAX_PAGES, InitFlag.SECURITY_CTX)))
                .isEqualTo(
                        hex(
                                """
                                50000000 00000000 0900000000000000  // len=80, error=0, unique=9
                                07000000 2d000000                   // major=7, minor=45
                                00000100 00004040                   // max_readahead=64 KiB, flags
                                0c00 0900 00001000                  // background, threshold, 1 MiB
                                01000000 0001 0000                  // time_gran=1, 256 pages, -
                                01000000 00000000                   // flags2, max_stack_depth
                                0000                                // request_timeout
                                00000000000000000000 000000000000000000000000 // unused
                                """));
        assertThat(memory.agreement()).isEqualTo(security.server.agreement().orElseThrow());
    }

    @Test
    void tellsItsVersionToANewerKernelAndWaitsForAnotherInit() {
        byte[] reply = peer.send(Messages.request(Opcode.INIT, bytes(8, 0, 0, 0, 0, new byte[44])));

        assertThat(reply).startsWith(hex("50000000 00000000 0900000000000000 07000000 2d000000"));
        assertThat(peer.server.agreement()).isEmpty();
        assertThat(peer.error(getattr(1))).isEqualTo(Errno.EIO);
    }

    @Test
    void refusesAnOlderKernel() {
        assertThat(peer.error(Messages.request(Opcode.INIT, bytes(7, 22, 0, 0)))).isEqualTo(71);
        assertThat(peer.server.agreement()).isEmpty();
    }

    @Test
    void servesNothingBeforeAnInitAndNothingAfterDestroy() {
        assertThat(peer.error(getattr(1))).isEqualTo(Errno.EIO);
        peer.init();
        assertThat(peer.error(getattr(1))).isZero();
        assertThat(peer.error(Messages.request(Opcode.DESTROY, new byte[0]))).isZero();
        assertThat(peer.error(getattr(1))).isEqualTo(Errno.EIO);
        assertThat(memory.agreement()).isNull();
    }

    @Test
    void takesASecondInitForAPeerThatHasRestarted() {
        peer.init();
        assertThat(peer.error(create("f"))).isZero();
        assertThat(memory.handleCount()).isOne();

        peer.init();

        assertThat(memory.handleCount()).isZero();
        assertThat(memory.lookups(2)).isZero();
        assertThat(peer.error(getattr(1))).isZero();
    }

    @Test
    void tellsAPeerOfTheOtherByteOrderThatThisLeadsNowhere() {
        assertThat(peer.error(Messages.request(Opcode.INIT_BYTE_SWAPPED, 0, 0, new byte[64])))
                .isEqualTo(71);
    }

    // --- files ---

    @Test
    void makesWritesReadsAndRemovesAFile() {
        peer.init();
        byte[] created = peer.send(create("f"));
        assertThat(created).hasSize(16 + 128 + 16);
        long node = int64(created, 16);
        long handle = int64(created, 16 + 128);

        byte[] write = bytes(handle, 3L, 4, 0, 0L, 0, 0, hex("64617461"));
        assertThat(peer.send(Messages.request(Opcode.WRITE.number(), node, 0, write)))
                .isEqualTo(hex("18000000 00000000 0900000000000000 04000000 00000000"));
        byte[] read = bytes(handle, 2L, 100, 0, 0L, 0, 0);
        assertThat(peer.send(Messages.request(Opcode.READ.number(), node, 0, read)))
                .isEqualTo(hex("15000000 00000000 0900000000000000 00 64617461"));

        assertThat(peer.error(Messages.request(Opcode.UNLINK, bytes("f")))).isZero();
        assertThat(memory.lookups(node)).isOne();
        assertThat(peer.error(getattr(node))).isZero();
        byte[] release = bytes(handle, 0, 0, 0L);
        assertThat(peer.error(Messages.request(Opcode.RELEASE.number(), node, 0, release)))
                .isZero();
        peer.sendWithoutReply(Messages.request(Opcode.FORGET.number(), node, 0, bytes(1L)));
        assertThat(memory.lookups(node)).isEqualTo(-1);
        assertThat(peer.error(getattr(node))).isEqualTo(Errno.EBADF);
    }

    @Test
    void forgetsManyNodesAtOnce() {
        peer.init();
        for (String name : List.of("a", "b", "c")) {
            peer.send(Messages.request(Opcode.MKDIR, bytes(0755, 0, name)));
        }
        assertThat(memory.lookups(3)).isOne();

        peer.sendWithoutReply(
                Messages.request(Opcode.BATCH_FORGET, bytes(3, 0, 2L, 1L, 3L, 1L, 99L, 1L)));

        assertThat(memory.lookups(2)).isZero();
        assertThat(memory.lookups(3)).isZero();
        assertThat(memory.lookups(4)).isOne();
        assertThat(peer.server.malformed()).isZero();
    }

    @Test
    void answersWhatAFileSystemDoesNotHaveWithEnosys() {
        peer.init();

        assertThat(peer.error(Messages.request(Opcode.ACCESS, bytes(4, 0))))
                .isEqualTo(Errno.ENOSYS);
        assertThat(peer.error(Messages.request(Opcode.INTERRUPT, bytes(7L))))
                .isEqualTo(Errno.ENOSYS);
        assertThat(peer.error(Messages.request(54, 1, 0, new byte[8]))).isEqualTo(Errno.ENOSYS);
        assertThat(peer.error(Messages.request(4096, 1, 0, new byte[16]))).isEqualTo(Errno.ENOSYS);
        assertThat(peer.server.malformed()).isZero();
    }

    @Test
    void doesNotAnswerAnInterruptThatIsOfUse() {
        List<Long> interrupted = new ArrayList<>();
        Peer useful =
                new Peer(
                        new FileSystem() {
                            @Override
                            public boolean interrupt(long unique) {
                                return interrupted.add(unique);
                            }
                        });
        useful.init();

        useful.sendWithoutReply(Messages.request(Opcode.INTERRUPT, bytes(7L)));

        assertThat(interrupted).containsExactly(7L);
    }

    // --- answers at another time ---

    @Test
    void answersLaterAndOnAnotherThread() throws InterruptedException {
        List<Reply.Data> waiting = new ArrayList<>();
        Peer slow =
                new Peer(
                        new FileSystem() {
                            @Override
                            public void read(RequestView.Read request, Reply.Data reply) {
                                waiting.add(reply);
                            }
                        });
        slow.init();
        byte[] read = Messages.request(Opcode.READ, bytes(1L, 0L, 4, 0, 0L, 0, 0));
        byte[] memoryOfPeer = new byte[64];
        CountDownLatch delivered = new CountDownLatch(1);
        FuseExchange exchange =
                new FuseExchange((_, length) -> {
                    assertThat(length).isEqualTo(18);
                    delivered.countDown();
                });
        exchange.request().add(MemorySegment.ofArray(read), 0, read.length);
        exchange.reply().add(MemorySegment.ofArray(memoryOfPeer), 0, 64);
        slow.server.serve(exchange);

        assertThat(waiting).hasSize(1);
        assertThat(delivered.getCount()).isOne();
        assertThat(memoryOfPeer).containsOnly(0);
        assertThatThrownBy(() -> slow.server.serve(exchange))
                .isInstanceOf(IllegalStateException.class);

        Thread other =
                Thread.ofPlatform()
                        .start(() ->
                                waiting.getFirst().data(MemorySegment.ofArray(hex("6162")), 0, 2));
        other.join();

        assertThat(delivered.getCount()).isZero();
        assertThat(memoryOfPeer).startsWith(hex("12000000 00000000 0900000000000000 6162"));
    }

    // --- exceptions ---

    @Test
    void answersAnExceptionOfTheFileSystemWithEio() {
        Peer broken =
                new Peer(
                        new FileSystem() {
                            @Override
                            public void lookup(RequestView.Lookup request, Reply.Entry reply) {
                                throw new IllegalStateException("on purpose");
                            }
                        });
        broken.init();

        assertThat(broken.error(Messages.request(Opcode.LOOKUP, bytes("x")))).isEqualTo(Errno.EIO);
        assertThat(broken.server.failed()).isOne();
    }

    @Test
    void doesNotLetAnExceptionAfterTheAnswerTouchTheNextRequestOfThatExchange() {
        List<Reply.Done> waiting = new ArrayList<>();
        FileSystem files =
                new FileSystem() {
                    @Override
                    public void lookup(RequestView.Lookup request, Reply.Entry reply) {
                        reply.missing(0);
                        throw new IllegalStateException("on purpose, after the answer");
                    }

                    @Override
                    public void unlink(FuseRequest.Unlink request, Reply.Done reply) {
                        waiting.add(reply);
                    }
                };
        Peer peerOfIt = new Peer(files);
        peerOfIt.init();
        byte[] memoryOfPeer = new byte[256];
        List<Integer> lengths = new ArrayList<>();
        byte[] unlink = Messages.request(Opcode.UNLINK, bytes("x"));
        byte[] lookup = Messages.request(Opcode.LOOKUP, bytes("x"));
        // The transport uses the exchange again at once, from within the answer.
        FuseExchange exchange =
                new FuseExchange((back, length) -> {
                    lengths.add(length);
                    if (lengths.size() == 1) {
                        back.request().clear();
                        back.request().add(MemorySegment.ofArray(unlink), 0, unlink.length);
                        peerOfIt.server.serve(back);
                    }
                });
        exchange.request().add(MemorySegment.ofArray(lookup), 0, lookup.length);
        exchange.reply().add(MemorySegment.ofArray(memoryOfPeer), 0, 256);
        peerOfIt.server.serve(exchange);

        assertThat(lengths).containsExactly(16 + 128);
        waiting.getFirst().done();
        assertThat(lengths).containsExactly(16 + 128, 16);
    }

    private static byte[] getattr(long node) {
        return Messages.request(Opcode.GETATTR.number(), node, 0, bytes(0, 0, 0L));
    }

    private static byte[] create(String name) {
        return Messages.request(Opcode.CREATE, bytes(2, 0100644, 022, 0, name));
    }

    private static long int64(byte[] message, int at) {
        return MemorySegment.ofArray(message).get(Wire.LE64, at);
    }
}
