// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a kernel was made of and how it is booted: the content of the file beside it. Immutable, and
 * the same text for the same inputs.
 *
 * @param inputs digest of everything that it was made from
 * @param name the version, the configuration's version and the variant: what its files are named by
 * @param version of Linux
 * @param release what {@code uname -r} prints
 * @param variant the end of the name; empty for the kernel that runs pods
 * @param architecture what it runs on
 * @param origin what the source was
 * @param sourceDigest its digest, after the changes
 * @param changes what was changed in the source: path to reason
 * @param configDigest of the whole configuration
 * @param compiler the first line that it prints about itself
 * @param linker likewise
 * @param fragments name to digest; empty if the configuration was given as a whole
 * @param waived options that did not stick and the reason why they may
 * @param dropped options that did not stick and were let pass by {@code -s}
 * @param modules whether it can load modules
 * @param initrd whether it needs an initrd to find its root
 * @param kernels the file to boot, by accelerator: {@code kvm}, {@code tcg}
 * @param files the files beside the manifest
 */
record KernelManifest(
        String inputs,
        String name,
        String version,
        String release,
        String variant,
        String architecture,
        String origin,
        String sourceDigest,
        SortedMap<String, String> changes,
        String configDigest,
        String compiler,
        String linker,
        SortedMap<String, String> fragments,
        SortedMap<String, String> waived,
        List<String> dropped,
        boolean modules,
        boolean initrd,
        SortedMap<String, String> kernels,
        SortedMap<String, Content> files) {
    private static final int FORMAT = 1;
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    /**
     * One file.
     *
     * @param bytes its size
     * @param sha256 its digest in hexadecimal
     */
    record Content(long bytes, String sha256) {
        /** {@return the description of a file as it is now} */
        static Content of(Path file) throws IOException {
            return new Content(Files.size(file), Digests.sha256(file));
        }
    }

    KernelManifest {
        changes = Collections.unmodifiableSortedMap(new TreeMap<>(changes));
        fragments = Collections.unmodifiableSortedMap(new TreeMap<>(fragments));
        waived = Collections.unmodifiableSortedMap(new TreeMap<>(waived));
        dropped = List.copyOf(dropped);
        kernels = Collections.unmodifiableSortedMap(new TreeMap<>(kernels));
        files = Collections.unmodifiableSortedMap(new TreeMap<>(files));
    }

    /** {@return the name of the file that it is kept in} */
    String file() {
        return "kernel-" + name + ".json";
    }

    /**
     * Reads a manifest.
     *
     * @throws Fault DATA_LOSS if it cannot be understood
     */
    static KernelManifest read(Path file) throws IOException {
        try {
            return parse(Files.readString(file));
        } catch (JacksonException e) {
            throw Fault.of(FaultCode.DATA_LOSS, "%s is not a manifest of a kernel", file)
                    .causedBy(e)
                    .withHint("build the kernel again");
        }
    }

    static KernelManifest parse(String json) {
        JsonNode root = JSON.readTree(json);
        int format = root.required("format").asInt();
        if (format != FORMAT) {
            throw Fault.of(
                            FaultCode.DATA_LOSS,
                            "the manifest of a kernel has format %d, not %d",
                            format,
                            FORMAT)
                    .withHint("build the kernel again");
        }
        SortedMap<String, Content> files = new TreeMap<>();
        for (Map.Entry<String, JsonNode> file : root.required("files").properties()) {
            files.put(
                    file.getKey(),
                    new Content(
                            file.getValue().required("bytes").asLong(),
                            file.getValue().required("sha256").asString()));
        }
        return new KernelManifest(
                root.required("inputs").asString(),
                root.required("name").asString(),
                root.required("version").asString(),
                root.required("release").asString(),
                root.required("variant").asString(),
                root.required("architecture").asString(),
                root.required("origin").asString(),
                root.required("sourceDigest").asString(),
                texts(root.path("changes")), // older builds made none
                root.required("configDigest").asString(),
                root.required("compiler").asString(),
                root.required("linker").asString(),
                texts(root.required("fragments")),
                texts(root.required("waived")),
                root.required("dropped").values().stream().map(JsonNode::asString).toList(),
                root.required("modules").asBoolean(),
                root.required("initrd").asBoolean(),
                texts(root.required("kernels")),
                files);
    }

    private static SortedMap<String, String> texts(JsonNode object) {
        SortedMap<String, String> texts = new TreeMap<>();
        object.properties()
                .forEach(entry -> texts.put(entry.getKey(), entry.getValue().asString()));
        return texts;
    }

    /** {@return this manifest as JSON} */
    String toJson() {
        ObjectNode root = JSON.createObjectNode();
        root.put("format", FORMAT);
        root.put("inputs", inputs);
        root.put("name", name);
        root.put("version", version);
        root.put("release", release);
        root.put("variant", variant);
        root.put("architecture", architecture);
        root.put("origin", origin);
        root.put("sourceDigest", sourceDigest);
        changes.forEach(root.putObject("changes")::put);
        root.put("configDigest", configDigest);
        root.put("compiler", compiler);
        root.put("linker", linker);
        fragments.forEach(root.putObject("fragments")::put);
        waived.forEach(root.putObject("waived")::put);
        dropped.forEach(root.putArray("dropped")::add);
        root.put("modules", modules);
        root.put("initrd", initrd);
        kernels.forEach(root.putObject("kernels")::put);
        ObjectNode all = root.putObject("files");
        files.forEach((file, content) ->
                all.putObject(file).put("bytes", content.bytes()).put("sha256", content.sha256()));
        return JSON.writeValueAsString(root) + "\n";
    }
}
