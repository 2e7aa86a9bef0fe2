// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import org.jspecify.annotations.Nullable;

/**
 * How a directory is served.
 *
 * @param timeoutNanos how long names and attributes hold in the guest
 * @param writeback whether the guest collects writes
 * @param xattrs how extended attributes are called; null for none at all
 * @param posixAcl whether the guest checks permissions by access control lists
 * @param securityLabel whether files get the label that the guest has for them
 * @param killprivV2 whether this side drops set-id bits
 * @param readdirplus whether listings bring attributes
 * @param directIo whether O_DIRECT of the guest reaches the host
 * @param mmapDirect whether files with direct I/O can be mapped shared
 * @param submounts whether the guest is told where mounts of the host begin
 * @param handles whether files may be found again by file handle
 * @param readOnly whether nothing may be changed
 * @param noatime whether O_NOATIME of the guest reaches the host
 * @param space how much the directory may take; null for all that there is
 */
record FileSystemOptions(
        CacheMode cache,
        long timeoutNanos,
        boolean writeback,
        @Nullable XattrMap xattrs,
        boolean posixAcl,
        boolean securityLabel,
        boolean killprivV2,
        boolean readdirplus,
        boolean directIo,
        boolean mmapDirect,
        boolean submounts,
        boolean handles,
        boolean readOnly,
        boolean noatime,
        IdMap uids,
        IdMap gids,
        @Nullable SpaceLimit space) {}
