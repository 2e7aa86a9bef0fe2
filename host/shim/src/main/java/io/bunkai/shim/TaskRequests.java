// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import io.bunkai.api.TypeUrls;
import io.bunkai.api.containerd.CreateTaskRequest;
import io.bunkai.api.containerd.ExecProcessRequest;
import io.bunkai.api.containerd.Mount;
import io.bunkai.api.containerd.RuntimeOptions.Options;
import io.bunkai.api.containerd.UpdateTaskRequest;
import io.bunkai.base.Fault;
import io.bunkai.oci.OciJson;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.runtime.BundleRequest;
import io.bunkai.runtime.Owner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;

/** containerd's requests as the runtime's. Nothing is made here, and nothing is decided. */
final class TaskRequests {
    /** What containerd allows as an id, and as long. */
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*");

    private static final int LONGEST_ID = 76;
    private static final int LONGEST_SHOWN = 100;
    private static final long LARGEST_SPEC = 4L << 20;

    private TaskRequests() {}

    /**
     * {@return {@code id}}
     *
     * @param what what it names
     * @throws Fault INVALID_ARGUMENT if containerd would not allow it
     */
    static String checkedId(String what, String id) {
        if (id.length() > LONGEST_ID || !ID.matcher(id).matches()) {
            throw Fault.invalidArgument("'%s' cannot be the id of %s", shown(id), what)
                    .withHint(
                            "use at most %d letters, digits, '.', '_' and '-', letters or digits"
                                    + " at both ends",
                            LONGEST_ID);
        }
        return id;
    }

    /** Text of a peer's, cut and in one line. */
    static String shown(String text) {
        String cut = text.length() <= LONGEST_SHOWN ? text : text.substring(0, LONGEST_SHOWN);
        return cut.replaceAll("\\p{Cntrl}", "?");
    }

    /**
     * {@return the request for a container}
     *
     * @throws Fault NOT_FOUND if the bundle has no {@code config.json}, INVALID_ARGUMENT if it or
     *     an option makes no sense, UNIMPLEMENTED if a checkpoint is to be restored
     */
    static BundleRequest container(TaskOwner owner, CreateTaskRequest request) {
        if (!request.getCheckpoint().isEmpty()) {
            throw Fault.unimplemented(
                            "task %s cannot be restored from a checkpoint: machines have none yet",
                            request.getId())
                    .withHint("create it without one");
        }
        Path bundle = bundle(request.getBundle());
        return new BundleRequest(
                new Owner(owner.address(), owner.namespace(), request.getId()),
                bundle,
                spec(bundle, request.getTerminal()),
                request.getRootfsList().stream().map(TaskRequests::mount).toList(),
                configuration(request.getOptions()),
                !request.getStdin().isEmpty(),
                TaskNotes.of(bundle, stdio(request)));
    }

    private static Path bundle(String text) {
        if (!text.startsWith("/") || text.indexOf('\0') >= 0) {
            throw Fault.invalidArgument("the bundle '%s' is no absolute path", shown(text));
        }
        return Path.of(text);
    }

    private static RuntimeSpec spec(Path bundle, boolean terminal) {
        Path file = bundle.resolve("config.json");
        try {
            if (Files.size(file) > LARGEST_SPEC) {
                throw Fault.invalidArgument("%s is larger than %d bytes", file, LARGEST_SPEC);
            }
            RuntimeSpec spec =
                    OciJson.read(Files.readAllBytes(file), RuntimeSpec.class, file.toString());
            RuntimeSpec.ContainerProcess process = spec.process();
            boolean agrees = process == null || process.terminal() == terminal;
            if (!agrees) {
                throw Fault.invalidArgument(
                                "the request wants %s terminal, and %s %s",
                                terminal ? "a" : "no", file, terminal ? "none" : "one")
                        .withHint("set process.terminal as the request has it");
            }
            return spec;
        } catch (NoSuchFileException e) {
            throw Fault.notFound("the bundle %s has no config.json", bundle)
                    .withHint("let containerd make the bundle, or write its config.json");
        } catch (IOException e) {
            throw Fault.invalidArgument("%s cannot be read", file).causedBy(e);
        }
    }

    private static BundleRequest.RootMount mount(Mount mount) {
        return new BundleRequest.RootMount(
                mount.getType(), mount.getSource(), mount.getOptionsList());
    }

    /**
     * {@return the configuration file that runtime options name}
     *
     * @throws Fault INVALID_ARGUMENT if they are of another runtime, UNIMPLEMENTED if they carry
     *     the configuration itself
     */
    static Optional<Path> configuration(Any options) {
        if (options.getTypeUrl().isEmpty()) {
            return Optional.empty();
        }
        if (!TypeUrls.names(options.getTypeUrl(), TypeUrls.RUNTIME_OPTIONS)) {
            throw Fault.invalidArgument(
                            "runtime options of type %s are not understood",
                            shown(options.getTypeUrl()))
                    .withHint("use %s with a ConfigPath, or no options", TypeUrls.RUNTIME_OPTIONS);
        }
        Options parsed;
        try {
            parsed = Options.parseFrom(options.getValue());
        } catch (InvalidProtocolBufferException e) {
            throw Fault.invalidArgument("the runtime options cannot be decoded").causedBy(e);
        }
        if (!parsed.getConfigPath().isEmpty()) {
            if (!parsed.getConfigPath().startsWith("/")) {
                throw Fault.invalidArgument(
                                "ConfigPath '%s' is no absolute path",
                                shown(parsed.getConfigPath()))
                        .withHint("name the file from the root on");
            }
            return Optional.of(Path.of(parsed.getConfigPath()));
        }
        if (!parsed.getConfigBody().isEmpty()) {
            throw Fault.unimplemented("a configuration within the runtime options is not read yet")
                    .withHint("write it to a file, and name that as ConfigPath");
        }
        return Optional.empty();
    }

    /** {@return where the streams of a container's process lead} */
    static Stdio stdio(CreateTaskRequest request) {
        return new Stdio(
                request.getStdin(),
                request.getStdout(),
                request.getStderr(),
                request.getTerminal());
    }

    /** {@return where the streams of a further process lead} */
    static Stdio stdio(ExecProcessRequest request) {
        return new Stdio(
                request.getStdin(),
                request.getStdout(),
                request.getStderr(),
                request.getTerminal());
    }

    /**
     * {@return the further process that a request describes}
     *
     * @throws Fault INVALID_ARGUMENT if it cannot be read
     */
    static RuntimeSpec.ContainerProcess process(ExecProcessRequest request) {
        RuntimeSpec.ContainerProcess process =
                json(
                        request.getSpec(),
                        TypeUrls.OCI_PROCESS,
                        RuntimeSpec.ContainerProcess.class,
                        "the process");
        return request.getTerminal() && !process.terminal()
                ? process.onTerminal(process.consoleSize())
                : process;
    }

    /**
     * {@return the limits that a request brings}
     *
     * @throws Fault INVALID_ARGUMENT if they cannot be read
     */
    static RuntimeSpec.Resources resources(UpdateTaskRequest request) {
        return json(
                request.getResources(),
                TypeUrls.OCI_LINUX_RESOURCES,
                RuntimeSpec.Resources.class,
                "the resources");
    }

    private static <T> T json(Any any, String typeUrl, Class<T> type, String what) {
        if (!TypeUrls.names(any.getTypeUrl(), typeUrl)) {
            throw Fault.invalidArgument(
                    "%s are of type '%s' and not %s", what, shown(any.getTypeUrl()), typeUrl);
        }
        return OciJson.read(any.getValue().toByteArray(), type, what);
    }
}
