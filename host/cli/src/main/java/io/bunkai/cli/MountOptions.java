// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.control.Mount;
import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Option;

/**
 * What is mounted in a container, in Docker's three notations.
 *
 * @spec https://docs.docker.com/reference/cli/docker/container/run/ docker run
 */
final class MountOptions {
    private static final Set<String> PROPAGATION =
            Set.of("private", "rprivate", "slave", "rslave", "shared", "rshared");

    /** What Docker takes and what makes no difference here. */
    private static final Set<String> WITHOUT_EFFECT =
            Set.of("z", "Z", "cached", "delegated", "consistent");

    private static final Set<String> TMPFS =
            Set.of(
                    "rw",
                    "ro",
                    "exec",
                    "noexec",
                    "suid",
                    "nosuid",
                    "dev",
                    "nodev",
                    "size",
                    "mode",
                    "uid",
                    "gid",
                    "nr_inodes",
                    "nr_blocks",
                    "noatime",
                    "relatime");

    @Option(
            names = {"-v", "--volume"},
            paramLabel = "HOST:CONTAINER[:ro]",
            description = "Mount a folder or a file of the host.")
    private List<String> volumes = new ArrayList<>();

    @Option(
            names = "--mount",
            paramLabel = "type=TYPE,...",
            description = {
                "Mount: type=bind,source=HOST,target=CONTAINER[,readonly][,bind-propagation=HOW],",
                "or type=tmpfs,target=CONTAINER[,tmpfs-size=SIZE][,tmpfs-mode=MODE]."
            })
    private List<String> mounts = new ArrayList<>();

    @Option(names = "--tmpfs", paramLabel = "CONTAINER[:OPTIONS]", description = "Mount memory.")
    private List<String> memories = new ArrayList<>();

    /**
     * {@return all mounts that are asked for}
     *
     * @param directory what paths of the host are relative to
     * @throws Fault INVALID_ARGUMENT if one makes no sense, UNIMPLEMENTED if it is a volume by name
     */
    List<Mount> resolve(Path directory) {
        List<Mount> all = new ArrayList<>();
        volumes.forEach(text -> all.add(volume(text, directory)));
        mounts.forEach(text -> all.add(mount(text, directory)));
        memories.forEach(text -> all.add(memory(text)));
        return all;
    }

    private static Mount volume(String text, Path directory) {
        String[] parts = text.split(":", -1);
        if (parts.length < 2 || parts.length > 3 || parts[0].isEmpty() || parts[1].isEmpty()) {
            throw Fault.invalidArgument("'%s' is no volume", text)
                    .withHint("write HOST:CONTAINER or HOST:CONTAINER:ro");
        }
        Mount.Builder mount = bind(parts[0], parts[1], directory);
        if (parts.length == 3) {
            for (String option : parts[2].split(",", -1)) {
                volumeOption(mount, option, text);
            }
        }
        return mount.build();
    }

    private static void volumeOption(Mount.Builder mount, String option, String text) {
        if (option.equals("ro") || option.equals("rw") || PROPAGATION.contains(option)) {
            mount.addOptions(option);
        } else if (!WITHOUT_EFFECT.contains(option)) {
            throw Fault.invalidArgument("'%s' is no option of a volume: %s", option, text)
                    .withHint("use ro, rw, rprivate or rslave");
        }
    }

    private static Mount.Builder bind(String source, String destination, Path directory) {
        if (!source.contains("/") && !source.equals(".") && !source.equals("..")) {
            throw Fault.unimplemented("there are no volumes with names such as '%s'", source)
                    .withHint("name a folder of the host: ./%s", source);
        }
        return Mount.newBuilder()
                .setType("bind")
                .setSource(directory.resolve(source).toString())
                .setDestination(destination)
                .addOptions("rbind");
    }

    private static Mount mount(String text, Path directory) {
        String type = "";
        String source = "";
        String destination = "";
        List<String> options = new ArrayList<>();
        for (String field : text.split(",", -1)) {
            int equals = field.indexOf('=');
            String key = equals < 0 ? field : field.substring(0, equals);
            String value = equals < 0 ? "" : field.substring(equals + 1);
            switch (key) {
                case "type" -> type = value;
                case "source", "src" -> source = value;
                case "target", "destination", "dst" -> destination = value;
                case "readonly", "ro" -> options.add(isTrue(field, value) ? "ro" : "rw");
                case "bind-propagation" -> options.add(oneOf(PROPAGATION, value, field));
                case "tmpfs-size" -> options.add("size=" + ByteSize.parse(value).bytes());
                case "tmpfs-mode" -> options.add("mode=" + value);
                case "consistency" -> {}
                default ->
                        throw Fault.invalidArgument("'%s' is no part of a mount: %s", key, text)
                                .withHint(
                                        "use type, source, target, readonly, bind-propagation,"
                                                + " tmpfs-size, tmpfs-mode");
            }
        }
        return switch (type) {
            case "bind" ->
                    bind(required("source", source, text), destination, directory)
                            .setDestination(required("target", destination, text))
                            .addAllOptions(options)
                            .build();
            case "tmpfs" -> tmpfs(required("target", destination, text), options);
            case "", "volume" ->
                    throw Fault.unimplemented("there are no volumes: %s", text)
                            .withHint("write type=bind or type=tmpfs");
            default ->
                    throw Fault.invalidArgument("there is no mount of type '%s'", type)
                            .withHint("write type=bind or type=tmpfs");
        };
    }

    private static boolean isTrue(String field, String value) {
        return switch (value) {
            case "", "true", "1" -> true;
            case "false", "0" -> false;
            default -> throw Fault.invalidArgument("'%s' is neither true nor false", field);
        };
    }

    private static String oneOf(Set<String> words, String value, String field) {
        if (!words.contains(value)) {
            throw Fault.invalidArgument(
                    "'%s' is none of %s", field, words.stream().sorted().toList());
        }
        return value;
    }

    private static String required(String what, String value, String text) {
        if (value.isEmpty()) {
            throw Fault.invalidArgument("the mount '%s' has no %s", text, what)
                    .withHint("add %s=PATH", what);
        }
        return value;
    }

    private static Mount memory(String text) {
        int colon = text.indexOf(':');
        List<String> options = new ArrayList<>();
        if (colon >= 0) {
            for (String option : text.substring(colon + 1).split(",", -1)) {
                int equals = option.indexOf('=');
                options.add(option);
                oneOf(TMPFS, equals < 0 ? option : option.substring(0, equals), option);
            }
        }
        return tmpfs(colon < 0 ? text : text.substring(0, colon), options);
    }

    /** Docker's defaults, and what is asked for after them: of two, the last one counts. */
    private static Mount tmpfs(String destination, List<String> options) {
        return Mount.newBuilder()
                .setType("tmpfs")
                .setSource("tmpfs")
                .setDestination(destination)
                .addAllOptions(List.of("nosuid", "nodev", "noexec"))
                .addAllOptions(options)
                .build();
    }
}
