// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.time.Instant;
import java.util.Optional;

/**
 * Something that happened without being asked for.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP events
 */
public sealed interface QmpEvent {
    /** {@return when it happened, by the clock of the machine that QEMU runs on} */
    Instant at();

    /**
     * The machine has ended; QEMU exits, unless it was told to stay.
     *
     * @param guest whether the guest asked for it
     * @param reason the protocol's word: {@code guest-shutdown}, {@code guest-reset}, {@code
     *     guest-panic}, {@code host-qmp-quit}, {@code host-signal}; more may come
     */
    record Shutdown(Instant at, boolean guest, String reason) implements QmpEvent {}

    /**
     * The machine starts anew.
     *
     * @param guest whether the guest asked for it
     * @param reason as in {@link Shutdown}
     */
    record Reset(Instant at, boolean guest, String reason) implements QmpEvent {}

    /** The processors were held; {@link QueryStatus} tells why. */
    record Stopped(Instant at) implements QmpEvent {}

    /** The processors run again. */
    record Resumed(Instant at) implements QmpEvent {}

    /**
     * The guest's kernel panicked and said so through a panic device.
     *
     * @param action what QEMU does about it: {@code pause}, {@code poweroff}, {@code run}
     */
    record GuestPanicked(Instant at, String action) implements QmpEvent {}

    /**
     * The guest has given a device back. One unplugging causes several: for a virtio device also
     * one for the part within, which has a path and no id. Only the one whose device is the id that
     * was to be unplugged says that what it used may be removed.
     *
     * @param device the id that the device was added with, if it had one
     * @param path where it stood in the object tree
     */
    record DeviceDeleted(Instant at, Optional<String> device, String path) implements QmpEvent {}

    /**
     * The guest has opened or closed a port of a virtio-serial device.
     *
     * @param port the id of the port's device
     * @param open whether it is open now
     */
    record VserportChange(Instant at, String port, boolean open) implements QmpEvent {}

    /**
     * An event that this program has no more to say about.
     *
     * @param name the protocol's name for it
     * @param data what came with it; an empty object if nothing did
     */
    record Other(Instant at, String name, QmpValue data) implements QmpEvent {}
}
