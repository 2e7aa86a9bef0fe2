// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.vmm.Accelerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The kernel that machines boot if a configuration names no other: one that was built from source,
 * if there is one beside the guest image, else the one that is part of the image.
 *
 * @param file what the hypervisor is given
 * @param initrd what loads the drivers for the root disk, if the kernel needs somebody to
 * @param description what it is, for people
 */
public record GuestKernel(Path file, Optional<Path> initrd, String description) {
    private static final System.Logger LOG = System.getLogger(GuestKernel.class.getName());

    /** The folder of kernels, beside the one of the guest image. */
    private static final String FOLDER = "kernel";

    /** A link to the manifest of the kernel in use; it changes last when a kernel is installed. */
    private static final String MANIFEST = "kernel.container.json";

    /** Loads what a distribution's kernel has as modules. */
    static final String INITRD = "initrd.img";

    /**
     * {@return the kernel to boot with this accelerator}
     *
     * @param guest folder of the guest image
     * @throws Fault as {@link GuestManifest#kernel}
     */
    public static GuestKernel choose(Path guest, Accelerator accelerator) {
        Path manifest = manifestOf(guest);
        if (Files.exists(manifest)) {
            try {
                return built(manifest, accelerator);
            } catch (Fault e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "kernel not used, the guest image''s serves instead manifest={0}"
                                + " reason={1}",
                        manifest,
                        e.getMessage());
            }
        }
        Path file = GuestManifest.kernel(guest, accelerator);
        return new GuestKernel(
                file,
                Optional.of(guest.resolve(INITRD)).filter(Files::exists),
                "Linux " + GuestManifest.kernelRelease(guest) + ", the guest image's");
    }

    /**
     * {@return the file that a kernel that is used instead of the image's would be described by}
     */
    public static Path manifestOf(Path guest) {
        return guest.toAbsolutePath().resolveSibling(FOLDER).resolve(MANIFEST);
    }

    private static GuestKernel built(Path link, Accelerator accelerator) {
        try {
            Path manifest = link.toRealPath();
            JsonNode root = PlanJson.MAPPER.readTree(Files.readAllBytes(manifest));
            String name = text(root.path("kernels"), accelerator.name().toLowerCase(Locale.ROOT));
            Path file = manifest.resolveSibling(Path.of(name).getFileName());
            if (!text(root, "architecture").equals(machine())) {
                throw Fault.failedPrecondition("it is for %s", text(root, "architecture"));
            }
            if (root.path("initrd").asBoolean(true)) {
                throw Fault.failedPrecondition("it needs an initrd, and there is none for it");
            }
            long bytes = root.path("files").path(name).path("bytes").asLong(-1);
            if (!Files.exists(file) || Files.size(file) != bytes) {
                throw Fault.failedPrecondition("%s is missing or damaged", file);
            }
            return new GuestKernel(
                    file,
                    Optional.empty(),
                    "Linux %s, built from %s"
                            .formatted(text(root, "release"), text(root, "origin")));
        } catch (IOException | JacksonException e) {
            throw Fault.of(FaultCode.DATA_LOSS, "its manifest cannot be read").causedBy(e);
        }
    }

    private static String text(JsonNode object, String field) {
        JsonNode text = object.path(field);
        if (!text.isString()) {
            throw Fault.of(FaultCode.DATA_LOSS, "its manifest has no %s", field);
        }
        return text.asString();
    }

    /** {@return this machine's architecture as the kernel names it} */
    private static String machine() {
        String name = System.getProperty("os.arch", "");
        return name.equals("amd64") ? "x86_64" : name;
    }
}
