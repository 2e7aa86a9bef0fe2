// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.bunkai.base.Fault;
import java.util.List;

/**
 * One image in the {@code manifest.json} of an archive made by {@code docker save}: a list of
 * these.
 *
 * @param config the member that holds the {@link ImageConfig}
 * @param repoTags names of the image, such as {@code busybox:latest}
 * @param layers members that hold the layers' tar archives, lowest first
 */
public record DockerArchiveEntry(
        @JsonProperty("Config") String config,
        @JsonProperty("RepoTags") List<String> repoTags,
        @JsonProperty("Layers") List<String> layers) {
    public DockerArchiveEntry {
        if (config == null) {
            throw Fault.invalidArgument("an image of the archive names no config");
        }
        repoTags = Copies.list(repoTags);
        layers = Copies.list(layers);
    }
}
