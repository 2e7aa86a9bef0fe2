// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Looks at the files that a configuration names. Not part of the loading: a configuration can be
 * read, and explained, on a machine where the guest image is yet to be built.
 */
public final class AssetCheck {
    private AssetCheck() {}

    /**
     * Checks that hypervisor, kernel and root file system are there, and fit.
     *
     * @return what is odd and no reason to stop
     * @throws Fault NOT_FOUND if a file is missing; FAILED_PRECONDITION if it is no file, empty,
     *     not executable, or an initial RAM disk larger than the machine's memory
     */
    public static List<ConfigurationWarning> check(LoadedConfiguration loaded) {
        Configuration configuration = loaded.configuration();
        Path hypervisor = configuration.machine().hypervisor();
        sizeOf("the hypervisor", "path", hypervisor);
        if (!Files.isExecutable(hypervisor)) {
            throw Fault.failedPrecondition("the hypervisor %s is not executable", hypervisor)
                    .withHint("correct its mode, or path in [hypervisor.qemu]");
        }
        sizeOf("the guest's kernel", "kernel", configuration.boot().kernel());
        ByteSize memory = configuration.sizing().memory();
        return switch (configuration.boot().root()) {
            case BootConfiguration.Root.Image(Path path, _) ->
                    imageWarnings(loaded, sizeOf("the guest's image", "image", path), memory);
            case BootConfiguration.Root.InitialRamDisk(Path path) -> {
                ByteSize size = sizeOf("the guest's initial RAM disk", "initrd", path);
                if (size.compareTo(memory) > 0) {
                    throw Fault.failedPrecondition(
                                    "the guest's initial RAM disk %s (%s) is larger than its"
                                            + " memory (%s)",
                                    path, size, memory)
                            .withHint("raise default_memory in [hypervisor.qemu]");
                }
                yield List.of();
            }
        };
    }

    private static List<ConfigurationWarning> imageWarnings(
            LoadedConfiguration loaded, ByteSize size, ByteSize memory) {
        if (size.compareTo(memory) <= 0) {
            return List.of();
        }
        Optional<Origin> origin =
                loaded.effectiveValues().stream()
                        .filter(value -> value.key().equals("hypervisor.qemu.image"))
                        .map(EffectiveValue::origin)
                        .findFirst();
        return List.of(
                new ConfigurationWarning(
                        ConfigurationWarning.Kind.QUESTIONABLE,
                        "hypervisor.qemu.image",
                        origin.orElseGet(Origin::builtIn),
                        "the guest's image ("
                                + size
                                + ") is larger than its memory ("
                                + memory
                                + ") and cannot be kept in it"));
    }

    private static ByteSize sizeOf(String what, String key, Path path) {
        try {
            if (!Files.isRegularFile(path)) {
                boolean there = Files.exists(path);
                Fault fault =
                        there
                                ? Fault.failedPrecondition("%s %s is no file", what, path)
                                : Fault.notFound("%s %s is not there", what, path);
                throw fault.withHint("install it, or correct %s in [hypervisor.qemu]", key);
            }
            long bytes = Files.size(path);
            if (bytes == 0) {
                throw Fault.failedPrecondition("%s %s is empty", what, path)
                        .withHint("install it again, or correct %s in [hypervisor.qemu]", key);
            }
            return ByteSize.ofBytes(bytes);
        } catch (IOException e) {
            throw Fault.failedPrecondition("%s %s cannot be read", what, path).causedBy(e);
        }
    }
}
