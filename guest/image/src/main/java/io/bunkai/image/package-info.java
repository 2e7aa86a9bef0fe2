// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** Builds the guest's root file system, its initramfs and its images from Debian packages. */
package io.bunkai.image;
