// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.util.Map;
import java.util.Optional;

/**
 * What holds for a container beside what its start makes.
 *
 * @param owner who it belongs to; empty for this daemon's own users
 * @param stdin whether standard input stays open for somebody to write to
 * @param remove whether everything about the container goes once it has ended
 * @param annotations of the container, Kata's and ours among them
 * @param notes what the owner wants to find again, in whatever words; kept, never looked at
 */
public record Terms(
        Optional<Owner> owner,
        boolean stdin,
        boolean remove,
        Map<String, String> annotations,
        Map<String, String> notes) {
    /** Set by containerd's CRI plugin, for every container of a pod. */
    private static final String POD_NAMESPACE = "io.kubernetes.cri.sandbox-namespace";

    public Terms {
        annotations = Map.copyOf(annotations);
        notes = Map.copyOf(notes);
    }

    /**
     * {@return the namespace that it belongs to: Kubernetes' of a pod, else containerd's; that of
     * this daemon's own users has no name}
     */
    String namespace() {
        String ofPod = annotations.get(POD_NAMESPACE);
        return ofPod != null ? ofPod : owner.map(Owner::namespace).orElse("");
    }

    static Terms of(ContainerRequest request) {
        return new Terms(
                Optional.empty(),
                request.stdin(),
                request.remove(),
                request.annotations(),
                Map.of());
    }

    static Terms of(BundleRequest request) {
        return new Terms(
                Optional.of(request.owner()),
                request.stdin(),
                false,
                request.spec().annotations(),
                request.notes());
    }
}
