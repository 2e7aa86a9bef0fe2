// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.bunkai.api.control.AttachRequest;
import io.bunkai.api.control.AttachResponse;
import io.bunkai.api.control.CreateRequest;
import io.bunkai.api.control.CreateResponse;
import io.bunkai.api.control.CreateTemplateResponse;
import io.bunkai.api.control.ExecRequest;
import io.bunkai.api.control.ExecResponse;
import io.bunkai.api.control.ExplainResponse;
import io.bunkai.api.control.InspectRequest;
import io.bunkai.api.control.InspectResponse;
import io.bunkai.api.control.LimitsRequest;
import io.bunkai.api.control.LimitsResponse;
import io.bunkai.api.control.ListRequest;
import io.bunkai.api.control.ListResponse;
import io.bunkai.api.control.ListTemplatesRequest;
import io.bunkai.api.control.ListTemplatesResponse;
import io.bunkai.api.control.LogsRequest;
import io.bunkai.api.control.LogsResponse;
import io.bunkai.api.control.MetricsRequest;
import io.bunkai.api.control.MetricsResponse;
import io.bunkai.api.control.RemoveRequest;
import io.bunkai.api.control.RemoveResponse;
import io.bunkai.api.control.RemoveTemplatesRequest;
import io.bunkai.api.control.RemoveTemplatesResponse;
import io.bunkai.api.control.ResizeRequest;
import io.bunkai.api.control.ResizeResponse;
import io.bunkai.api.control.ShutdownRequest;
import io.bunkai.api.control.ShutdownResponse;
import io.bunkai.api.control.SignalRequest;
import io.bunkai.api.control.SignalResponse;
import io.bunkai.api.control.StartRequest;
import io.bunkai.api.control.StartResponse;
import io.bunkai.api.control.StatsRequest;
import io.bunkai.api.control.StatsResponse;
import io.bunkai.api.control.StopRequest;
import io.bunkai.api.control.StopResponse;
import io.bunkai.api.control.TraceRequest;
import io.bunkai.api.control.TraceResponse;
import io.bunkai.api.control.VersionRequest;
import io.bunkai.api.control.VersionResponse;
import io.bunkai.api.control.WaitRequest;
import io.bunkai.api.control.WaitResponse;
import io.bunkai.ttrpc.Method;
import java.util.function.Supplier;

/** What the command line asks of the daemon. */
public final class ControlMethods {
    /** Full name of the service. */
    public static final String SERVICE = "bunkai.control.v1.Control";

    /** {@code Version} */
    public static final Method<VersionRequest, VersionResponse> VERSION =
            method("Version", VersionRequest::parser, VersionResponse::parser);

    /** {@code Create} */
    public static final Method<CreateRequest, CreateResponse> CREATE =
            method("Create", CreateRequest::parser, CreateResponse::parser);

    /** {@code Start} */
    public static final Method<StartRequest, StartResponse> START =
            method("Start", StartRequest::parser, StartResponse::parser);

    /** {@code Exec} */
    public static final Method<ExecRequest, ExecResponse> EXEC =
            method("Exec", ExecRequest::parser, ExecResponse::parser);

    /** {@code Attach} */
    public static final Method<AttachRequest, AttachResponse> ATTACH =
            method("Attach", AttachRequest::parser, AttachResponse::parser);

    /** {@code Wait} */
    public static final Method<WaitRequest, WaitResponse> WAIT =
            method("Wait", WaitRequest::parser, WaitResponse::parser);

    /** {@code Resize} */
    public static final Method<ResizeRequest, ResizeResponse> RESIZE =
            method("Resize", ResizeRequest::parser, ResizeResponse::parser);

    /** {@code Signal} */
    public static final Method<SignalRequest, SignalResponse> SIGNAL =
            method("Signal", SignalRequest::parser, SignalResponse::parser);

    /** {@code Stop} */
    public static final Method<StopRequest, StopResponse> STOP =
            method("Stop", StopRequest::parser, StopResponse::parser);

    /** {@code Remove} */
    public static final Method<RemoveRequest, RemoveResponse> REMOVE =
            method("Remove", RemoveRequest::parser, RemoveResponse::parser);

    /** {@code List} */
    public static final Method<ListRequest, ListResponse> LIST =
            method("List", ListRequest::parser, ListResponse::parser);

    /** {@code Inspect} */
    public static final Method<InspectRequest, InspectResponse> INSPECT =
            method("Inspect", InspectRequest::parser, InspectResponse::parser);

    /** {@code Logs} */
    public static final Method<LogsRequest, LogsResponse> LOGS =
            method("Logs", LogsRequest::parser, LogsResponse::parser);

    /** {@code Trace} */
    public static final Method<TraceRequest, TraceResponse> TRACE =
            method("Trace", TraceRequest::parser, TraceResponse::parser);

    /** {@code Limits} */
    public static final Method<LimitsRequest, LimitsResponse> LIMITS =
            method("Limits", LimitsRequest::parser, LimitsResponse::parser);

    /** {@code Stats} */
    public static final Method<StatsRequest, StatsResponse> STATS =
            method("Stats", StatsRequest::parser, StatsResponse::parser);

    /** {@code Metrics} */
    public static final Method<MetricsRequest, MetricsResponse> METRICS =
            method("Metrics", MetricsRequest::parser, MetricsResponse::parser);

    /** {@code Explain} */
    public static final Method<CreateRequest, ExplainResponse> EXPLAIN =
            method("Explain", CreateRequest::parser, ExplainResponse::parser);

    /** {@code ListTemplates} */
    public static final Method<ListTemplatesRequest, ListTemplatesResponse> LIST_TEMPLATES =
            method("ListTemplates", ListTemplatesRequest::parser, ListTemplatesResponse::parser);

    /** {@code CreateTemplate} */
    public static final Method<CreateRequest, CreateTemplateResponse> CREATE_TEMPLATE =
            method("CreateTemplate", CreateRequest::parser, CreateTemplateResponse::parser);

    /** {@code RemoveTemplates} */
    public static final Method<RemoveTemplatesRequest, RemoveTemplatesResponse> REMOVE_TEMPLATES =
            method(
                    "RemoveTemplates",
                    RemoveTemplatesRequest::parser,
                    RemoveTemplatesResponse::parser);

    /** {@code Shutdown} */
    public static final Method<ShutdownRequest, ShutdownResponse> SHUTDOWN =
            method("Shutdown", ShutdownRequest::parser, ShutdownResponse::parser);

    private ControlMethods() {}

    private static <Q extends MessageLite, R extends MessageLite> Method<Q, R> method(
            String name, Supplier<Parser<Q>> request, Supplier<Parser<R>> response) {
        return new Method<>(SERVICE, name, request, response);
    }
}
