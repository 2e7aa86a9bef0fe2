// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.ByteSize;
import io.bunkai.oci.Digest;
import io.bunkai.oci.ImageConfig;
import java.nio.file.Path;

/**
 * An image that is ready to be run.
 *
 * @param id the digest of its config, which is what Docker calls the image's id
 * @param name what it was asked for as
 * @param config how to run it
 * @param erofsDisk its files, as a file system of the type {@code erofs} without a partition table;
 *     read-only, shared by all its containers
 * @param size length of the disk
 */
public record ContainerImage(
        Digest id, String name, ImageConfig config, Path erofsDisk, ByteSize size) {}
