// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** Container images on disk: read, verified, unpacked in a confined child, kept as EROFS disks. */
@org.jspecify.annotations.NullMarked
module io.bunkai.images {
    requires transitive io.bunkai.base;
    requires io.bunkai.linux;
    requires transitive io.bunkai.oci;
    requires aircompressor.v3;
    requires static org.jspecify;

    exports io.bunkai.images;
}
