// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.bunkai.api.guest.CloseInputRequest;
import io.bunkai.api.guest.CloseInputResponse;
import io.bunkai.api.guest.FeaturesRequest;
import io.bunkai.api.guest.FeaturesResponse;
import io.bunkai.api.guest.ReadOutputRequest;
import io.bunkai.api.guest.ReadOutputResponse;
import io.bunkai.api.guest.WriteInputRequest;
import io.bunkai.api.guest.WriteInputResponse;
import io.bunkai.ttrpc.Method;
import java.util.function.Supplier;

/** The methods of {@code bunkai.agent.v1}: what our agent offers beside Kata's protocol. */
public final class GuestMethods {
    /** Full name of the service. */
    public static final String SERVICE = "bunkai.agent.v1.Agent";

    /** The feature that stands for {@link #READ_OUTPUT}, {@link #WRITE_INPUT} and the end of it. */
    public static final String ACKNOWLEDGED_STREAMS = "acknowledged-streams";

    /** The most data that one {@link #READ_OUTPUT} asks for, and is answered with. */
    public static final int MAX_OUTPUT_BYTES = 64 << 10;

    /** Numbers and a few short words; the guest is hostile. */
    private static final int MAX_SMALL_BYTES = 4 << 10;

    /** The largest data, with what stands around it. */
    private static final int MAX_READ_BYTES = MAX_OUTPUT_BYTES + 64;

    /** {@code Features} */
    public static final Method<FeaturesRequest, FeaturesResponse> FEATURES =
            method("Features", FeaturesRequest::parser, FeaturesResponse::parser, MAX_SMALL_BYTES);

    /** {@code ReadOutput} */
    public static final Method<ReadOutputRequest, ReadOutputResponse> READ_OUTPUT =
            method(
                    "ReadOutput",
                    ReadOutputRequest::parser,
                    ReadOutputResponse::parser,
                    MAX_READ_BYTES);

    /** {@code WriteInput} */
    public static final Method<WriteInputRequest, WriteInputResponse> WRITE_INPUT =
            method(
                    "WriteInput",
                    WriteInputRequest::parser,
                    WriteInputResponse::parser,
                    MAX_SMALL_BYTES);

    /** {@code CloseInput} */
    public static final Method<CloseInputRequest, CloseInputResponse> CLOSE_INPUT =
            method("CloseInput", CloseInputRequest::parser, CloseInputResponse::parser, 0);

    private GuestMethods() {}

    private static <Q extends MessageLite, R extends MessageLite> Method<Q, R> method(
            String name,
            Supplier<Parser<Q>> request,
            Supplier<Parser<R>> response,
            int maxResponseBytes) {
        return new Method<>(SERVICE, name, request, response, maxResponseBytes);
    }
}
