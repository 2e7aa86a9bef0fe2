// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.bunkai.api.agent.CheckRequest;
import io.bunkai.api.agent.HealthCheckResponse;
import io.bunkai.api.agent.VersionCheckResponse;
import io.bunkai.ttrpc.Method;
import java.util.function.Supplier;

/** What a runtime asks to learn whether the agent in the guest is there, and which one it is. */
public final class HealthMethods {
    /** Full name of the service. */
    public static final String SERVICE = "grpc.Health";

    /** Two short strings at most; the guest is hostile. */
    private static final int MAX_BYTES = 4 << 10;

    /** {@code Check} */
    public static final Method<CheckRequest, HealthCheckResponse> CHECK =
            method("Check", CheckRequest::parser, HealthCheckResponse::parser);

    /** {@code Version} */
    public static final Method<CheckRequest, VersionCheckResponse> VERSION =
            method("Version", CheckRequest::parser, VersionCheckResponse::parser);

    private HealthMethods() {}

    private static <Q extends MessageLite, R extends MessageLite> Method<Q, R> method(
            String name, Supplier<Parser<Q>> request, Supplier<Parser<R>> response) {
        return new Method<>(SERVICE, name, request, response, MAX_BYTES);
    }
}
