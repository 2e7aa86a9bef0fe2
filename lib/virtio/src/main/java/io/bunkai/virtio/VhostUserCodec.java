// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.Fd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Messages to bytes and back. Numbers are in the machine's own order. A payload's size and the
 * count of descriptors are checked before anything is read of it.
 *
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user, Payload
 */
final class VhostUserCodec {
    private static final int U64_BYTES = 8;
    private static final int STATE_BYTES = 8;
    private static final int ADDRESSES_BYTES = 40;
    private static final int REGION_BYTES = 32;
    private static final int TABLE_HEADER_BYTES = 8;
    private static final int SINGLE_REGION_BYTES = 40;
    private static final int LOG_BYTES = 16;
    private static final int CONFIG_HEADER_BYTES = 12;

    /** The C structure has four bytes of padding at its end; the specification shows none. */
    private static final int INFLIGHT_BYTES = 24;

    private static final int INFLIGHT_BYTES_UNPADDED = 20;
    private static final int TRANSFER_BYTES = 8;
    private static final int QUEUE_MASK = 0xff;
    private static final int NO_DESCRIPTOR = 1 << 8;
    private static final int RING_LOGGED = 1;
    private static final int LARGEST_CONFIG = 256;
    private static final int LOAD = 1;

    private VhostUserCodec() {}

    // --- requests -----------------------------------------------------------------------------

    /**
     * {@return the request of a frame, which goes on owning its descriptors}
     *
     * @throws VhostUserException if size or descriptors are not those of this request
     */
    static FrontEndRequest request(Frame frame) throws VhostUserException {
        Optional<RequestCode> code = RequestCode.of(frame.request());
        return code.isPresent()
                ? request(code.get(), frame)
                : new FrontEndRequest.Unknown(frame.request());
    }

    private static FrontEndRequest request(RequestCode code, Frame frame)
            throws VhostUserException {
        return switch (code) {
            case GET_FEATURES -> empty(code, frame, new FrontEndRequest.GetFeatures());
            case GET_PROTOCOL_FEATURES ->
                    empty(code, frame, new FrontEndRequest.GetProtocolFeatures());
            case SET_OWNER -> empty(code, frame, new FrontEndRequest.SetOwner());
            case RESET_OWNER -> empty(code, frame, new FrontEndRequest.ResetOwner());
            case GET_QUEUE_NUM -> empty(code, frame, new FrontEndRequest.GetQueueNum());
            case GET_MAX_MEM_SLOTS -> empty(code, frame, new FrontEndRequest.GetMaxMemSlots());
            case RESET_DEVICE -> empty(code, frame, new FrontEndRequest.ResetDevice());
            case GET_STATUS -> empty(code, frame, new FrontEndRequest.GetStatus());
            case CHECK_DEVICE_STATE -> empty(code, frame, new FrontEndRequest.CheckDeviceState());
            case SET_FEATURES -> new FrontEndRequest.SetFeatures(number(code, frame));
            case SET_PROTOCOL_FEATURES ->
                    new FrontEndRequest.SetProtocolFeatures(number(code, frame));
            case SET_STATUS -> new FrontEndRequest.SetStatus(number(code, frame));
            case SET_VRING_KICK ->
                    new FrontEndRequest.SetVringKick(queue(code, frame), event(code, frame));
            case SET_VRING_CALL ->
                    new FrontEndRequest.SetVringCall(queue(code, frame), event(code, frame));
            case SET_VRING_ERR ->
                    new FrontEndRequest.SetVringErr(queue(code, frame), event(code, frame));
            case SET_VRING_NUM -> {
                ByteBuffer state = payload(code, frame, STATE_BYTES);
                yield new FrontEndRequest.SetVringNum(state.getInt(), state.getInt());
            }
            case SET_VRING_BASE -> {
                ByteBuffer state = payload(code, frame, STATE_BYTES);
                yield new FrontEndRequest.SetVringBase(state.getInt(), state.getInt());
            }
            case GET_VRING_BASE -> {
                ByteBuffer state = payload(code, frame, STATE_BYTES);
                yield new FrontEndRequest.GetVringBase(state.getInt());
            }
            case SET_VRING_ENABLE -> {
                ByteBuffer state = payload(code, frame, STATE_BYTES);
                yield new FrontEndRequest.SetVringEnable(state.getInt(), state.getInt() != 0);
            }
            case SET_VRING_ADDR -> addresses(payload(code, frame, ADDRESSES_BYTES));
            case SET_MEM_TABLE -> memTable(code, frame);
            case ADD_MEM_REG -> {
                ByteBuffer payload = payload(code, frame, SINGLE_REGION_BYTES);
                payload.getLong(); // padding
                yield new FrontEndRequest.AddMemReg(region(payload), one(code, frame));
            }
            case REM_MEM_REG -> {
                ByteBuffer payload = payload(code, frame, SINGLE_REGION_BYTES);
                payload.getLong(); // padding
                yield new FrontEndRequest.RemMemReg(region(payload));
            }
            case SET_LOG_BASE -> {
                ByteBuffer log = payload(code, frame, LOG_BYTES);
                yield new FrontEndRequest.SetLogBase(
                        log.getLong(), log.getLong(), one(code, frame));
            }
            case SET_LOG_FD -> new FrontEndRequest.SetLogFd(one(code, frame));
            case SET_BACKEND_REQ_FD -> new FrontEndRequest.SetBackendReqFd(one(code, frame));
            case GET_CONFIG -> getConfig(code, frame);
            case SET_CONFIG -> setConfig(code, frame);
            case GET_INFLIGHT_FD -> {
                ByteBuffer inflight = inflight(code, frame);
                inflight.position(2 * U64_BYTES); // sizes of the answer
                yield new FrontEndRequest.GetInflightFd(
                        Short.toUnsignedInt(inflight.getShort()),
                        Short.toUnsignedInt(inflight.getShort()));
            }
            case SET_INFLIGHT_FD -> {
                ByteBuffer inflight = inflight(code, frame);
                yield new FrontEndRequest.SetInflightFd(
                        inflight.getLong(),
                        inflight.getLong(),
                        Short.toUnsignedInt(inflight.getShort()),
                        Short.toUnsignedInt(inflight.getShort()),
                        one(code, frame));
            }
            case SET_DEVICE_STATE_FD -> {
                ByteBuffer transfer = payload(code, frame, TRANSFER_BYTES);
                int direction = transfer.getInt();
                int phase = transfer.getInt();
                if (direction < 0 || direction > LOAD || phase != 0) {
                    throw new VhostUserException(
                            "%s in direction %d, phase %d".formatted(code, direction, phase));
                }
                yield new FrontEndRequest.SetDeviceStateFd(direction == LOAD, one(code, frame));
            }
        };
    }

    private static FrontEndRequest memTable(RequestCode code, Frame frame)
            throws VhostUserException {
        int size = frame.payload().length;
        if (size < TABLE_HEADER_BYTES || (size - TABLE_HEADER_BYTES) % REGION_BYTES != 0) {
            throw wrongSize(code, size);
        }
        ByteBuffer table = buffer(frame.payload());
        int count = (size - TABLE_HEADER_BYTES) / REGION_BYTES;
        int told = table.getInt();
        table.getInt(); // padding
        List<Fd> files = frame.descriptors();
        if (told != count || files.size() != count) {
            throw new VhostUserException(
                    ("%s tells of %s regions, has %d and %d files; the machine's memory has to be"
                                    + " shared (QEMU: memory-backend-memfd,share=on)")
                            .formatted(code, Integer.toUnsignedString(told), count, files.size()));
        }
        List<MemoryRegion> regions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            regions.add(region(table));
        }
        return new FrontEndRequest.SetMemTable(regions, files);
    }

    private static FrontEndRequest addresses(ByteBuffer payload) {
        int queue = payload.getInt();
        int flags = payload.getInt();
        return new FrontEndRequest.SetVringAddr(
                queue,
                new RingAddresses(
                        payload.getLong(),
                        payload.getLong(),
                        payload.getLong(),
                        payload.getLong(),
                        (flags & RING_LOGGED) != 0));
    }

    private static FrontEndRequest getConfig(RequestCode code, Frame frame)
            throws VhostUserException {
        ByteBuffer config = config(code, frame);
        int offset = config.getInt();
        int size = config.getInt();
        return new FrontEndRequest.GetConfig(offset, size, config.getInt());
    }

    private static FrontEndRequest setConfig(RequestCode code, Frame frame)
            throws VhostUserException {
        ByteBuffer config = config(code, frame);
        int offset = config.getInt();
        byte[] data = new byte[config.getInt()];
        int flags = config.getInt();
        config.get(data);
        return new FrontEndRequest.SetConfig(offset, flags, data);
    }

    /** Offset, size, flags and that many bytes, all within the largest space there can be. */
    private static ByteBuffer config(RequestCode code, Frame frame) throws VhostUserException {
        int length = frame.payload().length;
        if (length < CONFIG_HEADER_BYTES) {
            throw wrongSize(code, length);
        }
        ByteBuffer config = buffer(frame.payload());
        int offset = config.getInt(0);
        int size = config.getInt(Integer.BYTES);
        if (offset < 0
                || offset > LARGEST_CONFIG
                || size != length - CONFIG_HEADER_BYTES
                || size > LARGEST_CONFIG - offset) {
            throw new VhostUserException(
                    "%s of %s bytes at %s in a payload of %d"
                            .formatted(
                                    code,
                                    Integer.toUnsignedString(size),
                                    Integer.toUnsignedString(offset),
                                    length));
        }
        return config;
    }

    private static ByteBuffer inflight(RequestCode code, Frame frame) throws VhostUserException {
        return frame.payload().length == INFLIGHT_BYTES_UNPADDED
                ? buffer(frame.payload())
                : payload(code, frame, INFLIGHT_BYTES);
    }

    private static MemoryRegion region(ByteBuffer payload) {
        long guestAddress = payload.getLong();
        long size = payload.getLong();
        long userAddress = payload.getLong();
        return new MemoryRegion(guestAddress, size, userAddress, payload.getLong());
    }

    private static FrontEndRequest empty(RequestCode code, Frame frame, FrontEndRequest request)
            throws VhostUserException {
        payload(code, frame, 0);
        return request;
    }

    private static long number(RequestCode code, Frame frame) throws VhostUserException {
        return payload(code, frame, U64_BYTES).getLong();
    }

    private static int queue(RequestCode code, Frame frame) throws VhostUserException {
        return (int) number(code, frame) & QUEUE_MASK;
    }

    private static @Nullable Fd event(RequestCode code, Frame frame) throws VhostUserException {
        if ((number(code, frame) & NO_DESCRIPTOR) == 0) {
            return one(code, frame);
        }
        if (!frame.descriptors().isEmpty()) {
            throw new VhostUserException(code + " says that it has no descriptor, and has one");
        }
        return null;
    }

    private static Fd one(RequestCode code, Frame frame) throws VhostUserException {
        List<Fd> all = frame.descriptors();
        if (all.size() != 1) {
            throw new VhostUserException(
                    "%s with %d descriptors instead of one".formatted(code, all.size()));
        }
        return all.getFirst();
    }

    private static ByteBuffer payload(RequestCode code, Frame frame, int size)
            throws VhostUserException {
        if (frame.payload().length != size) {
            throw wrongSize(code, frame.payload().length);
        }
        return buffer(frame.payload());
    }

    private static VhostUserException wrongSize(RequestCode code, int size) {
        return new VhostUserException("%s with a payload of %d bytes".formatted(code, size));
    }

    /** {@return the frame of a request; its descriptors are the request's} */
    static Frame frame(FrontEndRequest request, boolean needReply) {
        int flags = Frame.VERSION | (needReply ? Frame.NEED_REPLY : 0);
        return switch (request) {
            case FrontEndRequest.GetFeatures() -> frame(RequestCode.GET_FEATURES, flags);
            case FrontEndRequest.GetProtocolFeatures() ->
                    frame(RequestCode.GET_PROTOCOL_FEATURES, flags);
            case FrontEndRequest.SetOwner() -> frame(RequestCode.SET_OWNER, flags);
            case FrontEndRequest.ResetOwner() -> frame(RequestCode.RESET_OWNER, flags);
            case FrontEndRequest.GetQueueNum() -> frame(RequestCode.GET_QUEUE_NUM, flags);
            case FrontEndRequest.GetMaxMemSlots() -> frame(RequestCode.GET_MAX_MEM_SLOTS, flags);
            case FrontEndRequest.ResetDevice() -> frame(RequestCode.RESET_DEVICE, flags);
            case FrontEndRequest.GetStatus() -> frame(RequestCode.GET_STATUS, flags);
            case FrontEndRequest.CheckDeviceState() -> frame(RequestCode.CHECK_DEVICE_STATE, flags);
            case FrontEndRequest.SetFeatures(long features) ->
                    frame(RequestCode.SET_FEATURES, flags, longs(features));
            case FrontEndRequest.SetProtocolFeatures(long features) ->
                    frame(RequestCode.SET_PROTOCOL_FEATURES, flags, longs(features));
            case FrontEndRequest.SetStatus(long status) ->
                    frame(RequestCode.SET_STATUS, flags, longs(status));
            case FrontEndRequest.SetVringKick(int queue, var event) ->
                    frame(RequestCode.SET_VRING_KICK, flags, queue, event);
            case FrontEndRequest.SetVringCall(int queue, var event) ->
                    frame(RequestCode.SET_VRING_CALL, flags, queue, event);
            case FrontEndRequest.SetVringErr(int queue, var event) ->
                    frame(RequestCode.SET_VRING_ERR, flags, queue, event);
            case FrontEndRequest.SetVringNum(int queue, int size) ->
                    frame(RequestCode.SET_VRING_NUM, flags, ints(queue, size));
            case FrontEndRequest.SetVringBase(int queue, int base) ->
                    frame(RequestCode.SET_VRING_BASE, flags, ints(queue, base));
            case FrontEndRequest.GetVringBase(int queue) ->
                    frame(RequestCode.GET_VRING_BASE, flags, ints(queue, 0));
            case FrontEndRequest.SetVringEnable(int queue, boolean enable) ->
                    frame(RequestCode.SET_VRING_ENABLE, flags, ints(queue, enable ? 1 : 0));
            case FrontEndRequest.SetVringAddr(int queue, var addresses) -> {
                ByteBuffer payload = allocate(ADDRESSES_BYTES);
                payload.putInt(queue).putInt(addresses.logged() ? RING_LOGGED : 0);
                payload.putLong(addresses.descriptors()).putLong(addresses.used());
                payload.putLong(addresses.available()).putLong(addresses.log());
                yield frame(RequestCode.SET_VRING_ADDR, flags, bytes(payload));
            }
            case FrontEndRequest.SetMemTable(var regions, var files) -> {
                ByteBuffer payload = allocate(TABLE_HEADER_BYTES + REGION_BYTES * regions.size());
                payload.putInt(regions.size()).putInt(0);
                regions.forEach(region -> put(payload, region));
                yield frame(RequestCode.SET_MEM_TABLE, flags, bytes(payload), files);
            }
            case FrontEndRequest.AddMemReg(var region, var file) -> {
                ByteBuffer payload = allocate(SINGLE_REGION_BYTES).putLong(0);
                put(payload, region);
                yield frame(RequestCode.ADD_MEM_REG, flags, bytes(payload), List.of(file));
            }
            case FrontEndRequest.RemMemReg(var region) -> {
                ByteBuffer payload = allocate(SINGLE_REGION_BYTES).putLong(0);
                put(payload, region);
                yield frame(RequestCode.REM_MEM_REG, flags, bytes(payload));
            }
            case FrontEndRequest.SetLogBase(long size, long offset, var file) ->
                    frame(RequestCode.SET_LOG_BASE, flags, longs(size, offset), List.of(file));
            case FrontEndRequest.SetLogFd(var event) ->
                    frame(RequestCode.SET_LOG_FD, flags, new byte[0], List.of(event));
            case FrontEndRequest.SetBackendReqFd(var socket) ->
                    frame(RequestCode.SET_BACKEND_REQ_FD, flags, new byte[0], List.of(socket));
            case FrontEndRequest.GetConfig(int offset, int size, int configFlags) ->
                    frame(
                            RequestCode.GET_CONFIG,
                            flags,
                            config(offset, configFlags, new byte[size]));
            case FrontEndRequest.SetConfig set ->
                    frame(
                            RequestCode.SET_CONFIG,
                            flags,
                            config(set.offset(), set.flags(), set.data()));
            case FrontEndRequest.GetInflightFd(int queues, int size) ->
                    frame(RequestCode.GET_INFLIGHT_FD, flags, inflight(0, 0, queues, size));
            case FrontEndRequest.SetInflightFd(
                            long bytes,
                            long offset,
                            int queues,
                            int size,
                            var file) ->
                    frame(
                            RequestCode.SET_INFLIGHT_FD,
                            flags,
                            inflight(bytes, offset, queues, size),
                            List.of(file));
            case FrontEndRequest.SetDeviceStateFd(boolean load, var pipe) ->
                    frame(
                            RequestCode.SET_DEVICE_STATE_FD,
                            flags,
                            ints(load ? LOAD : 0, 0),
                            List.of(pipe));
            case FrontEndRequest.Unknown(int number) ->
                    new Frame(number, flags, new byte[0], List.of());
        };
    }

    private static void put(ByteBuffer payload, MemoryRegion region) {
        payload.putLong(region.guestAddress()).putLong(region.size());
        payload.putLong(region.userAddress()).putLong(region.fileOffset());
    }

    private static Frame frame(RequestCode code, int flags, int queue, @Nullable Fd event) {
        return event == null
                ? frame(code, flags, longs(queue | NO_DESCRIPTOR))
                : frame(code, flags, longs(queue), List.of(event));
    }

    private static Frame frame(RequestCode code, int flags) {
        return frame(code, flags, new byte[0]);
    }

    private static Frame frame(RequestCode code, int flags, byte[] payload) {
        return frame(code, flags, payload, List.of());
    }

    private static Frame frame(RequestCode code, int flags, byte[] payload, List<Fd> descriptors) {
        return new Frame(code.number(), flags, payload, descriptors);
    }

    // --- replies ------------------------------------------------------------------------------

    /** {@return the frame of an answer to {@code request}; its descriptors are the answer's} */
    static Frame frame(int request, BackEndReply reply) {
        int flags = Frame.VERSION | Frame.REPLY;
        return switch (reply) {
            case BackEndReply.Value(long value) ->
                    new Frame(request, flags, longs(value), List.of());
            case BackEndReply.VringBase(int queue, int base) ->
                    new Frame(request, flags, ints(queue, base), List.of());
            case BackEndReply.Config config -> // a refusal has no payload at all
                    new Frame(
                            request,
                            flags,
                            config.data().length == 0
                                    ? new byte[0]
                                    : config(config.offset(), config.flags(), config.data()),
                            List.of());
            case BackEndReply.Inflight(long bytes, long offset, int queues, int size, var file) ->
                    new Frame(request, flags, inflight(bytes, offset, queues, size), List.of(file));
        };
    }

    /**
     * {@return the answer to a request; its descriptor is the frame's}
     *
     * @throws VhostUserException if it is not an answer to that request
     */
    static BackEndReply reply(FrontEndRequest request, Frame frame) throws VhostUserException {
        int asked = frame(request, false).request();
        if (!frame.isReply() || frame.request() != asked) {
            throw new VhostUserException("%s instead of an answer to %d".formatted(frame, asked));
        }
        ByteBuffer payload = buffer(frame.payload());
        return switch (request) {
            case FrontEndRequest.GetVringBase _ -> {
                checkSize(frame, STATE_BYTES);
                yield new BackEndReply.VringBase(payload.getInt(), payload.getInt());
            }
            case FrontEndRequest.GetConfig(int offset, int size, int flags) -> {
                if (frame.payload().length == 0) {
                    yield new BackEndReply.Config(offset, flags, new byte[0]);
                }
                checkSize(frame, CONFIG_HEADER_BYTES + size);
                byte[] data = new byte[size];
                payload.get(CONFIG_HEADER_BYTES, data);
                yield new BackEndReply.Config(offset, flags, data);
            }
            case FrontEndRequest.GetInflightFd _ -> {
                checkSize(frame, INFLIGHT_BYTES);
                if (frame.descriptors().size() != 1) {
                    throw new VhostUserException("an inflight area without a file");
                }
                yield new BackEndReply.Inflight(
                        payload.getLong(),
                        payload.getLong(),
                        Short.toUnsignedInt(payload.getShort()),
                        Short.toUnsignedInt(payload.getShort()),
                        frame.descriptors().getFirst());
            }
            default -> { // everything else is answered by a number
                checkSize(frame, U64_BYTES);
                yield new BackEndReply.Value(payload.getLong());
            }
        };
    }

    private static void checkSize(Frame frame, int size) throws VhostUserException {
        if (frame.payload().length != size) {
            throw new VhostUserException("%s, of %d bytes expected".formatted(frame, size));
        }
    }

    // --- payloads -----------------------------------------------------------------------------

    private static byte[] longs(long... values) {
        ByteBuffer payload = allocate(Long.BYTES * values.length);
        for (long value : values) {
            payload.putLong(value);
        }
        return bytes(payload);
    }

    private static byte[] ints(int... values) {
        ByteBuffer payload = allocate(Integer.BYTES * values.length);
        for (int value : values) {
            payload.putInt(value);
        }
        return bytes(payload);
    }

    private static byte[] config(int offset, int flags, byte[] data) {
        ByteBuffer payload = allocate(CONFIG_HEADER_BYTES + data.length);
        return bytes(payload.putInt(offset).putInt(data.length).putInt(flags).put(data));
    }

    private static byte[] inflight(long bytes, long offset, int queues, int size) {
        ByteBuffer payload = allocate(INFLIGHT_BYTES).putLong(bytes).putLong(offset);
        return bytes(payload.putShort((short) queues).putShort((short) size).putInt(0));
    }

    private static ByteBuffer allocate(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
    }

    private static byte[] bytes(ByteBuffer payload) {
        byte[] bytes = new byte[payload.position()];
        payload.get(0, bytes);
        return bytes;
    }

    private static ByteBuffer buffer(byte[] payload) {
        return ByteBuffer.wrap(payload).order(ByteOrder.nativeOrder());
    }
}
