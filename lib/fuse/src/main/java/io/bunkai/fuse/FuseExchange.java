// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.lang.foreign.Arena;

/**
 * One request and its reply, between a transport and a {@link FuseServer}. To be used again and
 * again: the transport fills {@link #request} and {@link #reply}, hands it to {@link
 * FuseServer#serve}, and has it back when {@link Completion#completed} is called, possibly before
 * {@code serve} returns, possibly much later and on another thread.
 *
 * <p>It takes 2 KiB of the arena, which must live as long as the exchange is used.
 */
public final class FuseExchange {
    /** Takes a finished exchange back. Called once for each call of {@link FuseServer#serve}. */
    @FunctionalInterface
    public interface Completion {
        /**
         * Delivers a reply to the peer.
         *
         * @param exchange from here on the transport's again
         * @param length of the reply, whose bytes lie in {@link FuseExchange#reply}; 0 if there is
         *     none, because the request has none or because not even a header fits
         */
        void completed(FuseExchange exchange, int length);
    }

    private final Completion completion;
    private final Ranges request = new Ranges();
    private final Ranges reply = new Ranges();
    private final RequestView view;
    private final ReplyEncoder encoder;

    /** What the encoder answered when this request was begun. */
    long opened;

    /** See {@link #moved}. */
    long moved;

    /** An exchange with memory that lives as long as the exchange. */
    public FuseExchange(Completion completion) {
        this(Arena.ofAuto(), completion);
    }

    /** An exchange with memory of that arena. */
    public FuseExchange(Arena arena, Completion completion) {
        this.completion = completion;
        this.view = new RequestView(arena);
        this.encoder = new ReplyEncoder(this, arena);
    }

    /** {@return what the peer has written: header, arguments, data} */
    public Ranges request() {
        return request;
    }

    /** {@return where the peer expects the reply; nothing for a FORGET} */
    public Ranges reply() {
        return reply;
    }

    /**
     * {@return how many bytes of a file the reply says were read, written or copied} To be asked
     * when the exchange has come back.
     */
    public long moved() {
        return moved;
    }

    RequestView view() {
        return view;
    }

    ReplyEncoder encoder() {
        return encoder;
    }

    void complete(int length) {
        completion.completed(this, length);
    }
}
