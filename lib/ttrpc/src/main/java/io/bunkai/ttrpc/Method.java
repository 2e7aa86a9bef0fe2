// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.util.function.Supplier;

/**
 * One procedure of a service, with the types that it takes and gives.
 *
 * @param service full name of the service: "grpc.AgentService"
 * @param name name of the procedure: "CreateSandbox"
 * @param request gives what reads the request message; asked at the first one, since the class of a
 *     message takes its time to begin and most services have many
 * @param response gives what reads the response message, likewise
 * @param maxResponseBytes a response larger than this is skipped unread by a client and fails the
 *     call with RESOURCE_EXHAUSTED. A few bytes of a hostile message can become a hundred on the
 *     heap (think of two million empty submessages), so a method whose answers are structured and
 *     small should say so
 * @param <Q> type of the request
 * @param <R> type of the response
 */
public record Method<Q extends MessageLite, R extends MessageLite>(
        String service,
        String name,
        Supplier<Parser<Q>> request,
        Supplier<Parser<R>> response,
        int maxResponseBytes) {
    /** Checks the limit. */
    public Method {
        if (maxResponseBytes < 0 || maxResponseBytes > Frames.MAX_DATA) {
            throw new IllegalArgumentException("not a size of a response: " + maxResponseBytes);
        }
    }

    /** A method whose responses may be as large as the protocol allows: 4 MiB. */
    public Method(
            String service,
            String name,
            Supplier<Parser<Q>> request,
            Supplier<Parser<R>> response) {
        this(service, name, request, response, Frames.MAX_DATA);
    }

    /** {@return this method with another limit for its responses} */
    public Method<Q, R> withMaxResponseBytes(int bytes) {
        return new Method<>(service, name, request, response, bytes);
    }

    /** {@return "/service/name", for messages and logs} */
    public String path() {
        return "/" + service + "/" + name;
    }
}
