// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import io.bunkai.base.Fault;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One image: its config and its layers, lowest first.
 *
 * @param config where the {@link ImageConfig} is
 * @spec https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md OCI image
 *     specification 1.1, image manifest
 */
public record ImageManifest(
        int schemaVersion,
        String mediaType,
        @Nullable String artifactType,
        Descriptor config,
        List<Descriptor> layers,
        Map<String, String> annotations) {

    /** The only version of the format that has layers by digest. */
    public static final int SCHEMA_VERSION = 2;

    public ImageManifest {
        if (config == null) {
            throw Fault.invalidArgument("an image manifest names no config");
        }
        mediaType = Copies.text(mediaType);
        layers = Copies.list(layers);
        annotations = Copies.map(annotations);
    }

    /** {@return an OCI manifest of this config and these layers} */
    public static ImageManifest of(Descriptor config, List<Descriptor> layers) {
        return new ImageManifest(
                SCHEMA_VERSION, MediaType.OCI_MANIFEST.text(), null, config, layers, Map.of());
    }
}
