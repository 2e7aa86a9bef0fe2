// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

/**
 * The one place that every request passes which moves data of files: reading, writing, copying,
 * allocating. Whether it is done at once or by another thread is decided here.
 */
interface DataGate {
    /**
     * Lets something be done that moves bytes.
     *
     * @param bytes how many are asked for
     * @param work answers the request, on whatever thread, when it is its turn
     */
    void move(long bytes, Runnable work);

    /** Lets something be done that moves no bytes and may take long. */
    void slowly(Runnable work);

    /** {@return whether a request for so many bytes is to be served by the thread that asks} */
    boolean now(long bytes, Worker worker);

    /** What {@link #begin} answers if nobody wants to know how a request is served. */
    long NOT_LOOKED_AT = -1;

    /** Called before bytes are moved, by who does so; {@return what {@link #end} wants to know} */
    long begin(long bytes, Worker worker);

    /** Called after they were moved, by the same thread. */
    void end(long begun, long bytes, Worker worker);
}
