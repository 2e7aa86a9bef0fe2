// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.bunkai.base.Deadline;
import io.bunkai.linux.EventFd;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.SharedMemory;
import io.bunkai.linux.UnixSockets;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

class VhostUserSessionTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    private final TestDevice device = new TestDevice(2);

    // --- a session ----------------------------------------------------------------------------

    @Test
    void requestsComeBackOverEachQueue() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue first = rig.start(0, 128);
            DriverQueue second = rig.start(1, 8);
            for (int i = 0; i < 1000; i++) {
                rig.echo(first, "first " + i);
                rig.echo(second, "second " + i);
            }
            assertThat(rig.frontEnd.stop(0)).isEqualTo(1000);
            assertThat(rig.frontEnd.stop(1)).isEqualTo(1000);
            assertThat(rig.session.counters(0).completed()).isEqualTo(1000);
        }
    }

    @Test
    void everySetOfFeaturesWorks() throws Exception {
        for (long features :
                new long[] {
                    VirtioFeatures.VERSION_1,
                    VirtioFeatures.VERSION_1 | VirtioFeatures.EVENT_IDX,
                    VirtioFeatures.VERSION_1 | VirtioFeatures.PROTOCOL_FEATURES,
                    ~VirtioFeatures.EVENT_IDX
                }) {
            for (long protocol : new long[] {0, ProtocolFeatures.REPLY_ACK, ~0L}) {
                try (Rig rig = new Rig(device)) {
                    rig.connect(features, protocol);
                    DriverQueue queue = rig.start(0, 16);
                    for (int i = 0; i < 100; i++) {
                        rig.echo(queue, "message " + i);
                    }
                    assertThat(rig.frontEnd.stop(0)).isEqualTo(100);
                }
            }
        }
    }

    @Test
    void aListeningSocketAndAConnectionWorkTheSame() throws Exception {
        try (TestRoot root = TestRoot.create();
                Fd listener = UnixSockets.listen(root.resolve("socket"));
                Fd client = UnixSockets.connect(root.resolve("socket"));
                VhostUserFrontEnd frontEnd = new VhostUserFrontEnd(client)) {
            VhostUserSession session = new VhostUserSession(UnixSockets.accept(listener), device);
            Thread server = serve(session);
            assertThat(frontEnd.negotiate(~0L, ~0L) & VirtioFeatures.VERSION_1).isNotZero();
            assertThat(frontEnd.queues()).isEqualTo(2);
            session.stop(); // as a program does that was told to end
            server.join();
            session.close();
        }
    }

    private static Thread serve(VhostUserSession session) {
        return Thread.ofPlatform()
                .start(() -> {
                    try {
                        session.serve();
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
    }

    @Test
    void whatIsOfferedDependsOnTheDevice() throws Exception {
        try (Rig rig = new Rig(device)) {
            rig.connect(~0L, ~0L);
            assertThat(rig.features)
                    .isEqualTo(0x1_7000_0000L); // without LOG_ALL, which is for migrations
            assertThat(rig.frontEnd.protocolFeatures() & ProtocolFeatures.CONFIG).isZero();
            assertThat(rig.frontEnd.protocolFeatures() & ProtocolFeatures.DEVICE_STATE).isZero();
        }
        device.config = () -> new byte[40];
        device.state = new Memory();
        try (Rig rig = Rig.connected(device)) {
            assertThat(rig.frontEnd.protocolFeatures())
                    .isEqualTo(
                            ProtocolFeatures.MQ
                                    | ProtocolFeatures.LOG_SHMFD
                                    | ProtocolFeatures.REPLY_ACK
                                    | ProtocolFeatures.BACKEND_REQ
                                    | ProtocolFeatures.CONFIG
                                    | ProtocolFeatures.INFLIGHT_SHMFD
                                    | ProtocolFeatures.RESET_DEVICE
                                    | ProtocolFeatures.CONFIGURE_MEM_SLOTS
                                    | ProtocolFeatures.STATUS
                                    | ProtocolFeatures.DEVICE_STATE);
        }
    }

    @Test
    void aQueueGoesOnWhereItStopped() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 8);
            int base = 0;
            for (int round = 0; round < 20; round++) {
                for (int i = 0; i < 5; i++) {
                    rig.echo(queue, "round " + round);
                }
                base = rig.frontEnd.stop(0);
                assertThat(base).isEqualTo(5 * (round + 1));
                rig.frontEnd.start(0, queue, base);
            }
        }
    }

    @Test
    void aKickBeforeTheQueueIsEnabledIsNotLost() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.queue(0, 8);
            rig.frontEnd.start(0, queue);
            rig.echo(queue, "before");
            rig.frontEnd.tell(new FrontEndRequest.SetVringEnable(0, false));
            queue.begin();
            queue.readable(Rig.BUFFERS, 4);
            queue.end();
            queue.submit();
            queue.kick().signal();
            assertThat(queue.await(50)).as("served while it is disabled").isFalse();
            rig.frontEnd.tell(new FrontEndRequest.SetVringEnable(0, true));
            assertThat(queue.await(10_000)).isTrue();
        }
    }

    @Test
    void aQueueWithoutAKickLooksByItself() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 8);
            rig.frontEnd.tell(new FrontEndRequest.SetVringKick(0, null));
            rig.echo(queue, "nobody kicks");
            rig.frontEnd.tell(new FrontEndRequest.SetVringCall(0, null));
            queue.begin();
            queue.readable(Rig.BUFFERS, 4);
            queue.end();
            queue.show();
            Await.until("an answer", Deadline.after(SOON), () -> queue.take() != DriverQueue.NONE);
        }
    }

    @Test
    void kicksThatNobodyHadToReadAreTakenOutInTheEnd() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 8);
            rig.echo(queue, "message");
            queue.kick().signal();
            rig.frontEnd.stop(0);
            assertThat(queue.kick().take()).isZero();
        }
    }

    @Test
    void aQueueThatWasSetUpWrongIsSetUpAnew() throws Exception {
        try (Rig rig = new Rig(device)) {
            rig.connect(~0L, 0); // the front-end does not hear of refusals
            DriverQueue queue = rig.queue(0, 8);
            rig.frontEnd.tell(new FrontEndRequest.SetVringNum(0, 5)); // what the guest has chosen
            rig.frontEnd.tell(new FrontEndRequest.SetVringAddr(0, queue.addresses(false)));
            rig.frontEnd.tell(new FrontEndRequest.SetVringKick(0, queue.kick().fd()));
            rig.frontEnd.tell(new FrontEndRequest.SetVringEnable(0, true));
            assertThat(device.faults.take()).hasMessageContaining("a queue of 5 descriptors");
            rig.frontEnd.start(0, queue);
            rig.echo(queue, "right");
            assertThat(device.faults).isEmpty();
        }
    }

    @Test
    void aQueueThatRunsKeepsItsSizeAndItsPlace() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 8);
            for (FrontEndRequest request :
                    List.of(
                            new FrontEndRequest.SetVringNum(0, 16),
                            new FrontEndRequest.SetVringNum(0, 3),
                            new FrontEndRequest.SetVringAddr(
                                    0, new RingAddresses(1, 0, 0, 0, false)))) {
                assertThatExceptionOfType(VhostUserException.class)
                        .isThrownBy(() -> rig.frontEnd.tell(request));
                rig.echo(queue, "still here");
            }
            assertThat(device.faults).isEmpty();
        }
    }

    @Test
    void descriptorsOfARunningQueueAreReplaced() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 8);
            long before = OpenDescriptors.count();
            for (int i = 0; i < 200; i++) { // as a guest does that masks and unmasks
                rig.echo(queue, "message " + i);
                rig.frontEnd.tell(new FrontEndRequest.SetVringCall(0, queue.call().fd()));
                rig.frontEnd.tell(new FrontEndRequest.SetVringKick(0, queue.kick().fd()));
                rig.frontEnd.tell(new FrontEndRequest.SetVringErr(0, queue.error().fd()));
            }
            assertThat(OpenDescriptors.count()).isEqualTo(before);
        }
    }

    @Test
    void nothingIsLeftBehind() throws Exception {
        long descriptors = OpenDescriptors.count();
        long mappings = OpenDescriptors.mappings();
        for (int i = 0; i < 5; i++) {
            try (Rig rig = Rig.connected(device)) {
                DriverQueue queue = rig.start(0, 8);
                rig.echo(queue, "message");
            }
        }
        assertThat(OpenDescriptors.count()).isEqualTo(descriptors);
        assertThat(OpenDescriptors.mappings()).isEqualTo(mappings);
    }

    // --- memory -------------------------------------------------------------------------------

    @Test
    void memoryComesAndGoesWhileQueuesRun() throws Exception {
        try (Rig rig = Rig.connected(device);
                FrontEndMemory more = FrontEndMemory.create(0x10_0000_0000L, 1 << 20)) {
            DriverQueue queue = rig.start(0, 8);
            for (int i = 0; i < 50; i++) {
                rig.frontEnd.add(more);
                queue.begin();
                queue.readable(more.region().guestAddress() + 100, 8);
                queue.writable(Rig.BUFFERS, 8);
                queue.end();
                queue.submit();
                assertThat(queue.await(10_000)).isTrue();
                assertThat(queue.take()).isNotEqualTo(DriverQueue.NONE);
                assertThat(queue.written()).isEqualTo(8);
                rig.frontEnd.remove(more);
            }
            rig.echo(queue, "still here");
        }
    }

    @Test
    void aRingWhoseMemoryGoesAwayWaitsUntilItIsBack() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 8);
            rig.echo(queue, "before");
            rig.frontEnd.remove(rig.memory);
            queue.begin();
            queue.readable(Rig.BUFFERS, 4);
            queue.end();
            queue.submit();
            assertThat(queue.await(50)).isFalse();
            rig.frontEnd.add(rig.memory);
            assertThat(queue.await(10_000)).isTrue();
            assertThat(queue.take()).isNotEqualTo(DriverQueue.NONE);
            rig.echo(queue, "after");
            assertThat(device.faults).isEmpty();
        }
    }

    @Test
    void memoryThatCannotBeIsRefused() throws Exception {
        try (Rig rig = Rig.connected(device);
                FrontEndMemory more = FrontEndMemory.create(0x10_0000_0000L, 1 << 20)) {
            long size = 1 << 20;
            long guest = 0x10_0000_0000L;
            long user = 0x7000_0000_0000L;
            assertRefused(rig, more, new MemoryRegion(guest, 0, user, 0));
            assertRefused(rig, more, new MemoryRegion(guest, -4096, user, 0));
            assertRefused(rig, more, new MemoryRegion(-4096, size, user, 0));
            assertRefused(rig, more, new MemoryRegion(guest, size, -4096, 0));
            assertRefused(rig, more, new MemoryRegion(guest, size, user, 4096)); // beyond the file
            assertRefused(rig, more, new MemoryRegion(guest, size, user, -4096));
            assertRefused(rig, more, new MemoryRegion(guest, size, user, Long.MAX_VALUE));
            assertRefused(rig, more, new MemoryRegion(Rig.GUEST + 4096, size, user, 0));
            assertRefused(rig, more, new MemoryRegion(Rig.GUEST - 4096, size, user, 0));
            long theirs = rig.memory.region().userAddress();
            assertRefused(rig, more, new MemoryRegion(guest, size, theirs - 4096, 0));
            assertThatExceptionOfType(VhostUserException.class)
                    .isThrownBy(() -> rig.frontEnd.remove(more)); // never added
            try (Pipe pipe = Pipe.create()) { // nothing that can be mapped
                MemoryRegion region = new MemoryRegion(guest, size, user, 0);
                assertThatExceptionOfType(VhostUserException.class)
                        .isThrownBy(() ->
                                rig.frontEnd.tell(
                                        new FrontEndRequest.AddMemReg(region, pipe.read())));
            }
            rig.echo(rig.start(0, 8), "all as before");
        }
    }

    private static void assertRefused(Rig rig, FrontEndMemory memory, MemoryRegion region) {
        assertThatExceptionOfType(VhostUserException.class)
                .as(region.toString())
                .isThrownBy(() ->
                        rig.frontEnd.tell(new FrontEndRequest.AddMemReg(region, memory.file())));
    }

    @Test
    void aTableThatIsRefusedLeavesTheOneBefore() throws Exception {
        try (Rig rig = Rig.connected(device);
                FrontEndMemory more = FrontEndMemory.create(0x10_0000_0000L, 1 << 20)) {
            DriverQueue queue = rig.start(0, 8);
            long mappings = OpenDescriptors.mappings();
            MemoryRegion beyond = new MemoryRegion(0, 2 << 20, 4096, 0);
            assertThatExceptionOfType(VhostUserException.class)
                    .isThrownBy(() ->
                            rig.frontEnd.tell(
                                    new FrontEndRequest.SetMemTable(
                                            List.of(more.region(), beyond),
                                            List.of(more.file(), more.file()))));
            assertThat(OpenDescriptors.mappings()).isEqualTo(mappings);
            rig.echo(queue, "as before");
        }
    }

    @Test
    void thereIsAnEndToRegions() throws Exception {
        try (Rig rig = Rig.connected(device);
                Fd file = SharedMemory.createFile("guest-memory", 4096)) {
            long at = 0x10_0000_0000L;
            for (int i = 1; i < MemoryTable.MOST_REGIONS; i++) {
                rig.frontEnd.tell(
                        new FrontEndRequest.AddMemReg(
                                new MemoryRegion(at + 8192L * i, 4096, at + 8192L * i, 0), file));
            }
            assertThatExceptionOfType(VhostUserException.class)
                    .isThrownBy(() ->
                            rig.frontEnd.tell(
                                    new FrontEndRequest.AddMemReg(
                                            new MemoryRegion(at, 4096, at, 0), file)));
        }
    }

    @Test
    void withoutSharedMemoryTheSessionEndsAndSaysWhatToDo() throws Exception {
        try (Rig rig = new Rig(device)) {
            rig.features = rig.frontEnd.negotiate(~0L, 0);
            byte[] table = new byte[40]; // one region and no file
            table[0] = 1;
            rig.frontEnd
                    .socket()
                    .send(
                            new Frame(
                                    RequestCode.SET_MEM_TABLE.number(),
                                    Frame.VERSION,
                                    table,
                                    List.of()));
            assertThat(failure(rig)).hasMessageContaining("memory-backend-memfd,share=on");
        }
    }

    // --- configuration, status, state ---------------------------------------------------------

    @Test
    void theConfigurationIsReadAndWritten() throws Exception {
        byte[] space = new byte[40];
        space[36] = 2;
        device.config =
                new DeviceConfig() {
                    @Override
                    public byte[] read() {
                        return space.clone();
                    }

                    @Override
                    public boolean write(int offset, byte[] data, boolean migration) {
                        if (!migration) {
                            return false;
                        }
                        System.arraycopy(data, 0, space, offset, data.length);
                        return true;
                    }
                };
        try (Rig rig = Rig.connected(device)) {
            assertThat(config(rig, 36, 4)).containsExactly(2, 0, 0, 0);
            assertThat(config(rig, 0, 40)).hasSize(40);
            assertThat(config(rig, 38, 4)).as("beyond its end").isEmpty();
            assertThatExceptionOfType(VhostUserException.class)
                    .isThrownBy(() ->
                            rig.frontEnd.tell(new FrontEndRequest.SetConfig(36, 0, new byte[4])));
            rig.frontEnd.tell(new FrontEndRequest.SetConfig(36, 1, new byte[] {7, 0, 0, 0}));
            assertThat(config(rig, 36, 4)).containsExactly(7, 0, 0, 0);
        }
    }

    private static byte[] config(Rig rig, int offset, int size) throws IOException {
        BackEndReply reply = rig.frontEnd.ask(new FrontEndRequest.GetConfig(offset, size, 0));
        return ((BackEndReply.Config) reply).data();
    }

    @Test
    void aChangeOfTheConfigurationIsTold() throws Exception {
        try (Rig rig = Rig.connected(device);
                UnixSockets.Pair channel = UnixSockets.pair()) {
            assertThat(rig.session.tellConfigChanged()).isFalse();
            rig.frontEnd.tell(new FrontEndRequest.SetBackendReqFd(channel.other()));
            assertThat(rig.session.tellConfigChanged()).isTrue();
            try (Frame frame = new VhostUserSocket(channel.one()).receive().orElseThrow()) {
                assertThat(frame.request()).isEqualTo(2);
                assertThat(frame.payload()).isEmpty();
            }
        }
    }

    @Test
    void theStatusTellsThatAQueueIsBroken() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            rig.frontEnd.tell(new FrontEndRequest.SetStatus(0xf));
            assertThat(status(rig)).isEqualTo(0xf);
            DriverQueue queue = rig.start(0, 8);
            queue.makeAvailable(9);
            queue.show();
            queue.kick().signal();
            device.faults.take();
            assertThat(status(rig)).isEqualTo(0x4f);
            rig.frontEnd.tell(new FrontEndRequest.SetStatus(0));
            assertThat(status(rig)).isZero();
            rig.echo(rig.start(0, 8), "again");
        }
    }

    private static long status(Rig rig) throws IOException {
        BackEndReply reply = rig.frontEnd.ask(new FrontEndRequest.GetStatus());
        return ((BackEndReply.Value) reply).value();
    }

    @Test
    void aResetStopsAllQueues() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            rig.echo(rig.start(0, 8), "before");
            rig.echo(rig.start(1, 8), "before");
            rig.frontEnd.tell(new FrontEndRequest.ResetDevice());
            assertThat(device.resets).hasValue(1);
            assertThat(rig.frontEnd.stop(0)).as("where a new queue begins").isZero();
            rig.echo(rig.start(0, 16), "after");
        }
    }

    /** State of one word. */
    private static final class Memory implements DeviceState {
        volatile byte[] word = "word".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

        @Override
        public void save(OutputStream out) throws IOException {
            out.write(word);
        }

        @Override
        public void load(InputStream in) throws IOException {
            byte[] all = in.readAllBytes();
            if (all.length != word.length) {
                throw new IOException("no word");
            }
            word = all;
        }
    }

    @Test
    void theDevicesStateIsSavedAndLoaded() throws Exception {
        Memory state = new Memory();
        device.state = state;
        try (Rig rig = Rig.connected(device)) {
            try (Pipe pipe = Pipe.create()) {
                assertThat(transfer(rig, false, pipe.write())).isEqualTo(0x100);
                pipe.write().close();
                assertThat(pipe.read().input().readAllBytes()).asString().isEqualTo("word");
                assertThat(check(rig)).isZero();
            }
            try (Pipe pipe = Pipe.create()) {
                assertThat(transfer(rig, true, pipe.read())).isEqualTo(0x100);
                pipe.write().writeFully(new byte[] {'b', 'l', 'u', 'e'});
                pipe.write().close();
                assertThat(check(rig)).isZero();
                assertThat(state.word).asString().isEqualTo("blue");
            }
            try (Pipe pipe = Pipe.create()) {
                transfer(rig, true, pipe.read());
                pipe.write().writeFully(new byte[] {'x'});
                pipe.write().close();
                assertThat(check(rig)).as("a state that makes no sense").isNotZero();
            }
        }
        device.state = null;
        try (Rig rig = Rig.connected(device);
                Pipe pipe = Pipe.create()) {
            assertThat(transfer(rig, false, pipe.write()) & 0xff).isNotZero();
        }
    }

    private static long transfer(Rig rig, boolean load, Fd pipe) throws IOException {
        BackEndReply reply = rig.frontEnd.ask(new FrontEndRequest.SetDeviceStateFd(load, pipe));
        return ((BackEndReply.Value) reply).value();
    }

    private static long check(Rig rig) throws IOException {
        BackEndReply reply = rig.frontEnd.ask(new FrontEndRequest.CheckDeviceState());
        return ((BackEndReply.Value) reply).value();
    }

    // --- what is refused ----------------------------------------------------------------------

    @Test
    void whatCannotBeDoneIsRefusedAndTheSessionGoesOn() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 8);
            List<FrontEndRequest> refused = new ArrayList<>();
            refused.add(new FrontEndRequest.SetFeatures(1L << 34)); // packed rings
            refused.add(new FrontEndRequest.SetProtocolFeatures(1L << 8));
            refused.add(new FrontEndRequest.SetVringNum(2, 8));
            refused.add(new FrontEndRequest.SetVringNum(-1, 8));
            refused.add(new FrontEndRequest.SetVringBase(0, 0x1_0000));
            refused.add(new FrontEndRequest.SetVringBase(0, -1));
            refused.add(new FrontEndRequest.SetVringEnable(255, true));
            refused.add(new FrontEndRequest.SetVringCall(200, queue.call().fd()));
            refused.add(new FrontEndRequest.SetVringNum(1, 0));
            refused.add(new FrontEndRequest.SetVringNum(1, 3));
            refused.add(new FrontEndRequest.SetVringNum(1, 32768)); // beyond this device's limit
            refused.add(new FrontEndRequest.SetVringNum(1, 65536));
            refused.add(new FrontEndRequest.SetVringAddr(1, new RingAddresses(1, 0, 0, 0, false)));
            refused.add(new FrontEndRequest.SetConfig(0, 0, new byte[4]));
            refused.add(new FrontEndRequest.SetLogBase(0, 0, rig.memory.file()));
            refused.add(new FrontEndRequest.SetLogBase(1L << 40, 0, rig.memory.file()));
            refused.add(new FrontEndRequest.SetInflightFd(64, 0, 1, 8, rig.memory.file()));
            refused.add(new FrontEndRequest.SetInflightFd(1L << 40, 0, 1, 8, rig.memory.file()));
            refused.add(new FrontEndRequest.SetInflightFd(4096, 4, 1, 8, rig.memory.file()));
            refused.add(new FrontEndRequest.Unknown(77));
            for (FrontEndRequest request : refused) {
                assertThatExceptionOfType(VhostUserException.class)
                        .as(request.toString())
                        .isThrownBy(() -> rig.frontEnd.tell(request));
                rig.echo(queue, "still here");
            }
        }
    }

    @Test
    void whatIsRefusedWithoutBeingAskedEndsTheSession() throws Exception {
        try (Rig rig = new Rig(device)) {
            rig.connect(~0L, 0); // no answers agreed on
            rig.frontEnd.tell(new FrontEndRequest.SetVringNum(9, 8));
            assertThat(failure(rig))
                    .isInstanceOf(VhostUserException.class)
                    .hasMessageContaining("there is no queue 9, there are 2");
        }
    }

    @Test
    void anUnknownRequestIsIgnored() throws Exception {
        try (Rig rig = new Rig(device)) {
            rig.connect(~0L, 0);
            rig.frontEnd.tell(new FrontEndRequest.Unknown(77));
            rig.echo(rig.start(0, 8), "still here");
        }
    }

    @Test
    void whatIsNoMessageEndsTheSessionAndClosesWhatCameWithIt() throws Exception {
        byte[] zeros = new byte[12];
        byte[] tooLong = {1, 0, 0, 0, 1, 0, 0, 0, 1, 16, 0, 0};
        byte[] negative = {1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, -1};
        byte[] version3 = {1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0};
        byte[] answer = {1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0};
        byte[] cut = {2, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 1, 2};
        byte[] half = {2, 0, 0, 0, 1};
        long before = OpenDescriptors.count();
        for (byte[] bytes : List.of(zeros, tooLong, negative, version3, answer, cut, half)) {
            UnixSockets.Pair pair = UnixSockets.pair();
            try (EventFd event = EventFd.create();
                    VhostUserSession session = new VhostUserSession(pair.other(), device)) {
                UnixSockets.send(pair.one(), bytes, List.of(event.fd(), event.fd()));
                pair.one().close();
                assertThatExceptionOfType(VhostUserException.class)
                        .as(Arrays.toString(bytes))
                        .isThrownBy(session::serve);
            }
            assertThat(OpenDescriptors.count()).isEqualTo(before);
        }
    }

    @Test
    void descriptorsThatAreOfNoUseAreClosed() throws Exception {
        try (Rig rig = Rig.connected(device);
                EventFd event = EventFd.create()) {
            long before = OpenDescriptors.count();
            for (RequestCode code : RequestCode.values()) {
                if (code == RequestCode.SET_FEATURES) {
                    continue; // 0 would take the answers away, and this test's footing with them
                }
                for (int size : new int[] {0, 1, 8, 16, 40}) {
                    rig.frontEnd
                            .socket()
                            .send(
                                    new Frame(
                                            code.number(),
                                            Frame.VERSION | Frame.NEED_REPLY,
                                            new byte[size],
                                            List.of(event.fd(), event.fd(), event.fd())));
                    Frame reply = rig.frontEnd.socket().receive().orElseThrow();
                    reply.close();
                    if (code == RequestCode.SET_PROTOCOL_FEATURES && size == 8) {
                        rig.frontEnd
                                .socket()
                                .send(
                                        VhostUserCodec.frame(
                                                new FrontEndRequest.SetProtocolFeatures(
                                                        rig.frontEnd.protocolFeatures()),
                                                false));
                    }
                }
            }
            assertThat(OpenDescriptors.count()).isEqualTo(before);
        }
    }

    @Test
    void aMessageMayComeInPieces() throws Exception {
        UnixSockets.Pair pair = UnixSockets.pair();
        try (VhostUserSession session = new VhostUserSession(pair.other(), device);
                Fd socket = pair.one()) {
            Thread server = serve(session);
            byte[] ask = {17, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}; // how many queues?
            for (byte each : ask) {
                UnixSockets.send(socket, new byte[] {each}, List.of());
            }
            try (UnixSockets.Message message = UnixSockets.receive(socket, 100)) {
                assertThat(message.data()).hasSize(20);
                assertThat(message.data()[12]).isEqualTo((byte) 2);
            }
            UnixSockets.shutDown(socket);
            server.join();
        }
    }

    private static Throwable failure(Rig rig) {
        Throwable failure = catchThrowable(() -> rig.served.get());
        assertThat(failure).isInstanceOf(ExecutionException.class);
        return failure.getCause();
    }
}
