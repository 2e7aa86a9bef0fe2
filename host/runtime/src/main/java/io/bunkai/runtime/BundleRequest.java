// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.oci.RuntimeSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What containerd asks for when it makes a container: a bundle, and what its root file system is to
 * be mounted from. Nothing in it has been checked against anything.
 *
 * @param owner who it belongs to
 * @param bundle the bundle's folder, an absolute path
 * @param spec the bundle's {@code config.json}
 * @param rootMounts what the root file system is mounted from; empty if the folder that the
 *     specification names is it already
 * @param configuration the configuration file that is to be used; empty for the node's
 * @param stdin whether standard input stays open for somebody to write to
 * @param notes what the owner wants to find again, see {@link Terms}
 * @spec https://github.com/opencontainers/runtime-spec/blob/v1.2.1/bundle.md bundles
 */
public record BundleRequest(
        Owner owner,
        Path bundle,
        RuntimeSpec spec,
        List<RootMount> rootMounts,
        Optional<Path> configuration,
        boolean stdin,
        Map<String, String> notes) {
    public BundleRequest {
        rootMounts = List.copyOf(rootMounts);
        notes = Map.copyOf(notes);
    }

    /**
     * A mount that a snapshotter asks for.
     *
     * @param type of the file system; {@code bind} for a folder as it is
     * @param source what is mounted
     * @param options of the mount
     */
    public record RootMount(String type, String source, List<String> options) {
        public RootMount {
            options = List.copyOf(options);
        }
    }
}
