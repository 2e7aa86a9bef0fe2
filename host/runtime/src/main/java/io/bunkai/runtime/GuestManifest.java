// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.vmm.Accelerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** What a guest image says about itself, in the file beside it. */
public final class GuestManifest {
    private static final String FILE = "manifest.json";

    private GuestManifest() {}

    /**
     * {@return what the image in this directory wants its kernel to be told}
     *
     * @throws Fault NOT_FOUND if there is no image, DATA_LOSS if its manifest cannot be understood
     */
    public static List<String> kernelParameters(Path directory, Accelerator accelerator) {
        String parameters = text(directory, "kernelParameters", accelerator).strip();
        return parameters.isEmpty() ? List.of() : List.of(parameters.split("\\s+"));
    }

    /**
     * {@return the form of its kernel that this accelerator boots fastest}
     *
     * @throws Fault as {@link #kernelParameters}
     */
    public static Path kernel(Path directory, Accelerator accelerator) {
        return directory.resolve(Path.of(text(directory, "kernels", accelerator)).getFileName());
    }

    /**
     * {@return what {@code uname -r} prints with that kernel; a question mark if nobody noted it}
     */
    static String kernelRelease(Path directory) {
        return read(directory).path("kernelRelease").asString("?");
    }

    private static String text(Path directory, String field, Accelerator accelerator) {
        JsonNode text =
                read(directory).path(field).path(accelerator.name().toLowerCase(Locale.ROOT));
        if (!text.isString()) {
            throw unusable(directory.resolve(FILE));
        }
        return text.asString();
    }

    private static JsonNode read(Path directory) {
        Path file = directory.resolve(FILE);
        try {
            return PlanJson.MAPPER.readTree(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            throw Fault.notFound("there is no guest image in %s", directory)
                    .causedBy(e)
                    .withHint("build one: ./bunkai does so when it is started");
        } catch (IOException | JacksonException e) {
            throw unusable(file).causedBy(e);
        }
    }

    private static Fault unusable(Path file) {
        return Fault.of(
                        FaultCode.DATA_LOSS,
                        "the guest image's manifest %s cannot be understood",
                        file)
                .withHint("remove the directory, and let it be built again");
    }
}
