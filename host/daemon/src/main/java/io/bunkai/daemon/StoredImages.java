// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Deadline;
import io.bunkai.images.ContainerImage;
import io.bunkai.images.ImageReference;
import io.bunkai.images.ImageStore;
import io.bunkai.oci.ImageConfig;
import io.bunkai.runtime.ImageSource;
import java.nio.file.Path;
import java.time.Duration;

/** The image store as the runtime sees it. */
final class StoredImages implements ImageSource {
    /** The first use of a large image unpacks it. */
    private static final Duration PATIENCE = Duration.ofMinutes(15);

    private final ImageStore store;

    StoredImages(ImageStore store) {
        this.store = store;
    }

    @Override
    public Image resolve(String reference) {
        ImageReference named =
                reference.isEmpty()
                        ? ImageReference.embedded()
                        : ImageReference.parse(reference, Path.of("/"));
        ContainerImage image = store.resolve(named, Deadline.after(PATIENCE));
        ImageConfig.Execution config = image.config().config();
        return new Image(
                image.name(),
                image.id().toString(),
                image.erofsDisk(),
                config.entrypoint(),
                config.cmd(),
                config.env(),
                config.workingDir(),
                config.user(),
                config.stopSignal());
    }
}
