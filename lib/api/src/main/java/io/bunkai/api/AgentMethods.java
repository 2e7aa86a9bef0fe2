// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import com.google.protobuf.Empty;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.bunkai.api.agent.AddARPNeighborsRequest;
import io.bunkai.api.agent.AddSwapPathRequest;
import io.bunkai.api.agent.AddSwapRequest;
import io.bunkai.api.agent.CloseStdinRequest;
import io.bunkai.api.agent.CopyFileRequest;
import io.bunkai.api.agent.CreateContainerRequest;
import io.bunkai.api.agent.CreateSandboxRequest;
import io.bunkai.api.agent.DestroySandboxRequest;
import io.bunkai.api.agent.ExecProcessRequest;
import io.bunkai.api.agent.GetDiagnosticDataRequest;
import io.bunkai.api.agent.GetDiagnosticDataResponse;
import io.bunkai.api.agent.GetIPTablesRequest;
import io.bunkai.api.agent.GetIPTablesResponse;
import io.bunkai.api.agent.GetMetricsRequest;
import io.bunkai.api.agent.GetOOMEventRequest;
import io.bunkai.api.agent.GuestDetailsRequest;
import io.bunkai.api.agent.GuestDetailsResponse;
import io.bunkai.api.agent.Interface;
import io.bunkai.api.agent.Interfaces;
import io.bunkai.api.agent.ListInterfacesRequest;
import io.bunkai.api.agent.ListRoutesRequest;
import io.bunkai.api.agent.MemAgentCompactConfig;
import io.bunkai.api.agent.MemAgentMemcgConfig;
import io.bunkai.api.agent.MemHotplugByProbeRequest;
import io.bunkai.api.agent.Metrics;
import io.bunkai.api.agent.OOMEvent;
import io.bunkai.api.agent.OnlineCPUMemRequest;
import io.bunkai.api.agent.PauseContainerRequest;
import io.bunkai.api.agent.ReadStreamRequest;
import io.bunkai.api.agent.ReadStreamResponse;
import io.bunkai.api.agent.RemoveContainerRequest;
import io.bunkai.api.agent.RemoveStaleVirtiofsShareMountsRequest;
import io.bunkai.api.agent.ReseedRandomDevRequest;
import io.bunkai.api.agent.ResizeVolumeRequest;
import io.bunkai.api.agent.ResumeContainerRequest;
import io.bunkai.api.agent.Routes;
import io.bunkai.api.agent.SetGuestDateTimeRequest;
import io.bunkai.api.agent.SetIPTablesRequest;
import io.bunkai.api.agent.SetIPTablesResponse;
import io.bunkai.api.agent.SetPolicyRequest;
import io.bunkai.api.agent.SignalProcessRequest;
import io.bunkai.api.agent.StartContainerRequest;
import io.bunkai.api.agent.StatsContainerRequest;
import io.bunkai.api.agent.StatsContainerResponse;
import io.bunkai.api.agent.TtyWinResizeRequest;
import io.bunkai.api.agent.UpdateContainerRequest;
import io.bunkai.api.agent.UpdateEphemeralMountsRequest;
import io.bunkai.api.agent.UpdateInterfaceRequest;
import io.bunkai.api.agent.UpdateRoutesRequest;
import io.bunkai.api.agent.VolumeStatsRequest;
import io.bunkai.api.agent.VolumeStatsResponse;
import io.bunkai.api.agent.WaitProcessRequest;
import io.bunkai.api.agent.WaitProcessResponse;
import io.bunkai.api.agent.WriteStreamRequest;
import io.bunkai.api.agent.WriteStreamResponse;
import io.bunkai.ttrpc.Method;
import java.util.function.Supplier;

/**
 * What a runtime asks of the agent in the guest: every method of Kata Containers' agent protocol.
 *
 * <p>The guest is hostile, so the answers are bounded by what they are made of. One that is a
 * single run of bytes may be as large as the protocol allows. One that is made of many small parts
 * may not, since each part costs the reader much more memory than the writer.
 */
public final class AgentMethods {
    /** Full name of the service. */
    public static final String SERVICE = "grpc.AgentService";

    /** A thousand processors' figures, or as many routes, fit; a million empty ones do not. */
    private static final int MAX_STRUCTURED_BYTES = 256 << 10;

    /** {@code CreateContainer} */
    public static final Method<CreateContainerRequest, Empty> CREATE_CONTAINER =
            nothing("CreateContainer", CreateContainerRequest::parser);

    /** {@code StartContainer} */
    public static final Method<StartContainerRequest, Empty> START_CONTAINER =
            nothing("StartContainer", StartContainerRequest::parser);

    /** {@code RemoveContainer} */
    public static final Method<RemoveContainerRequest, Empty> REMOVE_CONTAINER =
            nothing("RemoveContainer", RemoveContainerRequest::parser);

    /** {@code ExecProcess} */
    public static final Method<ExecProcessRequest, Empty> EXEC_PROCESS =
            nothing("ExecProcess", ExecProcessRequest::parser);

    /** {@code SignalProcess} */
    public static final Method<SignalProcessRequest, Empty> SIGNAL_PROCESS =
            nothing("SignalProcess", SignalProcessRequest::parser);

    /** {@code WaitProcess} */
    public static final Method<WaitProcessRequest, WaitProcessResponse> WAIT_PROCESS =
            parts("WaitProcess", WaitProcessRequest::parser, WaitProcessResponse::parser);

    /** {@code UpdateContainer} */
    public static final Method<UpdateContainerRequest, Empty> UPDATE_CONTAINER =
            nothing("UpdateContainer", UpdateContainerRequest::parser);

    /** {@code UpdateEphemeralMounts} */
    public static final Method<UpdateEphemeralMountsRequest, Empty> UPDATE_EPHEMERAL_MOUNTS =
            nothing("UpdateEphemeralMounts", UpdateEphemeralMountsRequest::parser);

    /** {@code StatsContainer} */
    public static final Method<StatsContainerRequest, StatsContainerResponse> STATS_CONTAINER =
            parts("StatsContainer", StatsContainerRequest::parser, StatsContainerResponse::parser);

    /** {@code PauseContainer} */
    public static final Method<PauseContainerRequest, Empty> PAUSE_CONTAINER =
            nothing("PauseContainer", PauseContainerRequest::parser);

    /** {@code ResumeContainer} */
    public static final Method<ResumeContainerRequest, Empty> RESUME_CONTAINER =
            nothing("ResumeContainer", ResumeContainerRequest::parser);

    /** {@code RemoveStaleVirtiofsShareMounts} */
    public static final Method<RemoveStaleVirtiofsShareMountsRequest, Empty>
            REMOVE_STALE_VIRTIOFS_SHARE_MOUNTS =
                    nothing(
                            "RemoveStaleVirtiofsShareMounts",
                            RemoveStaleVirtiofsShareMountsRequest::parser);

    /** {@code GetDiagnosticData} */
    public static final Method<GetDiagnosticDataRequest, GetDiagnosticDataResponse>
            GET_DIAGNOSTIC_DATA =
                    bytes(
                            "GetDiagnosticData",
                            GetDiagnosticDataRequest::parser,
                            GetDiagnosticDataResponse::parser);

    /** {@code WriteStdin} */
    public static final Method<WriteStreamRequest, WriteStreamResponse> WRITE_STDIN =
            parts("WriteStdin", WriteStreamRequest::parser, WriteStreamResponse::parser);

    /** {@code ReadStdout} */
    public static final Method<ReadStreamRequest, ReadStreamResponse> READ_STDOUT =
            bytes("ReadStdout", ReadStreamRequest::parser, ReadStreamResponse::parser);

    /** {@code ReadStderr} */
    public static final Method<ReadStreamRequest, ReadStreamResponse> READ_STDERR =
            bytes("ReadStderr", ReadStreamRequest::parser, ReadStreamResponse::parser);

    /** {@code CloseStdin} */
    public static final Method<CloseStdinRequest, Empty> CLOSE_STDIN =
            nothing("CloseStdin", CloseStdinRequest::parser);

    /** {@code TtyWinResize} */
    public static final Method<TtyWinResizeRequest, Empty> TTY_WIN_RESIZE =
            nothing("TtyWinResize", TtyWinResizeRequest::parser);

    /** {@code UpdateInterface} */
    public static final Method<UpdateInterfaceRequest, Interface> UPDATE_INTERFACE =
            parts("UpdateInterface", UpdateInterfaceRequest::parser, Interface::parser);

    /** {@code UpdateRoutes} */
    public static final Method<UpdateRoutesRequest, Routes> UPDATE_ROUTES =
            parts("UpdateRoutes", UpdateRoutesRequest::parser, Routes::parser);

    /** {@code ListInterfaces} */
    public static final Method<ListInterfacesRequest, Interfaces> LIST_INTERFACES =
            parts("ListInterfaces", ListInterfacesRequest::parser, Interfaces::parser);

    /** {@code ListRoutes} */
    public static final Method<ListRoutesRequest, Routes> LIST_ROUTES =
            parts("ListRoutes", ListRoutesRequest::parser, Routes::parser);

    /** {@code AddARPNeighbors} */
    public static final Method<AddARPNeighborsRequest, Empty> ADD_ARP_NEIGHBORS =
            nothing("AddARPNeighbors", AddARPNeighborsRequest::parser);

    /** {@code GetIPTables} */
    public static final Method<GetIPTablesRequest, GetIPTablesResponse> GET_IP_TABLES =
            bytes("GetIPTables", GetIPTablesRequest::parser, GetIPTablesResponse::parser);

    /** {@code SetIPTables} */
    public static final Method<SetIPTablesRequest, SetIPTablesResponse> SET_IP_TABLES =
            bytes("SetIPTables", SetIPTablesRequest::parser, SetIPTablesResponse::parser);

    /** {@code GetMetrics} */
    public static final Method<GetMetricsRequest, Metrics> GET_METRICS =
            bytes("GetMetrics", GetMetricsRequest::parser, Metrics::parser);

    /** {@code MemAgentMemcgSet} */
    public static final Method<MemAgentMemcgConfig, Empty> MEM_AGENT_MEMCG_SET =
            nothing("MemAgentMemcgSet", MemAgentMemcgConfig::parser);

    /** {@code MemAgentCompactSet} */
    public static final Method<MemAgentCompactConfig, Empty> MEM_AGENT_COMPACT_SET =
            nothing("MemAgentCompactSet", MemAgentCompactConfig::parser);

    /** {@code CreateSandbox} */
    public static final Method<CreateSandboxRequest, Empty> CREATE_SANDBOX =
            nothing("CreateSandbox", CreateSandboxRequest::parser);

    /** {@code DestroySandbox} */
    public static final Method<DestroySandboxRequest, Empty> DESTROY_SANDBOX =
            nothing("DestroySandbox", DestroySandboxRequest::parser);

    /** {@code OnlineCPUMem} */
    public static final Method<OnlineCPUMemRequest, Empty> ONLINE_CPU_MEM =
            nothing("OnlineCPUMem", OnlineCPUMemRequest::parser);

    /** {@code ReseedRandomDev} */
    public static final Method<ReseedRandomDevRequest, Empty> RESEED_RANDOM_DEV =
            nothing("ReseedRandomDev", ReseedRandomDevRequest::parser);

    /** {@code GetGuestDetails} */
    public static final Method<GuestDetailsRequest, GuestDetailsResponse> GET_GUEST_DETAILS =
            parts("GetGuestDetails", GuestDetailsRequest::parser, GuestDetailsResponse::parser);

    /** {@code MemHotplugByProbe} */
    public static final Method<MemHotplugByProbeRequest, Empty> MEM_HOTPLUG_BY_PROBE =
            nothing("MemHotplugByProbe", MemHotplugByProbeRequest::parser);

    /** {@code SetGuestDateTime} */
    public static final Method<SetGuestDateTimeRequest, Empty> SET_GUEST_DATE_TIME =
            nothing("SetGuestDateTime", SetGuestDateTimeRequest::parser);

    /** {@code CopyFile} */
    public static final Method<CopyFileRequest, Empty> COPY_FILE =
            nothing("CopyFile", CopyFileRequest::parser);

    /** {@code GetOOMEvent} */
    public static final Method<GetOOMEventRequest, OOMEvent> GET_OOM_EVENT =
            parts("GetOOMEvent", GetOOMEventRequest::parser, OOMEvent::parser);

    /** {@code AddSwap} */
    public static final Method<AddSwapRequest, Empty> ADD_SWAP =
            nothing("AddSwap", AddSwapRequest::parser);

    /** {@code AddSwapPath} */
    public static final Method<AddSwapPathRequest, Empty> ADD_SWAP_PATH =
            nothing("AddSwapPath", AddSwapPathRequest::parser);

    /** {@code GetVolumeStats} */
    public static final Method<VolumeStatsRequest, VolumeStatsResponse> GET_VOLUME_STATS =
            parts("GetVolumeStats", VolumeStatsRequest::parser, VolumeStatsResponse::parser);

    /** {@code ResizeVolume} */
    public static final Method<ResizeVolumeRequest, Empty> RESIZE_VOLUME =
            nothing("ResizeVolume", ResizeVolumeRequest::parser);

    /** {@code SetPolicy} */
    public static final Method<SetPolicyRequest, Empty> SET_POLICY =
            nothing("SetPolicy", SetPolicyRequest::parser);

    private AgentMethods() {}

    private static <Q extends MessageLite, R extends MessageLite> Method<Q, R> bytes(
            String name, Supplier<Parser<Q>> request, Supplier<Parser<R>> response) {
        return new Method<>(SERVICE, name, request, response);
    }

    private static <Q extends MessageLite, R extends MessageLite> Method<Q, R> parts(
            String name, Supplier<Parser<Q>> request, Supplier<Parser<R>> response) {
        return new Method<>(SERVICE, name, request, response, MAX_STRUCTURED_BYTES);
    }

    private static <Q extends MessageLite> Method<Q, Empty> nothing(
            String name, Supplier<Parser<Q>> request) {
        return new Method<>(SERVICE, name, request, Empty::parser, 0);
    }
}
