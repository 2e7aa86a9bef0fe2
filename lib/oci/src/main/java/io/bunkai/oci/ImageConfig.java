// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How to run an image, and what its layers unpack to. Its digest is the image's id.
 *
 * @param created when the image was made, RFC 3339, or empty
 * @param config the defaults of a container; all empty if the document has none
 * @spec https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md OCI image specification
 *     1.1, image configuration
 */
public record ImageConfig(
        String created,
        String author,
        String architecture,
        String os,
        @JsonProperty("os.version") String osVersion,
        String variant,
        Execution config,
        RootFs rootfs,
        List<History> history) {

    public ImageConfig {
        created = Copies.text(created);
        author = Copies.text(author);
        architecture = Copies.text(architecture);
        os = Copies.text(os);
        osVersion = Copies.text(osVersion);
        variant = Copies.text(variant);
        config = config == null ? Execution.NONE : config;
        rootfs = rootfs == null ? new RootFs("", List.of()) : rootfs;
        history = Copies.list(history);
    }

    /** {@return the config of an image for {@code platform} of these unpacked layers} */
    public static ImageConfig of(Platform platform, Execution config, List<Digest> diffIds) {
        return new ImageConfig(
                "",
                "",
                platform.architecture(),
                platform.os(),
                platform.osVersion(),
                platform.variant(),
                config,
                new RootFs(RootFs.LAYERS, diffIds),
                List.of());
    }

    /** {@return the machine that this image is for} */
    public Platform platform() {
        return new Platform(architecture, os, osVersion, List.of(), variant);
    }

    /**
     * The defaults of a container of this image.
     *
     * @param user {@code user}, {@code uid}, {@code user:group}, {@code uid:gid} …, or empty
     * @param env {@code NAME=value}
     * @param stopSignal a signal's name or number, empty for SIGTERM
     */
    public record Execution(
            @JsonProperty("User") String user,
            @JsonProperty("ExposedPorts") Map<String, Object> exposedPorts,
            @JsonProperty("Env") List<String> env,
            @JsonProperty("Entrypoint")
                    @JsonFormat(with = JsonFormat.Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY)
                    List<String> entrypoint,
            @JsonProperty("Cmd") @JsonFormat(with = JsonFormat.Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY)
                    List<String> cmd,
            @JsonProperty("Volumes") Map<String, Object> volumes,
            @JsonProperty("WorkingDir") String workingDir,
            @JsonProperty("Labels") Map<String, String> labels,
            @JsonProperty("StopSignal") String stopSignal,
            @JsonProperty("ArgsEscaped") @JsonInclude(JsonInclude.Include.NON_DEFAULT)
                    boolean argsEscaped,
            @JsonProperty("Healthcheck") @Nullable Healthcheck healthcheck) {

        /** No defaults at all. */
        public static final Execution NONE =
                new Execution(
                        "", Map.of(), List.of(), List.of(), List.of(), Map.of(), "", Map.of(), "",
                        false, null);

        public Execution {
            user = Copies.text(user);
            exposedPorts = Copies.map(exposedPorts);
            env = Copies.list(env);
            entrypoint = Copies.list(entrypoint);
            cmd = Copies.list(cmd);
            volumes = Copies.map(volumes);
            workingDir = Copies.text(workingDir);
            labels = Copies.map(labels);
            stopSignal = Copies.text(stopSignal);
        }

        /** {@return the defaults of an image that runs {@code cmd} with this environment} */
        public static Execution of(List<String> cmd, List<String> env) {
            return new Execution(
                    "", Map.of(), env, List.of(), cmd, Map.of(), "", Map.of(), "", false, null);
        }

        /** Without the environment's values: they may be secrets. */
        @Override
        public String toString() {
            return "Execution[user=%s, env=%s names, entrypoint=%s, cmd=%s, workingDir=%s, stopSignal=%s]"
                    .formatted(user, env.size(), entrypoint, cmd, workingDir, stopSignal);
        }
    }

    /**
     * How to find out whether a container is well; Docker's extension. Times are nanoseconds.
     *
     * @param test {@code NONE}, {@code CMD} and arguments, or {@code CMD-SHELL} and a command
     */
    public record Healthcheck(
            @JsonProperty("Test") List<String> test,
            @JsonProperty("Interval") @JsonInclude(JsonInclude.Include.NON_DEFAULT)
                    long intervalNanos,
            @JsonProperty("Timeout") @JsonInclude(JsonInclude.Include.NON_DEFAULT)
                    long timeoutNanos,
            @JsonProperty("StartPeriod") @JsonInclude(JsonInclude.Include.NON_DEFAULT)
                    long startPeriodNanos,
            @JsonProperty("StartInterval") @JsonInclude(JsonInclude.Include.NON_DEFAULT)
                    long startIntervalNanos,
            @JsonProperty("Retries") @JsonInclude(JsonInclude.Include.NON_DEFAULT) int retries) {
        public Healthcheck {
            test = Copies.list(test);
        }
    }

    /**
     * What the layers unpack to.
     *
     * @param type always {@code layers}
     * @param diffIds the digest of each layer's uncompressed tar archive, lowest first
     */
    public record RootFs(String type, @JsonProperty("diff_ids") List<Digest> diffIds) {
        /** The only type. */
        public static final String LAYERS = "layers";

        public RootFs {
            type = Copies.text(type);
            diffIds = Copies.list(diffIds);
        }
    }

    /** One step of the image's making. */
    public record History(
            String created,
            @JsonProperty("created_by") String createdBy,
            String author,
            String comment,
            @JsonProperty("empty_layer") @JsonInclude(JsonInclude.Include.NON_DEFAULT)
                    boolean emptyLayer) {
        public History {
            created = Copies.text(created);
            createdBy = Copies.text(createdBy);
            author = Copies.text(author);
            comment = Copies.text(comment);
        }
    }
}
