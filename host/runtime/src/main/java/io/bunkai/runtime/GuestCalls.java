// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import com.google.protobuf.MessageLite;
import io.bunkai.base.Deadline;
import io.bunkai.ttrpc.Method;
import java.io.IOException;

/** The guest's agent, as the runtime calls it. */
public interface GuestCalls {
    /**
     * Calls a method of the agent.
     *
     * @throws io.bunkai.base.Fault with the agent's code and text if it refused, DEADLINE_EXCEEDED
     *     if it did not answer
     * @throws IOException if the guest cannot be reached any more
     */
    <Q extends MessageLite, R extends MessageLite> R call(
            Method<Q, R> method, Q request, Deadline deadline) throws IOException;

    /**
     * {@return whether the agent has something beside Kata's protocol, {@link
     * io.bunkai.api.GuestMethods} says what}
     *
     * @throws io.bunkai.base.Fault DEADLINE_EXCEEDED if it does not say
     * @throws IOException if the guest cannot be reached any more
     */
    boolean offers(String feature) throws IOException;

    /**
     * Gives the agent up, since it has said what no agent says that means well: all calls fail from
     * now on, with this reason, and so end what depends on the guest.
     *
     * @param violation what it has done, as a clause: "it sent output that nobody asked for"
     */
    void giveUp(String violation);
}
