// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import com.google.protobuf.Empty;
import io.bunkai.api.containerd.ForwardRequest;
import io.bunkai.ttrpc.Method;

/** What a shim asks of containerd, on the socket that TTRPC_ADDRESS names: to take its events. */
public final class EventsMethods {
    /** Full name of the service, the same from containerd 1.6 to 2.3. */
    public static final String SERVICE = "containerd.services.events.ttrpc.v1.Events";

    /** {@code Forward} */
    public static final Method<ForwardRequest, Empty> FORWARD =
            new Method<>(SERVICE, "Forward", ForwardRequest::parser, Empty::parser);

    private EventsMethods() {}
}
