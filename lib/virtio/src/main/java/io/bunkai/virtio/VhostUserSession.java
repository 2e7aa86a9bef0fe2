// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.EventFd;
import io.bunkai.linux.Fd;
import io.bunkai.linux.SharedMemory;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The device's side of one vhost-user connection: what a virtual machine monitor tells a device
 * about the guest's memory and queues, and what it wants to know.
 *
 * <p>{@link #serve} runs on its caller's thread, a platform thread; each queue has one of its own.
 * A message that cannot be carried out is refused if the front-end has asked for an answer, and
 * ends the session if it has not: the two would not mean the same any more. What the <em>guest</em>
 * may have caused breaks a queue and nothing else.
 *
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user
 */
public final class VhostUserSession implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(VhostUserSession.class.getName());

    /** How long a queue that stops waits for requests in flight: QEMU does nothing meanwhile. */
    private static final Duration DRAIN = Duration.ofSeconds(2);

    private static final long RING_FEATURES =
            VirtioFeatures.VERSION_1
                    | VirtioFeatures.INDIRECT_DESC
                    | VirtioFeatures.EVENT_IDX
                    | VirtioFeatures.LOG_ALL
                    | VirtioFeatures.PROTOCOL_FEATURES;
    private static final long PROTOCOL_FEATURES =
            ProtocolFeatures.MQ
                    | ProtocolFeatures.LOG_SHMFD
                    | ProtocolFeatures.REPLY_ACK
                    | ProtocolFeatures.BACKEND_REQ
                    | ProtocolFeatures.INFLIGHT_SHMFD
                    | ProtocolFeatures.RESET_DEVICE
                    | ProtocolFeatures.CONFIGURE_MEM_SLOTS;

    /** Messages about descriptors have eight bits for a queue. */
    private static final int MOST_QUEUES = 256;

    /** Device status: the device is in a state that only a reset gets it out of. */
    private static final long DEVICE_NEEDS_RESET = 64;

    /** Back-end request: the configuration has changed. */
    private static final int CONFIG_CHANGE_MSG = 2;

    /** In the answer to SET_DEVICE_STATE_FD: the front-end's own descriptor is used. */
    private static final int NO_DESCRIPTOR = 1 << 8;

    private final VhostUserSocket socket;
    private final VhostUserDevice device;
    private final Duration drain;
    private final long offered;
    private final long protocolOffered;
    private final VirtQueue[] queues;
    private final MemoryTable memory = new MemoryTable();
    private final Object backChannelLock = new Object();

    private long features;
    private long protocolFeatures;
    private long status;
    private @Nullable InflightArea inflight;
    private @Nullable StateTransfer transfer;
    private @Nullable VhostUserSocket backChannel; // guarded by backChannelLock

    /**
     * Prepares a session.
     *
     * @param socket a connection to the front-end, owned by this session from now on
     */
    public VhostUserSession(Fd socket, VhostUserDevice device) {
        this(socket, device, DRAIN, false);
    }

    /**
     * Prepares a session.
     *
     * @param socket a connection to the front-end, owned by this session from now on
     * @param drain how long a queue that stops waits for requests in flight
     * @param offerStatus whether the front-end may tell the device status. QEMU then resets the
     *     device whenever it stops it, a paused machine included.
     */
    public VhostUserSession(
            Fd socket, VhostUserDevice device, Duration drain, boolean offerStatus) {
        this.socket = new VhostUserSocket(socket);
        this.device = device;
        this.drain = drain;
        this.offered = RING_FEATURES | device.features();
        this.protocolOffered =
                PROTOCOL_FEATURES
                        | (device.config().isPresent() ? ProtocolFeatures.CONFIG : 0)
                        | (device.state().isPresent() ? ProtocolFeatures.DEVICE_STATE : 0)
                        | (offerStatus ? ProtocolFeatures.STATUS : 0);
        if (device.queues() < 1 || device.queues() > MOST_QUEUES) {
            throw new IllegalArgumentException("a device of " + device.queues() + " queues");
        }
        this.queues = new VirtQueue[device.queues()];
        for (int i = 0; i < queues.length; i++) {
            queues[i] = new VirtQueue(i, device, device.limits(i));
        }
    }

    /**
     * Serves the front-end until it ends the connection or {@link #stop} is called.
     *
     * @throws VhostUserException if the front-end did not keep to the protocol, or wanted what
     *     cannot be done
     * @throws IOException if the connection broke
     */
    public void serve() throws IOException {
        while (true) {
            Optional<Frame> received = socket.receive();
            if (received.isEmpty()) {
                return;
            }
            try (Frame frame = received.get()) {
                answer(frame);
            }
        }
    }

    /** Makes {@link #serve} return. For any thread. */
    public void stop() {
        socket.shutDown();
    }

    /** {@return what a queue has done so far} For any thread. */
    public QueueCounters counters(int queue) {
        return queues[queue].counters();
    }

    /**
     * Tells the front-end that the device's configuration has changed. For any thread.
     *
     * @return whether there is a way to tell it
     * @throws IOException if that way broke
     */
    public boolean tellConfigChanged() throws IOException {
        synchronized (backChannelLock) {
            if (backChannel == null) {
                return false;
            }
            backChannel.send(new Frame(CONFIG_CHANGE_MSG, Frame.VERSION, new byte[0], List.of()));
            return true;
        }
    }

    /**
     * Stops all queues, waiting for requests in flight as long as a stopping queue does, and lets
     * go of everything that came from the front-end. After {@link #serve} has returned.
     */
    @Override
    public void close() {
        Deadline deadline = Deadline.after(drain);
        try (Closer all = new Closer()) {
            all.own(socket);
            all.onClose(this::closeBackChannel);
            all.onClose(() -> connectInflight(null));
            all.own(memory);
            for (VirtQueue queue : queues) {
                all.own(queue);
            }
            for (VirtQueue queue : queues) {
                queue.halt(deadline);
            }
        }
    }

    // --- requests -----------------------------------------------------------------------------

    private void answer(Frame frame) throws IOException {
        boolean wantsAnswer =
                frame.needsReply() && (protocolFeatures & ProtocolFeatures.REPLY_ACK) != 0;
        BackEndReply reply;
        try {
            if (frame.isReply()) {
                throw new VhostUserException("an answer that nobody has asked for");
            }
            reply = carryOut(VhostUserCodec.request(frame), frame);
            if (reply == null && wantsAnswer) {
                reply = BackEndReply.Value.DONE;
            }
        } catch (GuestFault e) { // has been told by the queue
            reply = wantsAnswer ? BackEndReply.Value.REFUSED : null;
        } catch (VhostUserException | ErrnoException e) {
            if (!wantsAnswer) {
                throw e;
            }
            LOG.log(
                    System.Logger.Level.WARNING,
                    "a request of the front-end was refused request={0} reason={1}",
                    frame.request(),
                    e.getMessage());
            reply = BackEndReply.Value.REFUSED;
        }
        frame.close(); // before the answer: whoever has it may rely on that
        if (reply != null) {
            send(frame, reply);
        }
    }

    private void send(Frame frame, BackEndReply reply) throws IOException {
        socket.send(VhostUserCodec.frame(frame.request(), reply));
        if (reply instanceof BackEndReply.Inflight(_, _, _, _, Fd file)) {
            file.close();
        }
    }

    /** {@return the answer of requests that have one of their own} */
    private @Nullable BackEndReply carryOut(FrontEndRequest request, Frame frame)
            throws IOException, GuestFault {
        switch (request) {
            case FrontEndRequest.GetFeatures() -> {
                return new BackEndReply.Value(offered);
            }
            case FrontEndRequest.SetFeatures(long wanted) -> setFeatures(wanted);
            case FrontEndRequest.GetProtocolFeatures() -> {
                return new BackEndReply.Value(protocolOffered);
            }
            case FrontEndRequest.SetProtocolFeatures(long wanted) -> {
                checkOffered("protocol features", wanted, protocolOffered);
                protocolFeatures = wanted;
            }
            case FrontEndRequest.SetOwner(), FrontEndRequest.ResetOwner() -> {
                // There is nobody else that could own the session, and no state is tied to it.
            }
            case FrontEndRequest.SetMemTable(var regions, var files) -> {
                memory.replace(regions, files);
                memoryChanged();
            }
            case FrontEndRequest.AddMemReg(var region, var file) -> {
                memory.add(region, file);
                memoryChanged();
            }
            case FrontEndRequest.RemMemReg(var region) -> {
                memory.remove(region);
                memoryChanged();
            }
            case FrontEndRequest.GetMaxMemSlots() -> {
                return new BackEndReply.Value(MemoryTable.MOST_REGIONS);
            }
            case FrontEndRequest.SetLogBase(long size, long offset, var file) -> {
                memory.logTo(DirtyLog.map(file, size, offset));
                memoryChanged();
                return BackEndReply.Value.DONE; // whether or not it was asked for
            }
            case FrontEndRequest.SetLogFd(var event) ->
                    memory.logChanged(EventFd.of(frame.take(event)));
            case FrontEndRequest.GetQueueNum() -> {
                return new BackEndReply.Value(queues.length);
            }
            case FrontEndRequest.SetVringNum(int queue, int size) -> queue(queue).size(size);
            case FrontEndRequest.SetVringAddr(int queue, var addresses) ->
                    queue(queue).addresses(addresses, memory.current());
            case FrontEndRequest.SetVringBase(int queue, int base) -> queue(queue).base(base);
            case FrontEndRequest.GetVringBase(int queue) -> {
                int base = queue(queue).stop(Deadline.after(drain));
                return new BackEndReply.VringBase(queue, base);
            }
            case FrontEndRequest.SetVringKick(int queue, var event) ->
                    queue(queue).kick(take(frame, event), surroundings());
            case FrontEndRequest.SetVringCall(int queue, var event) ->
                    queue(queue).call(take(frame, event));
            case FrontEndRequest.SetVringErr(int queue, var event) ->
                    queue(queue).error(take(frame, event));
            case FrontEndRequest.SetVringEnable(int queue, boolean enable) ->
                    queue(queue).enable(enable, surroundings());
            case FrontEndRequest.SetBackendReqFd(var channel) ->
                    connectBackChannel(frame.take(channel));
            case FrontEndRequest.GetConfig(int offset, int size, int flags) -> {
                return new BackEndReply.Config(offset, flags, config(offset, size));
            }
            case FrontEndRequest.SetConfig set -> setConfig(set);
            case FrontEndRequest.GetInflightFd(int count, int size) -> {
                return newInflight(count, size);
            }
            case FrontEndRequest.SetInflightFd(
                            long bytes,
                            long offset,
                            int count,
                            int size,
                            var file) ->
                    connectInflight(InflightArea.map(file, bytes, offset, count, size));
            case FrontEndRequest.ResetDevice() -> reset();
            case FrontEndRequest.SetStatus(long value) -> setStatus(value);
            case FrontEndRequest.GetStatus() -> {
                boolean broken = Arrays.stream(queues).anyMatch(queue -> queue.fault() != null);
                return new BackEndReply.Value(status | (broken ? DEVICE_NEEDS_RESET : 0));
            }
            case FrontEndRequest.SetDeviceStateFd(boolean load, var pipe) -> {
                return transfer(load, frame.take(pipe));
            }
            case FrontEndRequest.CheckDeviceState() -> {
                boolean arrived = transfer != null && transfer.succeeded(Deadline.after(drain));
                return arrived ? BackEndReply.Value.DONE : BackEndReply.Value.REFUSED;
            }
            case FrontEndRequest.Unknown(int number) -> {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "an unknown request of the front-end was ignored request={0}",
                        Integer.toUnsignedString(number));
                return frame.needsReply() && (protocolFeatures & ProtocolFeatures.REPLY_ACK) != 0
                        ? BackEndReply.Value.REFUSED
                        : null;
            }
        }
        return null;
    }

    private static @Nullable Fd take(Frame frame, @Nullable Fd descriptor) {
        return descriptor == null ? null : frame.take(descriptor);
    }

    private static void checkOffered(String what, long wanted, long offered)
            throws VhostUserException {
        if ((wanted & ~offered) != 0) {
            throw new VhostUserException(
                    "%s 0x%x were not offered, which are 0x%x"
                            .formatted(what, wanted & ~offered, offered));
        }
    }

    private VirtQueue queue(int index) throws VhostUserException {
        if (index < 0 || index >= queues.length) {
            throw new VhostUserException(
                    "there is no queue %s, there are %d"
                            .formatted(Integer.toUnsignedString(index), queues.length));
        }
        return queues[index];
    }

    private VirtQueue.Surroundings surroundings() {
        return new VirtQueue.Surroundings(memory.current(), features, inflight);
    }

    private void memoryChanged() {
        for (VirtQueue queue : queues) {
            queue.memoryChanged(memory.current());
        }
    }

    private void setFeatures(long wanted) throws IOException, GuestFault {
        checkOffered("features", wanted, offered);
        boolean logged = (features & VirtioFeatures.LOG_ALL) != 0;
        boolean logs = (wanted & VirtioFeatures.LOG_ALL) != 0;
        features = wanted;
        if (logged != logs) {
            memory.logging(logs);
            memoryChanged();
            device.migrating(logs);
        }
        device.negotiated(wanted & ~RING_FEATURES);
        if ((wanted & VirtioFeatures.PROTOCOL_FEATURES) == 0) {
            for (VirtQueue queue : queues) { // nobody will say so
                queue.enable(true, surroundings());
            }
        }
    }

    private byte[] config(int offset, int size) {
        byte[] all = device.config().map(DeviceConfig::read).orElse(new byte[0]);
        return offset + size <= all.length
                ? Arrays.copyOfRange(all, offset, offset + size)
                : new byte[0];
    }

    private void setConfig(FrontEndRequest.SetConfig set) throws VhostUserException {
        boolean migration = (set.flags() & FrontEndRequest.SetConfig.MIGRATION) != 0;
        byte[] data = set.data();
        Optional<DeviceConfig> config = device.config();
        if (config.isEmpty() || !config.get().write(set.offset(), data, migration)) {
            throw new VhostUserException(
                    "%d bytes of configuration at %d may not be written"
                            .formatted(data.length, set.offset()));
        }
    }

    private BackEndReply newInflight(int count, int size) throws IOException {
        if (count < 1 || count > queues.length || !RingAddresses.isPossibleSize(size)) {
            throw new VhostUserException(
                    "there can be no inflight area for %d queues of %d".formatted(count, size));
        }
        long bytes = InflightArea.bytes(count, size);
        Fd file = SharedMemory.createFile("vhost-inflight", bytes);
        return new BackEndReply.Inflight(bytes, 0, count, size, file);
    }

    private void connectInflight(@Nullable InflightArea area) {
        if (inflight != null) {
            inflight.letGo(); // queues that run hold it themselves
        }
        inflight = area;
    }

    private void connectBackChannel(Fd channel) {
        synchronized (backChannelLock) {
            closeBackChannel();
            backChannel = new VhostUserSocket(channel);
        }
    }

    private void closeBackChannel() {
        synchronized (backChannelLock) {
            if (backChannel != null) {
                backChannel.close();
                backChannel = null;
            }
        }
    }

    private void reset() {
        Deadline deadline = Deadline.after(drain);
        for (VirtQueue queue : queues) {
            queue.reset(deadline);
        }
        device.reset();
    }

    private void setStatus(long value) {
        status = value;
        if (value == 0) {
            Deadline deadline = Deadline.after(drain);
            for (VirtQueue queue : queues) {
                queue.reset(deadline);
            }
        }
    }

    private BackEndReply transfer(boolean load, Fd pipe) {
        Optional<DeviceState> state = device.state();
        if (state.isEmpty()) {
            pipe.close();
            return new BackEndReply.Value(NO_DESCRIPTOR | 1);
        }
        transfer = StateTransfer.start(state.get(), load, pipe);
        return new BackEndReply.Value(NO_DESCRIPTOR);
    }
}
