// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** Container images on disk: read, verified, unpacked in a confined child, kept as EROFS disks. */
package io.bunkai.images;
