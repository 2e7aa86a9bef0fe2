// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.EventFd;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A front-end that sends whatever its input says: messages that are nearly right, and bytes. The
 * session may refuse and may end with a {@link VhostUserException}; anything else is a defect.
 */
final class MessageScenario implements AutoCloseable {
    private static final int QUEUES = 2;

    private static final List<RequestCode> CODES = List.of(RequestCode.values());
    private static final long FEATURES = 0x1_7000_0000L;

    private final FrontEndMemory memory;
    private final EventFd event;
    private final TestDevice device = new TestDevice(QUEUES);
    private int answers;
    private int ends;

    MessageScenario() throws IOException {
        memory = FrontEndMemory.create(Rig.GUEST, 1 << 20);
        event = EventFd.create();
        device.config = () -> new byte[40];
    }

    int answers() {
        return answers;
    }

    int ends() {
        return ends;
    }

    void run(byte[] data) throws IOException {
        FuzzInput input = new FuzzInput(data);
        UnixSockets.Pair pair = UnixSockets.pair();
        try (VhostUserSocket socket = new VhostUserSocket(pair.one())) {
            if (input.next(8) != 0) { // refusals are answered and do not end the session
                byte[] agreed = message(16, Frame.VERSION, 8, new byte[] {8, 0, 0, 0, 0, 0, 0, 0});
                UnixSockets.send(pair.one(), agreed, List.of());
            }
            int sent = 0;
            // A socket's buffer holds all of this, so one thread can be both sides.
            while (!input.isEmpty() && sent < 40) {
                UnixSockets.send(pair.one(), message(input), descriptors(input));
                sent++;
            }
            VhostUserSession session =
                    new VhostUserSession(pair.other(), device, Duration.ofSeconds(1), true);
            try (session) {
                pair.one().setNonBlocking();
                // The session sees the end behind the last message, and can still answer.
                UnixSockets.shutDownWriting(pair.one());
                session.serve();
            } catch (VhostUserException e) {
                ends++;
            } catch (ErrnoException e) {
                ends++; // refused by the kernel, or nobody there to be answered
            }
            drain(socket);
        }
    }

    private void drain(VhostUserSocket socket) throws IOException {
        try {
            while (true) {
                Optional<Frame> frame = socket.receive();
                if (frame.isEmpty()) {
                    return;
                }
                answers++;
                frame.get().close();
            }
        } catch (ErrnoException e) {
            // nothing more there
        }
    }

    private byte[] message(FuzzInput input) {
        if (input.next(64) == 0) {
            return input.nextBytes(1 + input.next(64));
        }
        RequestCode code = CODES.get(input.next(CODES.size()));
        byte[] payload = input.next(16) == 0 ? input.nextBytes(input.next(64)) : of(code, input);
        int number = input.next(32) == 0 ? (int) input.nextLong(4) : code.number();
        int flags =
                input.next(32) == 0
                        ? input.next()
                        : Frame.VERSION | (input.next(8) == 0 ? 0 : Frame.NEED_REPLY);
        int size = input.next(64) == 0 ? (int) input.nextLong(4) : payload.length;
        return message(number, flags, size, payload);
    }

    private static byte[] message(int number, int flags, int size, byte[] payload) {
        byte[] bytes = new byte[Frame.HEADER_BYTES + payload.length];
        ByteBuffer message = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        message.putInt(number).putInt(flags).putInt(size).put(payload);
        return bytes;
    }

    /** What a front-end would send, with a wrong number in it now and then. */
    private byte[] of(RequestCode code, FuzzInput input) {
        byte[] bytes = new byte[256];
        ByteBuffer payload = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        long user = memory.region().userAddress();
        int queue = input.next(16) == 0 ? (int) input.nextLong(4) : input.next(QUEUES);
        switch (code) {
            case GET_FEATURES,
                    SET_OWNER,
                    RESET_OWNER,
                    GET_PROTOCOL_FEATURES,
                    GET_QUEUE_NUM,
                    RESET_DEVICE,
                    GET_MAX_MEM_SLOTS,
                    GET_STATUS,
                    CHECK_DEVICE_STATE,
                    SET_LOG_FD,
                    SET_BACKEND_REQ_FD -> {}
            case SET_FEATURES, SET_PROTOCOL_FEATURES, SET_STATUS ->
                    payload.putLong(input.next(2) == 0 ? input.nextLong(8) : FEATURES);
            case SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR ->
                    payload.putLong((queue & 0xff) | (input.next(3) == 0 ? 0x100 : 0));
            case SET_VRING_NUM -> payload.putInt(queue).putInt(number(input, 1 << input.next(12)));
            case SET_VRING_BASE -> payload.putInt(queue).putInt(number(input, 0));
            case GET_VRING_BASE -> payload.putInt(queue).putInt(0);
            case SET_VRING_ENABLE -> payload.putInt(queue).putInt(input.next(2));
            case SET_VRING_ADDR -> {
                payload.putInt(queue).putInt(input.next(2));
                for (int i = 0; i < 4; i++) {
                    payload.putLong(input.next(16) == 0 ? input.nextLong(8) : user + 8192L * i);
                }
            }
            case SET_MEM_TABLE -> {
                payload.putLong(number(input, 1)).putLong(Rig.GUEST).putLong(1 << 20);
                payload.putLong(user).putLong(number(input, 0));
            }
            case ADD_MEM_REG, REM_MEM_REG -> {
                payload.putLong(0).putLong(Rig.GUEST).putLong(number(input, 1 << 20));
                payload.putLong(user).putLong(0);
            }
            case SET_LOG_BASE -> payload.putLong(number(input, 4096)).putLong(number(input, 0));
            case GET_CONFIG, SET_CONFIG ->
                    payload.putInt(number(input, 36)).putInt(4).putInt(0).putInt(2);
            case GET_INFLIGHT_FD, SET_INFLIGHT_FD -> {
                payload.putLong(number(input, 8192)).putLong(number(input, 0));
                payload.putShort((short) QUEUES).putShort((short) (1 << input.next(8))).putInt(0);
            }
            case SET_DEVICE_STATE_FD -> payload.putInt(input.next(2)).putInt(0);
        }
        return Arrays.copyOf(bytes, payload.position());
    }

    private static int number(FuzzInput input, int usual) {
        return input.next(16) == 0 ? (int) input.nextLong(4) : usual;
    }

    private List<Fd> descriptors(FuzzInput input) {
        List<Fd> descriptors = new ArrayList<>();
        for (int count = input.next(8) == 0 ? input.next(4) : 1; count > 0; count--) {
            descriptors.add(input.next(2) == 0 ? memory.file() : event.fd());
        }
        return descriptors;
    }

    @Override
    public void close() {
        memory.close();
        event.close();
    }
}
