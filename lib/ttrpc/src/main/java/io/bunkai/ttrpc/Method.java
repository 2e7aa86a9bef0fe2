// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;

/**
 * One procedure of a service, with the types that it takes and gives.
 *
 * @param service full name of the service: "grpc.AgentService"
 * @param name name of the procedure: "CreateSandbox"
 * @param request reads the request message
 * @param response reads the response message
 * @param maxResponseBytes a response larger than this is skipped unread by a client and fails the
 *     call with RESOURCE_EXHAUSTED. A few bytes of a hostile message can become a hundred on the
 *     heap (think of two million empty submessages), so a method whose answers are structured and
 *     small should say so
 * @param <Q> type of the request
 * @param <R> type of the response
 */
public record Method<Q extends MessageLite, R extends MessageLite>(
        String service, String name, Parser<Q> request, Parser<R> response, int maxResponseBytes) {
    /** Checks the limit. */
    public Method {
        if (maxResponseBytes < 0 || maxResponseBytes > Frames.MAX_DATA) {
            throw new IllegalArgumentException("not a size of a response: " + maxResponseBytes);
        }
    }

    /** A method whose responses may be as large as the protocol allows: 4 MiB. */
    public Method(String service, String name, Parser<Q> request, Parser<R> response) {
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
