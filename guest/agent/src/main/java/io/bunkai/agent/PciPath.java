// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.base.Fault;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where a device sits, as Kata writes it: "05" is slot 5 of the root bus, "02/01" slot 1 behind the
 * bridge in slot 2, "02/01.3" its function 3. All numbers are hexadecimal. Bus numbers are not in
 * it, since the guest's firmware and kernel hand them out.
 *
 * @param functions slot and function of each step, as in sysfs: "05.0"
 */
record PciPath(List<String> functions) {
    private static final String ROOT_BUS = "0000:00";
    private static final int MOST_STEPS = 8;
    private static final int SLOTS = 32;
    private static final int FUNCTIONS = 8;
    private static final int HEX = 16;

    PciPath {
        functions = List.copyOf(functions);
    }

    /**
     * Reads the text.
     *
     * @throws Fault INVALID_ARGUMENT if it is no such path
     */
    static PciPath parse(String text) {
        List<String> functions = new ArrayList<>();
        for (String step : text.split("/", -1)) {
            int dot = step.indexOf('.');
            String slot = dot < 0 ? step : step.substring(0, dot);
            String function = dot < 0 ? "0" : step.substring(dot + 1);
            int slotNumber = number(slot, SLOTS, text);
            functions.add(
                    (slotNumber < HEX ? "0" : "")
                            + Integer.toHexString(slotNumber)
                            + "."
                            + number(function, FUNCTIONS, text));
        }
        if (functions.size() > MOST_STEPS) {
            throw refused(text);
        }
        return new PciPath(functions);
    }

    private static int number(String digits, int below, String text) {
        if (digits.isEmpty() || digits.length() > 2) {
            throw refused(text);
        }
        int value = 0;
        for (int i = 0; i < digits.length(); i++) {
            int digit = Character.digit(digits.charAt(i), HEX);
            if (digit < 0) {
                throw refused(text);
            }
            value = value * HEX + digit;
        }
        if (value >= below) {
            throw refused(text);
        }
        return value;
    }

    private static Fault refused(String text) {
        return Fault.invalidArgument("'%s' is not a PCI path", Log.printable(text))
                .withHint("write slots in hexadecimal, a slash behind each bridge: 02/01");
    }

    /**
     * {@return the block device's name ("vda") behind this path, if the kernel has found it yet}
     *
     * @param sys where sysfs is mounted
     */
    Optional<String> blockDevice(Path sys) {
        Path devices = sys.resolve("bus/pci/devices");
        String bus = ROOT_BUS;
        Path device = devices;
        for (int i = 0; i < functions.size(); i++) {
            if (i > 0) {
                Optional<String> behind = onlyEntry(device.resolve("pci_bus"), "");
                if (behind.isEmpty()) {
                    return Optional.empty();
                }
                bus = behind.get();
            }
            device = devices.resolve(bus + ":" + functions.get(i));
            if (!Files.exists(device)) {
                return Optional.empty();
            }
        }
        Optional<String> virtio = onlyEntry(device, "virtio");
        if (virtio.isEmpty()) {
            return Optional.empty();
        }
        return onlyEntry(device.resolve(virtio.get()).resolve("block"), "");
    }

    private static Optional<String> onlyEntry(Path directory, String prefix) {
        String[] names = directory.toFile().list();
        if (names != null) {
            for (String name : names) {
                if (name.startsWith(prefix)) {
                    return Optional.of(name);
                }
            }
        }
        return Optional.empty();
    }

    @Override
    public String toString() {
        return String.join("/", functions);
    }
}
