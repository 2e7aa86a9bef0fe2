// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.Fault;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * A disk of a machine: a raw image, or a block device of the host, that the guest sees as a virtio
 * block device.
 *
 * @param id a name that no other disk of the machine has
 * @param file the image, or the node of the device
 * @param readOnly whether the guest cannot write to it; such a disk may serve many machines. A
 *     device that can be written to is nobody else's while the machine lives
 * @param serial what the guest finds the disk by, at most 20 characters
 * @param slot the PCI slot on the root bus, from {@link #FIRST_SLOT} to {@link #LAST_SLOT}
 * @param kind what {@code file} is
 */
public record Disk(String id, Path file, boolean readOnly, String serial, int slot, Kind kind) {
    /** The slots below belong to the machine's own devices. */
    public static final int FIRST_SLOT = 4;

    /** The slots above belong to the chipset. */
    public static final int LAST_SLOT = 29;

    /** The length of the field in a virtio block device's answer. */
    private static final int LONGEST_SERIAL = 20;

    private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9._-]{0,30}");
    private static final Pattern SERIAL =
            Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0," + (LONGEST_SERIAL - 1) + "}");

    /**
     * Checks.
     *
     * @throws Fault INVALID_ARGUMENT if a name or the slot is not as described
     */
    public Disk {
        if (!NAME.matcher(id).matches()) {
            throw Fault.invalidArgument("'%s' is not a disk's name", id);
        }
        if (!SERIAL.matcher(serial).matches()) {
            throw Fault.invalidArgument("'%s' is not a disk's serial number", serial);
        }
        if (slot < FIRST_SLOT || slot > LAST_SLOT) {
            throw Fault.invalidArgument(
                    "disk %s cannot be in slot %d: disks have slots %d to %d",
                    id, slot, FIRST_SLOT, LAST_SLOT);
        }
    }

    /** An image. */
    public Disk(String id, Path file, boolean readOnly, String serial, int slot) {
        this(id, file, readOnly, serial, slot, Kind.IMAGE);
    }

    /** What holds a disk's data. */
    public enum Kind {
        /** A file that this node has made of a file system. What is behind its end is a hole. */
        IMAGE,
        /** Somebody's file, every byte of which is his. */
        FILE,
        /** A block device of the host. */
        DEVICE
    }

    /**
     * {@return whether the machine's {@link DiskLimits} hold for it: it can be written to, or is
     * somebody's of the host}
     */
    public boolean isLimited() {
        return !readOnly || kind != Kind.IMAGE;
    }
}
