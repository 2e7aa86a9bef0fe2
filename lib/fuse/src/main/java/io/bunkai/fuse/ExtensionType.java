// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

/**
 * The types of extensions, which follow the names of a request.
 *
 * @spec https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/fuse.h linux/fuse.h
 */
public final class ExtensionType {
    /** Types up to this are no types but the number of security contexts that follow. */
    public static final int MAX_NR_SECCTX = 31;

    /** Supplementary groups. */
    public static final int GROUPS = 32;

    /** Extensions are padded to a multiple of this. */
    public static final int ALIGNMENT = 8;

    private ExtensionType() {}
}
