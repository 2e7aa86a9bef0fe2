// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The only module with native access: system calls, descriptors, processes, terminals, mounts. */
package io.bunkai.linux;
