// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.control.CreateRequest;
import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.linux.Terminal;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What makes a container: shared by {@code run}, which makes it, and {@code explain}. */
final class ContainerOptions {
    private static final int NANO_DIGITS = 9;

    @Option(
            names = {"-i", "--interactive"},
            description = "Copy standard input to the process.")
    private boolean interactive;

    @Option(
            names = {"-t", "--tty"},
            description = "Give the process a terminal.")
    private boolean tty;

    @Option(names = "--rm", description = "Remove the container when it has ended.")
    private boolean remove;

    @Option(names = "--name", paramLabel = "NAME", description = "Name of the container.")
    private String name = "";

    @Mixin private EnvironmentOptions environment = new EnvironmentOptions();

    @Option(
            names = {"-w", "--workdir"},
            paramLabel = "DIR",
            description = "Working directory of the process.")
    private String directory = "";

    @Option(
            names = {"-u", "--user"},
            paramLabel = "USER[:GROUP]",
            description = "User of the process, by name or number.")
    private String user = "";

    @Option(names = "--hostname", paramLabel = "NAME", description = "The container's host name.")
    private String hostname = "";

    @Option(
            names = {"-m", "--memory"},
            paramLabel = "SIZE",
            description = "Most memory the container may use: 512m, 1g.")
    private @Nullable String memory;

    @Option(
            names = "--cpus",
            paramLabel = "NUMBER",
            description = "Most processors the container may use: 2, 1.5.")
    private @Nullable String cpus;

    @Option(
            names = "--entrypoint",
            paramLabel = "PROGRAM",
            description = "Replace the image's entry point; an empty text removes it.")
    private @Nullable String entrypoint;

    @Mixin private MountOptions mounts = new MountOptions();

    @Mixin private DeviceOptions devices = new DeviceOptions();

    @Option(
            names = "--annotation",
            paramLabel = "KEY=VALUE",
            description = "Annotate the container; Kata's keys change its machine.")
    private List<String> annotations = new ArrayList<>();

    @Parameters(
            paramLabel = "[IMAGE] [--] [COMMAND...]",
            hideParamSyntax = true,
            arity = "0..*",
            description = {
                "The image, the path of an OCI layout or of a docker archive with :TAG behind it"
                        + " if need be; then the command.",
                "After -- nothing but the command: without an image before it, the embedded"
                        + " image runs it."
            })
    private List<String> words = new ArrayList<>();

    boolean interactive() {
        return interactive;
    }

    boolean tty() {
        return tty;
    }

    /**
     * {@return the request that these options make}
     *
     * @param tied whether the container ends with the connection
     * @throws Fault INVALID_ARGUMENT or NOT_FOUND if they make none
     */
    CreateRequest request(Surroundings surroundings, boolean tied) {
        ContainerWords run = ContainerWords.parse(words, surroundings.directory());
        CreateRequest.Builder request =
                CreateRequest.newBuilder()
                        .setName(name)
                        .setImage(run.image())
                        .addAllArgs(run.command())
                        .addAllEnv(environment.resolve(surroundings))
                        .setCwd(directory)
                        .setUser(user)
                        .setHostname(hostname)
                        .setMemoryBytes(memory == null ? 0 : bytes(memory))
                        .setNanoCpus(cpus == null ? 0 : nanoCpus(cpus))
                        .setTty(tty)
                        .setStdin(interactive)
                        .setRemove(remove)
                        .setTied(tied)
                        .addAllMounts(mounts.resolve(surroundings.directory()))
                        .addAllDevices(devices.resolve(surroundings.directory()))
                        .putAllAnnotations(annotations());
        if (entrypoint != null) {
            request.setEntrypointSet(true);
            if (!entrypoint.isEmpty()) {
                request.addEntrypoint(entrypoint);
            }
        }
        if (tty) {
            Terminal.Size size = surroundings.terminal().size();
            request.setTtyRows(size.rows()).setTtyColumns(size.columns());
        }
        return request.build();
    }

    static long bytes(String text) {
        long bytes = ByteSize.parse(text).bytes();
        if (bytes == 0) {
            throw Fault.invalidArgument("a container cannot run with no memory at all")
                    .withHint("leave -m out for no limit");
        }
        return bytes;
    }

    static long nanoCpus(String text) {
        try {
            long nanos =
                    new BigDecimal(text)
                            .movePointRight(NANO_DIGITS)
                            .toBigInteger()
                            .longValueExact();
            if (nanos > 0) {
                return nanos;
            }
        } catch (ArithmeticException | NumberFormatException e) {
            // refused below, with what is wrong
        }
        throw Fault.invalidArgument("'%s' is no number of processors", text)
                .withHint("write a number above zero: --cpus 2, --cpus 1.5");
    }

    private Map<String, String> annotations() {
        Map<String, String> map = new LinkedHashMap<>();
        for (String text : annotations) {
            int equals = text.indexOf('=');
            if (equals <= 0) {
                throw Fault.invalidArgument("'%s' is no annotation", text)
                        .withHint("write KEY=VALUE");
            }
            map.put(text.substring(0, equals), text.substring(equals + 1));
        }
        return map;
    }
}
