// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** Builds the guest's root file system, its initramfs and its images from Debian packages. */
@org.jspecify.annotations.NullMarked
module io.bunkai.image {
    requires transitive io.bunkai.base;
    requires io.bunkai.linux;
    requires tools.jackson.databind;
    requires info.picocli;
    requires static org.jspecify;

    exports io.bunkai.image;

    // Fills in the commands' options.
    opens io.bunkai.image to
            info.picocli;
}
