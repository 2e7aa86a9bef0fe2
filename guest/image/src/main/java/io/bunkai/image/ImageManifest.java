// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a guest image is made of: the content of {@code manifest.json}, from which a runtime learns
 * how to boot the image. Immutable.
 *
 * @param inputs digest of everything the image was made from; the same inputs give the same guest
 * @param architecture Debian's name for what it runs on: {@code amd64}
 * @param kernelPackage the package that was asked for as kernel
 * @param kernelRelease what {@code uname -r} prints in the guest
 * @param agentVersion the agent's version, or an empty text if its jar states none
 * @param javaVersion version of the Java runtime inside
 * @param javaModules the modules of that runtime
 * @param aotCacheBytes size of the agent's AOT cache, which it has been seen to accept
 * @param packages the Debian packages used, name to version
 * @param bootModules the kernel modules of the initramfs, in the order they are loaded
 * @param kernels the file to boot, by accelerator: {@code kvm}, {@code tcg}
 * @param kernelParameters what to write on the kernel's command line, by accelerator
 * @param files the files beside the manifest
 */
public record ImageManifest(
        String inputs,
        String architecture,
        String kernelPackage,
        String kernelRelease,
        String agentVersion,
        String javaVersion,
        List<String> javaModules,
        long aotCacheBytes,
        SortedMap<String, String> packages,
        List<String> bootModules,
        SortedMap<String, String> kernels,
        SortedMap<String, String> kernelParameters,
        SortedMap<String, Content> files) {
    /** Name of the file in the image's folder. */
    public static final String FILE = "manifest.json";

    private static final int FORMAT = 1;

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    /**
     * One file of the image.
     *
     * @param bytes its size
     * @param sha256 its digest in hexadecimal
     */
    public record Content(long bytes, String sha256) {
        /** {@return the description of a file as it is now} */
        static Content of(Path file) throws IOException {
            return new Content(Files.size(file), Digests.sha256(file));
        }
    }

    public ImageManifest {
        javaModules = List.copyOf(javaModules);
        packages = sorted(packages);
        bootModules = List.copyOf(bootModules);
        kernels = sorted(kernels);
        kernelParameters = sorted(kernelParameters);
        files = sorted(files);
    }

    /**
     * Reads the manifest of the image in {@code folder}.
     *
     * @return nothing if there is no image
     * @throws Fault DATA_LOSS if there is a manifest that cannot be understood
     */
    public static Optional<ImageManifest> read(Path folder) throws IOException {
        Path file = folder.resolve(FILE);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(parse(Files.readString(file)));
        } catch (JacksonException e) {
            throw Fault.of(
                            io.bunkai.base.FaultCode.DATA_LOSS,
                            "%s is not a manifest of a guest image",
                            file)
                    .causedBy(e)
                    .withHint("build the image again");
        }
    }

    /** {@return the manifest that a JSON text describes} */
    static ImageManifest parse(String json) {
        JsonNode root = JSON.readTree(json);
        int format = root.required("format").asInt();
        if (format != FORMAT) {
            throw Fault.failedPrecondition(
                            "the guest image's manifest has format %d, not %d", format, FORMAT)
                    .withHint("build the image again");
        }
        SortedMap<String, Content> files = new TreeMap<>();
        for (Map.Entry<String, JsonNode> file : root.required("files").properties()) {
            files.put(
                    file.getKey(),
                    new Content(
                            file.getValue().required("bytes").asLong(),
                            file.getValue().required("sha256").asString()));
        }
        return new ImageManifest(
                root.required("inputs").asString(),
                root.required("architecture").asString(),
                root.required("kernelPackage").asString(),
                root.required("kernelRelease").asString(),
                root.required("agentVersion").asString(),
                root.required("javaVersion").asString(),
                texts(root.required("javaModules")),
                root.required("aotCacheBytes").asLong(),
                textsByName(root.required("packages")),
                texts(root.required("bootModules")),
                textsByName(root.required("kernels")),
                textsByName(root.required("kernelParameters")),
                files);
    }

    /** {@return this manifest as JSON, the same text for the same content} */
    String toJson() {
        ObjectNode root = JSON.createObjectNode();
        root.put("format", FORMAT);
        root.put("inputs", inputs);
        root.put("architecture", architecture);
        root.put("kernelPackage", kernelPackage);
        root.put("kernelRelease", kernelRelease);
        root.put("agentVersion", agentVersion);
        root.put("javaVersion", javaVersion);
        put(root.putArray("javaModules"), javaModules);
        root.put("aotCacheBytes", aotCacheBytes);
        put(root.putObject("packages"), packages);
        put(root.putArray("bootModules"), bootModules);
        put(root.putObject("kernels"), kernels);
        put(root.putObject("kernelParameters"), kernelParameters);
        ObjectNode all = root.putObject("files");
        files.forEach((name, content) ->
                all.putObject(name).put("bytes", content.bytes()).put("sha256", content.sha256()));
        return JSON.writeValueAsString(root) + "\n";
    }

    private static void put(ArrayNode array, List<String> values) {
        values.forEach(array::add);
    }

    private static void put(ObjectNode object, Map<String, String> values) {
        values.forEach(object::put);
    }

    private static List<String> texts(JsonNode array) {
        return array.values().stream().map(JsonNode::asString).toList();
    }

    private static SortedMap<String, String> textsByName(JsonNode object) {
        SortedMap<String, String> texts = new TreeMap<>();
        object.properties()
                .forEach(entry -> texts.put(entry.getKey(), entry.getValue().asString()));
        return texts;
    }

    private static <V> SortedMap<String, V> sorted(SortedMap<String, V> map) {
        return java.util.Collections.unmodifiableSortedMap(new TreeMap<>(map));
    }
}
