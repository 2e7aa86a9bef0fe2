// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/**
 * The system's calls as this project uses them. Callers see {@link io.bunkai.linux.Fd} and types of
 * the domain, never a raw descriptor.
 */
package io.bunkai.linux;
