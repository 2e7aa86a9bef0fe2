// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static io.bunkai.testkit.Hex.hex;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.linux.EventFd;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Each message as bytes. The machine's order of bytes is little-endian on both architectures that
 * this project runs on.
 */
class VhostUserCodecTest {
    private UnixSockets.Pair pair;
    private VhostUserSocket sender;
    private VhostUserSocket receiver;
    private EventFd event;
    private final List<Frame> received = new ArrayList<>();

    @BeforeEach
    void open() throws IOException {
        pair = UnixSockets.pair();
        sender = new VhostUserSocket(pair.one());
        receiver = new VhostUserSocket(pair.other());
        event = EventFd.create();
    }

    @AfterEach
    void close() {
        received.forEach(Frame::close);
        event.close();
        pair.close();
    }

    // --- requests without a payload -----------------------------------------------------------

    @Test
    void getFeatures() throws IOException {
        assertRequest(
                new FrontEndRequest.GetFeatures(),
                """
                01000000 01000000 00000000 // request=GET_FEATURES, flags=version 1, size=0
                """);
    }

    @Test
    void setOwner() throws IOException {
        assertRequest(
                new FrontEndRequest.SetOwner(),
                """
                03000000 01000000 00000000 // request=SET_OWNER, flags=version 1, size=0
                """);
    }

    @Test
    void resetOwner() throws IOException {
        assertRequest(
                new FrontEndRequest.ResetOwner(),
                """
                04000000 01000000 00000000 // request=RESET_OWNER, flags=version 1, size=0
                """);
    }

    @Test
    void getProtocolFeatures() throws IOException {
        assertRequest(
                new FrontEndRequest.GetProtocolFeatures(),
                """
                0f000000 01000000 00000000 // request=GET_PROTOCOL_FEATURES, flags, size=0
                """);
    }

    @Test
    void getQueueNum() throws IOException {
        assertRequest(
                new FrontEndRequest.GetQueueNum(),
                """
                11000000 01000000 00000000 // request=GET_QUEUE_NUM, flags, size=0
                """);
    }

    @Test
    void resetDevice() throws IOException {
        assertRequest(
                new FrontEndRequest.ResetDevice(),
                """
                22000000 01000000 00000000 // request=RESET_DEVICE, flags, size=0
                """);
    }

    @Test
    void getMaxMemSlots() throws IOException {
        assertRequest(
                new FrontEndRequest.GetMaxMemSlots(),
                """
                24000000 01000000 00000000 // request=GET_MAX_MEM_SLOTS, flags, size=0
                """);
    }

    @Test
    void getStatus() throws IOException {
        assertRequest(
                new FrontEndRequest.GetStatus(),
                """
                28000000 01000000 00000000 // request=GET_STATUS, flags, size=0
                """);
    }

    @Test
    void checkDeviceState() throws IOException {
        assertRequest(
                new FrontEndRequest.CheckDeviceState(),
                """
                2b000000 01000000 00000000 // request=CHECK_DEVICE_STATE, flags, size=0
                """);
    }

    // --- requests with a number ---------------------------------------------------------------

    @Test
    void setFeatures() throws IOException {
        assertRequest(
                new FrontEndRequest.SetFeatures(0x1_7000_0000L),
                """
                02000000 01000000 08000000 // request=SET_FEATURES, flags, size=8
                0000007001000000           // VERSION_1, PROTOCOL_FEATURES, EVENT_IDX, INDIRECT_DESC
                """);
    }

    @Test
    void setProtocolFeatures() throws IOException {
        assertRequest(
                new FrontEndRequest.SetProtocolFeatures(0x802b),
                """
                10000000 01000000 08000000 // request=SET_PROTOCOL_FEATURES, flags, size=8
                2b80000000000000           // CONFIGURE_MEM_SLOTS, BACKEND_REQ, REPLY_ACK, LOG_SHMFD, MQ
                """);
    }

    @Test
    void setStatus() throws IOException {
        assertRequest(
                new FrontEndRequest.SetStatus(0xf),
                """
                27000000 01000000 08000000 // request=SET_STATUS, flags, size=8
                0f00000000000000           // DRIVER_OK, FEATURES_OK, DRIVER, ACKNOWLEDGE
                """);
    }

    // --- requests about a queue ---------------------------------------------------------------

    @Test
    void setVringNum() throws IOException {
        assertRequest(
                new FrontEndRequest.SetVringNum(1, 128),
                """
                08000000 01000000 08000000 // request=SET_VRING_NUM, flags, size=8
                01000000 80000000          // index=1, num=128
                """);
    }

    @Test
    void setVringAddr() throws IOException {
        assertRequest(
                new FrontEndRequest.SetVringAddr(
                        2,
                        new RingAddresses(
                                0x7f00_0000_1000L,
                                0x7f00_0000_3000L,
                                0x7f00_0000_2000L,
                                0x3000L,
                                true)),
                """
                09000000 01000000 28000000 // request=SET_VRING_ADDR, flags, size=40
                02000000 01000000          // index=2, flags=VHOST_VRING_F_LOG
                00100000007f0000           // descriptor
                00300000007f0000           // used
                00200000007f0000           // available
                0030000000000000           // log
                """);
    }

    @Test
    void setVringBase() throws IOException {
        assertRequest(
                new FrontEndRequest.SetVringBase(1, 0xfffe),
                """
                0a000000 01000000 08000000 // request=SET_VRING_BASE, flags, size=8
                01000000 feff0000          // index=1, num=65534
                """);
    }

    @Test
    void getVringBase() throws IOException {
        assertRequest(
                new FrontEndRequest.GetVringBase(1),
                """
                0b000000 01000000 08000000 // request=GET_VRING_BASE, flags, size=8
                01000000 00000000          // index=1, num means nothing
                """);
    }

    @Test
    void setVringEnable() throws IOException {
        assertRequest(
                new FrontEndRequest.SetVringEnable(1, true),
                """
                12000000 01000000 08000000 // request=SET_VRING_ENABLE, flags, size=8
                01000000 01000000          // index=1, num=1: enabled
                """);
    }

    @Test
    void setVringKick() throws IOException {
        FrontEndRequest back =
                assertBytes(
                        new FrontEndRequest.SetVringKick(3, event.fd()),
                        """
                        0c000000 01000000 08000000 // request=SET_VRING_KICK, flags, size=8
                        0300000000000000           // index=3; one descriptor comes with it
                        """);
        assertThat(back)
                .isInstanceOfSatisfying(
                        FrontEndRequest.SetVringKick.class,
                        kick -> {
                            assertThat(kick.queue()).isEqualTo(3);
                            assertIsEvent(kick.event());
                        });
    }

    @Test
    void setVringCall() throws IOException {
        FrontEndRequest back =
                assertBytes(
                        new FrontEndRequest.SetVringCall(1, event.fd()),
                        """
                        0d000000 01000000 08000000 // request=SET_VRING_CALL, flags, size=8
                        0100000000000000           // index=1; one descriptor comes with it
                        """);
        assertThat(back)
                .isInstanceOfSatisfying(
                        FrontEndRequest.SetVringCall.class, call -> assertIsEvent(call.event()));
    }

    @Test
    void setVringErr() throws IOException {
        FrontEndRequest back =
                assertBytes(
                        new FrontEndRequest.SetVringErr(1, event.fd()),
                        """
                        0e000000 01000000 08000000 // request=SET_VRING_ERR, flags, size=8
                        0100000000000000           // index=1; one descriptor comes with it
                        """);
        assertThat(back)
                .isInstanceOfSatisfying(
                        FrontEndRequest.SetVringErr.class, err -> assertIsEvent(err.event()));
    }

    @Test
    void descriptorsOfAQueueMayBeMissing() throws IOException {
        assertRequest(
                new FrontEndRequest.SetVringKick(3, null),
                """
                0c000000 01000000 08000000 // request=SET_VRING_KICK, flags, size=8
                0301000000000000           // index=3, bit 8: no descriptor
                """);
        assertRequest(
                new FrontEndRequest.SetVringCall(3, null),
                """
                0d000000 01000000 08000000 // request=SET_VRING_CALL, flags, size=8
                0301000000000000           // index=3, bit 8: no descriptor
                """);
        assertRequest(
                new FrontEndRequest.SetVringErr(3, null),
                """
                0e000000 01000000 08000000 // request=SET_VRING_ERR, flags, size=8
                0301000000000000           // index=3, bit 8: no descriptor
                """);
    }

    // --- requests about memory ----------------------------------------------------------------

    private static final MemoryRegion LOW = new MemoryRegion(0, 0xc000_0000L, 0x7f11_0000_0000L, 0);
    private static final MemoryRegion HIGH =
            new MemoryRegion(0x1_0000_0000L, 0x4000_0000L, 0x7f11_c000_0000L, 0xc000_0000L);

    @Test
    void setMemTable() throws IOException {
        FrontEndRequest back =
                assertBytes(
                        new FrontEndRequest.SetMemTable(
                                List.of(LOW, HIGH), List.of(event.fd(), event.fd())),
                        """
                        05000000 01000000 48000000 // request=SET_MEM_TABLE, flags, size=72
                        02000000 00000000          // num regions=2, padding
                        0000000000000000           // guest address=0
                        000000c000000000           // size=3 GiB
                        00000000117f0000           // user address
                        0000000000000000           // mmap offset=0
                        0000000001000000           // guest address=4 GiB
                        0000004000000000           // size=1 GiB
                        000000c0117f0000           // user address
                        000000c000000000           // mmap offset=3 GiB
                        """);
        assertThat(back)
                .isInstanceOfSatisfying(
                        FrontEndRequest.SetMemTable.class,
                        table -> {
                            assertThat(table.regions()).containsExactly(LOW, HIGH);
                            assertThat(table.files()).hasSize(2);
                        });
    }

    @Test
    void addMemReg() throws IOException {
        FrontEndRequest back =
                assertBytes(
                        new FrontEndRequest.AddMemReg(HIGH, event.fd()),
                        """
                        25000000 01000000 28000000 // request=ADD_MEM_REG, flags, size=40
                        0000000000000000           // padding
                        0000000001000000           // guest address=4 GiB
                        0000004000000000           // size=1 GiB
                        000000c0117f0000           // user address
                        000000c000000000           // mmap offset=3 GiB
                        """);
        assertThat(back)
                .isInstanceOfSatisfying(
                        FrontEndRequest.AddMemReg.class,
                        add -> assertThat(add.region()).isEqualTo(HIGH));
    }

    @Test
    void remMemReg() throws IOException {
        assertRequest(
                new FrontEndRequest.RemMemReg(HIGH),
                """
                26000000 01000000 28000000 // request=REM_MEM_REG, flags, size=40
                0000000000000000           // padding
                0000000001000000           // guest address=4 GiB
                0000004000000000           // size=1 GiB
                000000c0117f0000           // user address
                000000c000000000           // mmap offset=3 GiB, which means nothing
                """);
    }

    @Test
    void setLogBase() throws IOException {
        FrontEndRequest back =
                assertBytes(
                        new FrontEndRequest.SetLogBase(0x8000, 0x1000, event.fd()),
                        """
                        06000000 01000000 10000000 // request=SET_LOG_BASE, flags, size=16
                        0080000000000000           // log size=32 KiB
                        0010000000000000           // log offset=4096
                        """);
        assertThat(back)
                .isInstanceOfSatisfying(
                        FrontEndRequest.SetLogBase.class,
                        log -> assertThat(log.size()).isEqualTo(0x8000));
    }

    @Test
    void setLogFd() throws IOException {
        FrontEndRequest back =
                assertBytes(
                        new FrontEndRequest.SetLogFd(event.fd()),
                        """
                        07000000 01000000 00000000 // request=SET_LOG_FD, flags, size=0
                        """);
        assertThat(back)
                .isInstanceOfSatisfying(
                        FrontEndRequest.SetLogFd.class, log -> assertIsEvent(log.event()));
    }

    // --- the others ---------------------------------------------------------------------------

    @Test
    void setBackendReqFd() throws IOException {
        FrontEndRequest back =
                assertBytes(
                        new FrontEndRequest.SetBackendReqFd(event.fd()),
                        """
                        15000000 01000000 00000000 // request=SET_BACKEND_REQ_FD, flags, size=0
                        """);
        assertThat(back).isInstanceOf(FrontEndRequest.SetBackendReqFd.class);
    }

    @Test
    void getConfig() throws IOException {
        assertRequest(
                new FrontEndRequest.GetConfig(36, 4, 0),
                """
                18000000 01000000 10000000 // request=GET_CONFIG, flags, size=16
                24000000 04000000 00000000 // offset=36, size=4, flags=0
                00000000                   // room for the answer
                """);
    }

    @Test
    void setConfig() throws IOException {
        FrontEndRequest back =
                assertBytes(
                        new FrontEndRequest.SetConfig(36, 1, new byte[] {5, 6, 7, 8}),
                        """
                        19000000 01000000 10000000 // request=SET_CONFIG, flags, size=16
                        24000000 04000000 01000000 // offset=36, size=4, flags=1: migration
                        05060708                   // payload
                        """);
        assertThat(back)
                .isInstanceOfSatisfying(
                        FrontEndRequest.SetConfig.class,
                        set -> {
                            assertThat(set.offset()).isEqualTo(36);
                            assertThat(set.flags()).isEqualTo(FrontEndRequest.SetConfig.MIGRATION);
                            assertThat(set.data()).containsExactly(5, 6, 7, 8);
                        });
    }

    @Test
    void getInflightFd() throws IOException {
        assertRequest(
                new FrontEndRequest.GetInflightFd(2, 128),
                """
                1f000000 01000000 18000000 // request=GET_INFLIGHT_FD, flags, size=24
                0000000000000000           // mmap size: asked for
                0000000000000000           // mmap offset: asked for
                0200 8000 00000000         // num queues=2, queue size=128, padding of the structure
                """);
    }

    @Test
    void setInflightFd() throws IOException {
        FrontEndRequest back =
                assertBytes(
                        new FrontEndRequest.SetInflightFd(0x1080, 0, 2, 128, event.fd()),
                        """
                        20000000 01000000 18000000 // request=SET_INFLIGHT_FD, flags, size=24
                        8010000000000000           // mmap size
                        0000000000000000           // mmap offset
                        0200 8000 00000000         // num queues=2, queue size=128, padding
                        """);
        assertThat(back)
                .isInstanceOfSatisfying(
                        FrontEndRequest.SetInflightFd.class,
                        set -> {
                            assertThat(set.bytes()).isEqualTo(0x1080);
                            assertThat(set.queues()).isEqualTo(2);
                            assertThat(set.size()).isEqualTo(128);
                        });
    }

    @Test
    void setDeviceStateFd() throws IOException {
        FrontEndRequest back =
                assertBytes(
                        new FrontEndRequest.SetDeviceStateFd(true, event.fd()),
                        """
                        2a000000 01000000 08000000 // request=SET_DEVICE_STATE_FD, flags, size=8
                        01000000 00000000          // direction=1: load, phase=0: stopped
                        """);
        assertThat(back)
                .isInstanceOfSatisfying(
                        FrontEndRequest.SetDeviceStateFd.class,
                        set -> assertThat(set.load()).isTrue());
    }

    @Test
    void anUnknownRequestIsAnOrdinaryOne() throws IOException {
        assertRequest(
                new FrontEndRequest.Unknown(99),
                """
                63000000 01000000 00000000 // request=99, flags, size=0
                """);
    }

    @Test
    void aRequestMayAskForAnAnswer() throws IOException {
        sender.send(VhostUserCodec.frame(new FrontEndRequest.SetVringNum(0, 1), true));
        assertThat(UnixSockets.receive(pair.other(), 100).data())
                .isEqualTo(
                        hex(
                                """
                                08000000 09000000 08000000 // flags=version 1, need reply
                                00000000 01000000
                                """));
    }

    // --- answers ------------------------------------------------------------------------------

    @Test
    void aNumberAsAnAnswer() throws IOException {
        assertReply(
                new FrontEndRequest.GetQueueNum(),
                new BackEndReply.Value(3),
                """
                11000000 05000000 08000000 // request=GET_QUEUE_NUM, flags=version 1, reply, size=8
                0300000000000000           // u64
                """);
    }

    @Test
    void theBaseOfAQueueAsAnAnswer() throws IOException {
        assertReply(
                new FrontEndRequest.GetVringBase(1),
                new BackEndReply.VringBase(1, 513),
                """
                0b000000 05000000 08000000 // request=GET_VRING_BASE, flags=version 1, reply, size=8
                01000000 01020000          // index=1, num=513
                """);
    }

    @Test
    void aConfigurationAsAnAnswer() throws IOException {
        FrontEndRequest request = new FrontEndRequest.GetConfig(36, 4, 0);
        BackEndReply back =
                assertReplyBytes(
                        request,
                        new BackEndReply.Config(36, 0, new byte[] {2, 0, 0, 0}),
                        """
                        18000000 05000000 10000000 // request=GET_CONFIG, flags, size=16
                        24000000 04000000 00000000 // offset=36, size=4, flags=0
                        02000000                   // payload
                        """);
        assertThat(back)
                .isInstanceOfSatisfying(
                        BackEndReply.Config.class,
                        config -> assertThat(config.data()).containsExactly(2, 0, 0, 0));
        BackEndReply refusal =
                assertReplyBytes(
                        request,
                        new BackEndReply.Config(36, 0, new byte[0]),
                        """
                        18000000 05000000 00000000 // request=GET_CONFIG, flags, size=0: refused
                        """);
        assertThat(refusal)
                .isInstanceOfSatisfying(
                        BackEndReply.Config.class, config -> assertThat(config.data()).isEmpty());
    }

    @Test
    void anInflightAreaAsAnAnswer() throws IOException {
        BackEndReply back =
                assertReplyBytes(
                        new FrontEndRequest.GetInflightFd(2, 128),
                        new BackEndReply.Inflight(0x1080, 0, 2, 128, event.fd()),
                        """
                        1f000000 05000000 18000000 // request=GET_INFLIGHT_FD, flags, size=24
                        8010000000000000           // mmap size
                        0000000000000000           // mmap offset
                        0200 8000 00000000         // num queues=2, queue size=128, padding
                        """);
        assertThat(back)
                .isInstanceOfSatisfying(
                        BackEndReply.Inflight.class,
                        area -> assertThat(area.bytes()).isEqualTo(0x1080));
    }

    // --- what is refused ----------------------------------------------------------------------

    @Test
    void aPayloadOfAnotherSizeIsRefusedForEveryRequest() {
        for (RequestCode code : RequestCode.values()) {
            for (int size : new int[] {1, 7, 9, 11, 13, 39, 41, 4095}) {
                Frame frame = new Frame(code.number(), Frame.VERSION, new byte[size], List.of());
                assertThatExceptionOfType(VhostUserException.class)
                        .as(code + " of " + size)
                        .isThrownBy(() -> VhostUserCodec.request(frame));
            }
        }
    }

    @Test
    void descriptorsThatAreMissingOrTooManyAreRefused() {
        for (RequestCode code :
                List.of(
                        RequestCode.SET_VRING_KICK,
                        RequestCode.SET_VRING_CALL,
                        RequestCode.SET_VRING_ERR)) {
            assertRefused(code, new byte[8], List.of());
            assertRefused(code, new byte[8], List.of(event.fd(), event.fd()));
            assertRefused(code, new byte[] {0, 1, 0, 0, 0, 0, 0, 0}, List.of(event.fd()));
        }
        assertRefused(RequestCode.SET_LOG_FD, new byte[0], List.of());
        assertRefused(RequestCode.SET_BACKEND_REQ_FD, new byte[0], List.of());
        assertRefused(RequestCode.SET_LOG_BASE, new byte[16], List.of());
        assertRefused(RequestCode.ADD_MEM_REG, new byte[40], List.of());
        assertRefused(RequestCode.SET_INFLIGHT_FD, new byte[24], List.of());
        assertRefused(RequestCode.SET_DEVICE_STATE_FD, new byte[8], List.of());
        byte[] oneRegion = new byte[40];
        oneRegion[0] = 1;
        assertRefused(RequestCode.SET_MEM_TABLE, oneRegion, List.of());
        assertRefused(RequestCode.SET_MEM_TABLE, new byte[40], List.of(event.fd())); // tells of 0
        oneRegion[3] = (byte) 0x80;
        assertRefused(RequestCode.SET_MEM_TABLE, oneRegion, List.of(event.fd()));
    }

    @Test
    void aConfigurationBeyondItsSpaceIsRefused() {
        for (int[] range :
                new int[][] {{0, 5}, {253, 4}, {-1, 4}, {257, 4}, {0, -4}, {0x7fff_ffff, 4}}) {
            byte[] payload =
                    VhostUserCodec.frame(
                                    new FrontEndRequest.SetConfig(range[0], 0, new byte[4]), false)
                            .payload();
            for (int i = 0; i < 4; i++) {
                payload[4 + i] = (byte) (range[1] >> (8 * i));
            }
            assertRefused(RequestCode.SET_CONFIG, payload, List.of());
            assertRefused(RequestCode.GET_CONFIG, payload, List.of());
        }
    }

    @Test
    void anAnswerToAnotherRequestIsRefused() {
        FrontEndRequest request = new FrontEndRequest.GetFeatures();
        for (Frame frame :
                List.of(
                        new Frame(1, Frame.VERSION, new byte[8], List.of()), // a request
                        new Frame(15, Frame.VERSION | Frame.REPLY, new byte[8], List.of()),
                        new Frame(1, Frame.VERSION | Frame.REPLY, new byte[4], List.of()))) {
            assertThatExceptionOfType(VhostUserException.class)
                    .isThrownBy(() -> VhostUserCodec.reply(request, frame));
        }
    }

    @Test
    void numbersAreTheSpecificationsOwn() {
        assertThat(RequestCode.values()).hasSize(31);
        for (RequestCode code : RequestCode.values()) {
            assertThat(RequestCode.of(code.number())).contains(code);
        }
        assertThat(RequestCode.of(0)).isEmpty();
        assertThat(RequestCode.of(-1)).isEmpty();
    }

    private void assertRefused(RequestCode code, byte[] payload, List<Fd> descriptors) {
        Frame frame = new Frame(code.number(), Frame.VERSION, payload, descriptors);
        assertThatExceptionOfType(VhostUserException.class)
                .as(frame.toString())
                .isThrownBy(() -> VhostUserCodec.request(frame));
    }

    private void assertRequest(FrontEndRequest request, String golden) throws IOException {
        assertThat(assertBytes(request, golden)).isEqualTo(request);
    }

    private FrontEndRequest assertBytes(FrontEndRequest request, String golden) throws IOException {
        sender.send(VhostUserCodec.frame(request, false));
        assertThat(bytesOnTheWire()).isEqualTo(hex(golden));
        sender.send(VhostUserCodec.frame(request, false));
        return VhostUserCodec.request(frame());
    }

    private void assertReply(FrontEndRequest request, BackEndReply reply, String golden)
            throws IOException {
        assertThat(assertReplyBytes(request, reply, golden)).isEqualTo(reply);
    }

    private BackEndReply assertReplyBytes(
            FrontEndRequest request, BackEndReply reply, String golden) throws IOException {
        int number = VhostUserCodec.frame(request, false).request();
        sender.send(VhostUserCodec.frame(number, reply));
        assertThat(bytesOnTheWire()).isEqualTo(hex(golden));
        sender.send(VhostUserCodec.frame(number, reply));
        return VhostUserCodec.reply(request, frame());
    }

    private byte[] bytesOnTheWire() throws IOException {
        try (UnixSockets.Message message = UnixSockets.receive(pair.other(), 5000)) {
            return message.data();
        }
    }

    private Frame frame() throws IOException {
        Optional<Frame> frame = receiver.receive();
        received.add(frame.orElseThrow());
        return frame.get();
    }

    private void assertIsEvent(Fd descriptor) {
        try {
            EventFd.of(descriptor).signal();
            assertThat(event.take()).isEqualTo(1);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
