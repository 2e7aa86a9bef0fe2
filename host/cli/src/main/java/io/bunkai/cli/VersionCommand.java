// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ProtocolVersion;
import io.bunkai.api.control.VersionResponse;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.JsonGenerator;

@Command(
        name = "version",
        description = "Print the versions of this command and of the daemon, if one runs.")
final class VersionCommand implements Callable<Integer> {
    private final Bunkai root;

    @Option(names = "--client", description = "Only this command's; asks no daemon.")
    private boolean clientOnly;

    @Mixin private FormatOption format = new FormatOption();

    VersionCommand(Bunkai root) {
        this.root = root;
    }

    /** {@return the version of this command} */
    static String ofClient() {
        try (InputStream in = VersionCommand.class.getResourceAsStream("version.txt")) {
            if (in == null) {
                throw Fault.internal("this build does not know its version");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Integer call() {
        Optional<VersionResponse> daemon = Optional.empty();
        if (!clientOnly) {
            try (Daemon running = root.connectIfRunning().orElse(null)) {
                daemon = Optional.ofNullable(running).map(Daemon::version);
            }
        }
        PrintStream out = root.surroundings().out();
        VersionResponse found = daemon.orElse(null);
        if (format.isJson()) {
            Json.print(out, json -> write(json, found));
        } else {
            out.println(
                    "bunkai       " + ofClient() + " (protocol " + ProtocolVersion.CONTROL + ")");
            if (found != null) {
                print(out, found);
            } else if (!clientOnly) {
                out.println("daemon       not running");
            }
        }
        out.flush();
        return ExitCode.OK.number();
    }

    private static void print(PrintStream out, VersionResponse daemon) {
        out.println(
                "daemon       %s (protocol %d, process %d)"
                        .formatted(daemon.getDaemon(), daemon.getProtocol(), daemon.getPid()));
        String reason = daemon.getAcceleratorReason();
        out.println(
                "accelerator  "
                        + daemon.getAccelerator()
                        + (reason.isEmpty() ? "" : " (" + Texts.printable(reason) + ")"));
        out.println("vmm          " + daemon.getVmm());
        out.println("kernel       " + daemon.getKernel());
        out.println("image        " + daemon.getImage());
        out.println("state root   " + daemon.getStateRoot());
    }

    private void write(JsonGenerator json, @Nullable VersionResponse daemon) {
        json.writeStartObject();
        json.writeObjectPropertyStart("client");
        json.writeStringProperty("version", ofClient());
        json.writeNumberProperty("protocol", ProtocolVersion.CONTROL);
        json.writeEndObject();
        if (daemon != null) {
            json.writeObjectPropertyStart("daemon");
            DaemonCommand.write(json, daemon);
            json.writeEndObject();
        } else if (!clientOnly) {
            json.writeNullProperty("daemon");
        }
        json.writeEndObject();
    }
}
