// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.UUID;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What is in a root file system, and what it needs: written into the image as {@code
 * /usr/share/bunkai/manifest.json}, and, with the description of the image itself, beside it. Its
 * last member is the SHA-256 of the text in which that digest's digits are zeros. Immutable, and
 * the same text for the same content.
 *
 * @param architecture as {@code uname -m} prints it
 * @param epochSeconds the time of every file
 * @param agentVersion the agent's version
 * @param agentProtocol the version of the protocol that it speaks
 * @param javaVersion version of the Java runtime
 * @param javaModules modules of that runtime
 * @param aot the agent's AOT cache
 * @param packages the Debian packages that files are of, name to version
 * @param programs what the agent runs, name to path
 * @param kernelRelease the kernel whose modules are inside
 * @param kernelModules these modules
 * @param tree all files
 */
record ContentManifest(
        String architecture,
        long epochSeconds,
        String agentVersion,
        String agentProtocol,
        String javaVersion,
        Collection<String> javaModules,
        AotStore.Entry aot,
        SortedMap<String, String> packages,
        SortedMap<String, String> programs,
        String kernelRelease,
        List<String> kernelModules,
        TreeListing tree) {
    /** Where it is in the image. */
    static final String PLACE = "usr/share/bunkai/manifest.json";

    private static final int FORMAT = 1;
    private static final String ZEROS = "0".repeat(64);

    /** What a kernel has to have for this image to work, whatever it lies on. */
    private static final List<String> KERNEL_FEATURES =
            List.of(
                    "binfmt-script",
                    "cgroup2",
                    "devpts",
                    "devtmpfs",
                    "inet",
                    "mqueue",
                    "namespaces",
                    "overlayfs",
                    "proc",
                    "seccomp",
                    "sysfs",
                    "tmpfs",
                    "unix-sockets",
                    "virtio-console");

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    /**
     * The image that holds the content.
     *
     * @param format its form
     * @param uuid of its file system
     * @param fileSystemBytes size of that
     * @param bytes size of the file
     * @param sha256 digest of the file
     */
    record Image(ImageFormat format, UUID uuid, long fileSystemBytes, long bytes, String sha256) {}

    /** {@return what identifies the content: the same for the same, another for any other} */
    UUID uuid() {
        String digest = Digests.sha256(toJson(Optional.empty()));
        long high = Long.parseUnsignedLong(digest, 0, 16, 16);
        long low = Long.parseUnsignedLong(digest, 16, 32, 16);
        // Version 8, made in a way of one's own; the variant of RFC 9562.
        return new UUID((high & ~0xf000L) | 0x8000L, (low & ~(3L << 62)) | (1L << 63));
    }

    /** {@return the text inside, or beside this image} */
    String toJson(Optional<Image> image) {
        ObjectNode root = JSON.createObjectNode();
        root.put("format", FORMAT);
        root.put("architecture", architecture);
        root.put("sourceDateEpoch", epochSeconds);
        ObjectNode agent = root.putObject("agent");
        agent.put("version", agentVersion);
        agent.putArray("protocols").add(agentProtocol);
        ObjectNode java = root.putObject("java");
        java.put("version", javaVersion);
        put(java.putArray("modules"), javaModules);
        root.putObject("aot")
                .put("key", aot.key())
                .put("bytes", aot.bytes())
                .put("sha256", aot.sha256());
        put(root.putObject("packages"), packages);
        ObjectNode all = root.putObject("programs");
        programs.forEach((name, path) -> all.putObject(name).put("path", path));
        put(root.putArray("kernelFeatures"), KERNEL_FEATURES);
        ObjectNode modules = root.putObject("modules");
        modules.put("release", kernelRelease);
        put(modules.putArray("names"), kernelModules);
        root.put("tree", tree.digest());
        put(root.putObject("files"), tree.files());
        image.ifPresent(described ->
                root.putObject("image")
                        .put("fileSystem", described.format().fileSystem().label())
                        .put("layout", described.format().layout().label())
                        .put("compression", described.format().compression().label())
                        .put("uuid", described.uuid().toString())
                        .put("fileSystemBytes", described.fileSystemBytes())
                        .put("bytes", described.bytes())
                        .put("sha256", described.sha256()));
        root.put("digest", ZEROS);
        String text = JSON.writeValueAsString(root) + "\n";
        return text.replace("\"digest\" : \"" + ZEROS, "\"digest\" : \"" + Digests.sha256(text));
    }

    private static void put(ArrayNode array, Collection<String> values) {
        values.forEach(array::add);
    }

    private static void put(ObjectNode object, Map<String, String> values) {
        values.forEach(object::put);
    }
}
