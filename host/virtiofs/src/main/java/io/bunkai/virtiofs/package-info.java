// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** A directory served as a vhost-user file system device, and the program that does so. */
package io.bunkai.virtiofs;
