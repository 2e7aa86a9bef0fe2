// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

import java.io.IOException;
import java.nio.file.Path;

/** Where in a guest's disk image its root file system is. */
public final class ImageLayout {
    private ImageLayout() {}

    /**
     * {@return whether it is in the first partition, and not the whole; false if it cannot be read}
     */
    public static boolean isPartitioned(Path image) {
        try {
            return ImageFile.read(image).partitionOffset() > 0;
        } catch (IOException e) {
            return false;
        }
    }
}
