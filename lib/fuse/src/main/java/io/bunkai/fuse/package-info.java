// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The FUSE protocol, server side. A transport hands {@link io.bunkai.fuse.FuseExchange}s to a
 * {@link io.bunkai.fuse.FuseServer}, which decodes them, calls a {@link io.bunkai.fuse.FileSystem}
 * and encodes what it answers.
 *
 * @spec https://www.kernel.org/doc/html/latest/filesystems/fuse.html FUSE
 */
package io.bunkai.fuse;
