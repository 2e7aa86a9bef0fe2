// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.ShutdownRequest;
import io.bunkai.api.control.VersionResponse;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.JsonGenerator;

@Command(
        name = "daemon",
        description = "Start, stop or replace the daemon, or tell whether it runs.",
        synopsisSubcommandLabel = "start|stop|status|takeover")
final class DaemonCommand {
    /**
     * For the daemon to let go of everything, and for containers to be stopped if that is asked.
     */
    private static final Duration STOP_LIMIT = Duration.ofMinutes(2);

    private final Bunkai root;

    DaemonCommand(Bunkai root) {
        this.root = root;
    }

    @Command(name = "start", description = "Start the daemon unless it runs.")
    int start(
            @Option(
                            names = "--config",
                            paramLabel = "FILE",
                            description = "Read this configuration.toml instead of searching one.")
                    @Nullable Path configuration,
            @Option(
                            names = "--kata-config",
                            description = "Search where Kata Containers has its configuration.")
                    boolean kataConfiguration) {
        List<String> arguments = new ArrayList<>();
        if (configuration != null) {
            arguments.addAll(List.of("--config", root.resolve(configuration).toString()));
        }
        if (kataConfiguration) {
            arguments.add("--kata-config");
        }
        try (Daemon daemon = arguments.isEmpty() ? root.connect() : root.start(arguments)) {
            say("running, process " + daemon.version().getPid());
            return ExitCode.OK.number();
        }
    }

    @Command(
            name = "stop",
            description = "End the daemon. Containers go on running and are found by the next one.")
    int stop(
            @Option(names = "--stop-containers", description = "Stop all containers first.")
                    boolean stopContainers) {
        try (Daemon daemon = root.connectIfRunning().orElse(null)) {
            if (daemon == null) {
                say("not running");
                return ExitCode.OK.number();
            }
            Optional<ProcessIdentity> process = ProcessIdentity.of(daemon.version().getPid());
            daemon.call(
                    ControlMethods.SHUTDOWN,
                    ShutdownRequest.newBuilder().setStopContainers(stopContainers).build(),
                    STOP_LIMIT);
            if (process.isPresent()) {
                awaitEnd(process.get());
            }
            say("stopped");
            return ExitCode.OK.number();
        }
    }

    @Command(
            name = "takeover",
            description = {
                "Replace the daemon by one of this installation. Containers and the clients of",
                "containerd do not notice; if the new one cannot take over, the old one goes on."
            })
    int takeOver(
            @Option(
                            names = "--config",
                            paramLabel = "FILE",
                            description = "Read this configuration.toml instead of searching one.")
                    @Nullable Path configuration) {
        List<String> arguments = new ArrayList<>();
        if (configuration != null) {
            arguments.addAll(List.of("--config", root.resolve(configuration).toString()));
        }
        try (Daemon daemon = root.takeOver(arguments)) {
            say("running, process " + daemon.version().getPid());
            return ExitCode.OK.number();
        }
    }

    @Command(name = "status", description = "Tell whether the daemon runs; fails if it does not.")
    int status(@Mixin FormatOption format) {
        try (Daemon daemon = root.connectIfRunning().orElse(null)) {
            if (format.isJson()) {
                Json.print(
                        root.surroundings().out(),
                        json -> {
                            json.writeStartObject();
                            json.writeBooleanProperty("running", daemon != null);
                            if (daemon != null) {
                                write(json, daemon.version());
                            }
                            json.writeEndObject();
                        });
            } else if (daemon == null) {
                say("not running");
            } else {
                say(
                        "running, process %d, state in %s"
                                .formatted(
                                        daemon.version().getPid(),
                                        daemon.version().getStateRoot()));
            }
            return (daemon == null ? ExitCode.FAILED : ExitCode.OK).number();
        }
    }

    /** Writes what a daemon tells of itself into an object that is open. */
    static void write(JsonGenerator json, VersionResponse daemon) {
        json.writeStringProperty("version", daemon.getDaemon());
        json.writeNumberProperty("protocol", daemon.getProtocol());
        json.writeNumberProperty("pid", daemon.getPid());
        json.writeStringProperty("accelerator", daemon.getAccelerator());
        json.writeStringProperty("acceleratorReason", daemon.getAcceleratorReason());
        json.writeStringProperty("vmm", daemon.getVmm());
        json.writeStringProperty("kernel", daemon.getKernel());
        json.writeStringProperty("image", daemon.getImage());
        json.writeStringProperty("stateRoot", daemon.getStateRoot());
    }

    /** Waits until a daemon that was told to end has ended. */
    static void awaitEnd(ProcessIdentity identity) {
        try (LinuxProcess process = LinuxProcess.adopt(identity)) {
            if (process.await(Deadline.after(STOP_LIMIT)).isEmpty()) {
                throw Fault.deadlineExceeded(
                        "the daemon (process %d) has not ended within %d s",
                        identity.pid(), STOP_LIMIT.toSeconds());
            }
        } catch (ErrnoException e) {
            // it has ended already
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.of(FaultCode.CANCELLED, "waiting for the daemon's end was interrupted");
        }
    }

    private void say(String text) {
        PrintStream out = root.surroundings().out();
        out.println(text);
        out.flush();
    }
}
