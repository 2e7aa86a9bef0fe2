// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

/**
 * One namespace of one containerd: what makes the ids of its tasks unique on this machine.
 *
 * @param address containerd's GRPC socket, as it names itself; empty for CRI-O, which names none
 * @param namespace containerd's namespace
 * @param eventsAddress where events are sent to, containerd's TTRPC socket; empty if nobody asks
 *     for events
 */
public record TaskOwner(String address, String namespace, String eventsAddress) {}
