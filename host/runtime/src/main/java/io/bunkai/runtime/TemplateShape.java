// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.ByteSize;
import io.bunkai.vmm.Disk;
import io.bunkai.vmm.DiskLimits;
import io.bunkai.vmm.MemorySpec;
import io.bunkai.vmm.VirtualMachineSpec;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a machine and its template have in common: everything that the guest has seen when it was
 * frozen, and cannot see changing.
 *
 * <p>The disks of containers are not part of that. A template has empty ones in the slots, all of
 * one size; a clone has its own ones there, which look as if they were of that size, too: holes
 * behind their end take no room.
 *
 * @param key a digest of all of it, in hexadecimal digits
 * @param inputs what the digest is made of, for people
 * @param slots how many disks of containers there are
 */
record TemplateShape(String key, List<String> inputs, int slots) {
    /** As large as the disks of containers look. One that is larger has no clone. */
    static final ByteSize DISK = ByteSize.ofMib(64 * 1024);

    /** Changes whenever what a template holds does, for the same inputs. */
    private static final int FORMAT = 3;

    private static final int KEY_BYTES = 8;
    private static final int FIRST_SLOT = Disk.FIRST_SLOT + 1;

    /** An input that is a file: see {@link #stamp}. */
    private static final Pattern STAMPED =
            Pattern.compile(
                    "(?:kernel|initrd|root|hypervisor) [^/]*((/.*?)(?: \\d+ \\S+ \\d+| missing))");

    TemplateShape {
        inputs = List.copyOf(inputs);
    }

    /**
     * {@return what a machine has in common with its template}
     *
     * @param scope whom the template is for
     * @param hypervisor the hypervisor and its version
     * @throws IOException if a file that is a part of it cannot be looked at
     */
    static TemplateShape of(VirtualMachineSpec machine, String scope, String hypervisor)
            throws IOException {
        int slots = slotsFor(machine.disks().size() - 1);
        List<String> inputs = new ArrayList<>();
        inputs.add("format " + FORMAT);
        inputs.add("scope " + scope);
        inputs.add("hypervisor " + hypervisor + " " + stamp(machine.hypervisor()));
        inputs.add("accelerator " + machine.accelerator());
        inputs.add("machine " + machine.machineType() + " " + machine.machineOptions());
        inputs.add("cpu " + machine.cpu());
        inputs.add("memory " + machine.memory().size()); // shared or not, no guest sees
        inputs.add("kernel " + stamp(machine.boot().kernel()));
        Optional<Path> initrd = machine.boot().initrd();
        if (initrd.isPresent()) {
            inputs.add("initrd " + stamp(initrd.get()));
        }
        inputs.add("parameters " + machine.boot().commandLine());
        inputs.add("root " + stamp(machine.disks().getFirst().file()));
        inputs.add("slots " + slots);
        inputs.add("entropy " + machine.entropySource());
        inputs.add("agent " + machine.agentPort());
        return new TemplateShape(digest(inputs), inputs, slots);
    }

    /** Few kinds, so that images of a layer more or less share a template. */
    private static int slotsFor(int disks) {
        return Math.max(1, Integer.highestOneBit(Math.max(1, 2 * disks - 1)));
    }

    /** A file that was replaced or written to has another one. */
    private static String stamp(Path file) throws IOException {
        if (!Files.exists(file)) {
            return file + " missing"; // the launch says so better
        }
        var attributes = Files.readAttributes(file, "unix:size,lastModifiedTime,ino");
        return file
                + " "
                + attributes.get("size")
                + " "
                + attributes.get("lastModifiedTime")
                + " "
                + attributes.get("ino");
    }

    /** {@return whether the files among these inputs are still the ones that they were} */
    static boolean isCurrent(List<String> inputs) {
        try {
            for (String input : inputs) {
                Matcher stamped = STAMPED.matcher(input);
                if (stamped.matches()
                        && !stamp(Path.of(stamped.group(2))).equals(stamped.group(1))) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static String digest(List<String> inputs) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            byte[] digest = sha.digest(String.join("\n", inputs).getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, KEY_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has it", e);
        }
    }

    /** {@return the template's machine: nobody's disks in the slots} */
    VirtualMachineSpec template(
            VirtualMachineSpec machine,
            String id,
            Path directory,
            List<Path> cgroupProcsFiles,
            Path empty) {
        return new VirtualMachineSpec(
                id,
                directory,
                machine.accelerator(),
                machine.machineType(),
                machine.machineOptions(),
                machine.cpu(),
                new MemorySpec(machine.memory().size(), false),
                machine.boot(),
                disks(List.of(machine.disks().getFirst()), empty),
                DiskLimits.NONE,
                Optional.empty(), // a clone's guest looks for it
                machine.entropySource(),
                machine.agentPort(),
                machine.security(),
                cgroupProcsFiles,
                machine.hypervisor());
    }

    /** {@return the machine as a clone has it: nobody's disks in the slots that it leaves} */
    VirtualMachineSpec clone(VirtualMachineSpec machine, Path empty) {
        return new VirtualMachineSpec(
                machine.id(),
                machine.directory(),
                machine.accelerator(),
                machine.machineType(),
                machine.machineOptions(),
                machine.cpu(),
                machine.memory(),
                machine.boot(),
                disks(machine.disks(), empty),
                machine.diskLimits(),
                machine.fileSystem(),
                machine.entropySource(),
                machine.agentPort(),
                machine.security(),
                machine.cgroupProcsFiles(),
                machine.hypervisor());
    }

    private List<Disk> disks(List<Disk> present, Path empty) {
        List<Disk> disks = new ArrayList<>(present);
        for (int slot = FIRST_SLOT; slot < FIRST_SLOT + slots; slot++) {
            int wanted = slot;
            if (present.stream().noneMatch(disk -> disk.slot() == wanted)) {
                disks.add(new Disk("empty" + slot, empty, true, "empty" + slot, slot));
            }
        }
        return disks;
    }

    /**
     * Makes that the disks of a container look as large as the template's. Those that are not made
     * by this node are left alone.
     *
     * @return whether they do; not if one is larger
     * @throws IOException if one cannot be changed
     */
    static boolean fit(VirtualMachineSpec machine) throws IOException {
        for (Disk disk : machine.disks().subList(1, machine.disks().size())) {
            if (disk.isLimited() || !fit(disk.file())) {
                return false;
            }
        }
        return true;
    }

    private static boolean fit(Path file) throws IOException {
        long size = Files.size(file);
        if (size < DISK.bytes()) {
            try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
                disk.setLength(DISK.bytes());
            }
        }
        return size <= DISK.bytes();
    }
}
