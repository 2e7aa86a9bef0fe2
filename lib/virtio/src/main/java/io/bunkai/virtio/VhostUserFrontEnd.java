// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import java.util.List;
import java.util.Optional;

/**
 * The machine's side of a vhost-user connection, for programs that use a back-end without there
 * being a machine: measurements and tests. Used by one thread, which waits for each answer.
 *
 * <pre>{@code
 * var frontEnd = new VhostUserFrontEnd(UnixSockets.connect(path));
 * long features = frontEnd.negotiate(~0L, ~0L);
 * var memory = FrontEndMemory.create(0, 64 << 20);
 * frontEnd.share(List.of(memory));
 * var queue = new DriverQueue(memory, 0, 128, features);
 * frontEnd.start(0, queue);
 * }</pre>
 *
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user
 */
public final class VhostUserFrontEnd implements AutoCloseable {
    private final VhostUserSocket socket;
    private long features;
    private long protocolFeatures;

    /**
     * Takes over a connection to a back-end.
     *
     * @param socket owned by this from now on
     */
    public VhostUserFrontEnd(Fd socket) {
        this.socket = new VhostUserSocket(socket);
    }

    /**
     * Agrees with the back-end on features, and becomes the session's owner.
     *
     * @param wanted feature bits to use if they are offered
     * @param wantedOfProtocol features of the protocol to use if they are offered
     * @return the feature bits in use
     */
    public long negotiate(long wanted, long wantedOfProtocol)
            throws VhostUserException, ErrnoException {
        features = number(new FrontEndRequest.GetFeatures()) & wanted & ~VirtioFeatures.LOG_ALL;
        if ((features & VirtioFeatures.PROTOCOL_FEATURES) != 0) {
            long offered = number(new FrontEndRequest.GetProtocolFeatures());
            long used = offered & wantedOfProtocol;
            tell(new FrontEndRequest.SetProtocolFeatures(used));
            protocolFeatures = used;
        }
        tell(new FrontEndRequest.SetOwner());
        tell(new FrontEndRequest.SetFeatures(features));
        return features;
    }

    /** {@return the features of the protocol in use} */
    public long protocolFeatures() {
        return protocolFeatures;
    }

    /** {@return how many queues the back-end has} */
    public int queues() throws VhostUserException, ErrnoException {
        return (int) number(new FrontEndRequest.GetQueueNum());
    }

    /** Makes this memory the guest's, in the place of all that was so before. */
    public void share(List<FrontEndMemory> all) throws VhostUserException, ErrnoException {
        tell(
                new FrontEndRequest.SetMemTable(
                        all.stream().map(FrontEndMemory::region).toList(),
                        all.stream().map(FrontEndMemory::file).toList()));
    }

    /** Adds memory to the guest's. */
    public void add(FrontEndMemory memory) throws VhostUserException, ErrnoException {
        tell(new FrontEndRequest.AddMemReg(memory.region(), memory.file()));
    }

    /** Takes memory from the guest. */
    public void remove(FrontEndMemory memory) throws VhostUserException, ErrnoException {
        tell(new FrontEndRequest.RemMemReg(memory.region()));
    }

    /** Hands a queue that is new to the back-end, which serves it from then on. */
    public void start(int index, DriverQueue queue) throws VhostUserException, ErrnoException {
        start(index, queue, 0);
    }

    /**
     * Hands a queue to the back-end, which serves it from then on.
     *
     * @param base what {@link #stop} has answered
     */
    public void start(int index, DriverQueue queue, int base)
            throws VhostUserException, ErrnoException {
        tell(new FrontEndRequest.SetVringNum(index, queue.size()));
        tell(new FrontEndRequest.SetVringBase(index, base));
        boolean logged = (features & VirtioFeatures.LOG_ALL) != 0;
        tell(new FrontEndRequest.SetVringAddr(index, queue.addresses(logged)));
        tell(new FrontEndRequest.SetVringCall(index, queue.call().fd()));
        tell(new FrontEndRequest.SetVringErr(index, queue.error().fd()));
        tell(new FrontEndRequest.SetVringKick(index, queue.kick().fd()));
        if ((features & VirtioFeatures.PROTOCOL_FEATURES) != 0) {
            tell(new FrontEndRequest.SetVringEnable(index, true));
        }
    }

    /**
     * Takes a queue from the back-end, once what is in flight has been given back.
     *
     * @return where the queue goes on
     */
    public int stop(int index) throws VhostUserException, ErrnoException {
        return switch (ask(new FrontEndRequest.GetVringBase(index))) {
            case BackEndReply.VringBase(_, int base) -> base;
            case BackEndReply.Value _, BackEndReply.Config _, BackEndReply.Inflight _ ->
                    throw new VhostUserException("no index of queue " + index);
        };
    }

    /** Sets the feature bits anew, as when the log of dirty pages is turned on or off. */
    void features(long value) throws VhostUserException, ErrnoException {
        features = value;
        tell(new FrontEndRequest.SetFeatures(value));
    }

    private long number(FrontEndRequest request) throws VhostUserException, ErrnoException {
        return switch (ask(request)) {
            case BackEndReply.Value(long value) -> value;
            case BackEndReply.VringBase _, BackEndReply.Config _, BackEndReply.Inflight _ ->
                    throw new VhostUserException("no number as an answer to " + request);
        };
    }

    /**
     * Sends a request that has no answer of its own, and waits until it is carried out if the
     * back-end can tell.
     *
     * @throws VhostUserException if it was refused
     */
    void tell(FrontEndRequest request) throws VhostUserException, ErrnoException {
        if ((protocolFeatures & ProtocolFeatures.REPLY_ACK) == 0) {
            socket.send(VhostUserCodec.frame(request, false));
        } else {
            socket.send(VhostUserCodec.frame(request, true));
            if (!answer(request).equals(BackEndReply.Value.DONE)) {
                throw new VhostUserException("the back-end refused " + request);
            }
        }
    }

    /** {@return the answer to a request that has one; a descriptor in it is the caller's} */
    BackEndReply ask(FrontEndRequest request) throws VhostUserException, ErrnoException {
        socket.send(VhostUserCodec.frame(request, false));
        return answer(request);
    }

    private BackEndReply answer(FrontEndRequest request) throws VhostUserException, ErrnoException {
        Optional<Frame> received = socket.receive();
        if (received.isEmpty()) {
            throw new VhostUserException("the back-end has ended the connection");
        }
        try (Frame frame = received.get()) {
            BackEndReply reply = VhostUserCodec.reply(request, frame);
            if (reply instanceof BackEndReply.Inflight(_, _, _, _, Fd file)) {
                frame.take(file);
            }
            return reply;
        }
    }

    /** {@return the connection itself, for whoever does not keep to the protocol} */
    VhostUserSocket socket() {
        return socket;
    }

    /** Ends the connection. */
    @Override
    public void close() {
        socket.close();
    }
}
