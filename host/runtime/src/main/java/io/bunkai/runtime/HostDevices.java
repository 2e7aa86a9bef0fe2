// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.vmm.Disk;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The block devices of the host that a container is given, as disks of its machine.
 *
 * <p>A block device of the specification becomes a disk if a rule of its control group speaks of
 * it: {@code type} is {@code b} and {@code major} is given. Without {@code w} in what is allowed
 * the disk is read-only. Devices that nothing but a rule for all of them allows, as a privileged
 * container has it, are left out: they would be every disk of the host. In a guest their numbers
 * would stand for other disks.
 *
 * <p>A bind mount of a node means the same as a device in its place. The specification keeps the
 * host's numbers; the agent exchanges them.
 *
 * @param spec without the mounts that became devices, and without the devices that were left out
 * @param wishes the disks
 * @param devices what the agent is told
 * @param warnings sentences for people
 */
record HostDevices(
        RuntimeSpec spec,
        List<MachineAssembly.DiskWish> wishes,
        List<Plan.Device> devices,
        List<String> warnings) {
    /** Above the disks of root file systems, whose number differs. */
    private static final int FIRST_SLOT = RootDisks.FIRST_SLOT + RootDisks.MOST;

    /** How many devices a machine has room for. */
    static final int MOST = Disk.LAST_SLOT - FIRST_SLOT + 1;

    private static final String BLOCK = "b";
    private static final String EVERYTHING = "rwm";
    private static final int MOST_NAMES = 5;

    HostDevices {
        wishes = List.copyOf(wishes);
        devices = List.copyOf(devices);
        warnings = List.copyOf(warnings);
    }

    private record Numbers(long major, long minor) {}

    /**
     * Finds them.
     *
     * @param base what the sources of mounts are relative to
     * @throws Fault NOT_FOUND if the host has no such device, INVALID_ARGUMENT if they are more
     *     than a machine has room for
     */
    static HostDevices of(RuntimeSpec spec, Path base, BlockNodes nodes) {
        RuntimeSpec.Linux linux = spec.linux();
        if (linux == null) {
            return new HostDevices(spec, List.of(), List.of(), List.of());
        }
        Draft draft = new Draft(spec, linux);
        for (RuntimeSpec.Mount mount : spec.mounts()) {
            draft.addMount(mount, base, nodes);
        }
        for (RuntimeSpec.Device device : linux.devices()) {
            draft.addDevice(device, nodes);
        }
        return draft.finish();
    }

    /** What is being collected. */
    private static final class Draft {
        private final RuntimeSpec spec;
        private final RuntimeSpec.Linux linux;
        private final List<RuntimeSpec.Mount> mounts = new ArrayList<>();
        private final List<RuntimeSpec.Device> kept = new ArrayList<>();
        private final List<RuntimeSpec.DeviceRule> rules = new ArrayList<>();
        private final Map<Numbers, MachineAssembly.DiskWish> disks = new LinkedHashMap<>();
        private final List<Plan.Device> told = new ArrayList<>();
        private final Set<String> places = new HashSet<>();
        private final List<String> leftOut = new ArrayList<>();

        Draft(RuntimeSpec spec, RuntimeSpec.Linux linux) {
            this.spec = spec;
            this.linux = linux;
            if (linux.resources() != null) {
                rules.addAll(linux.resources().devices());
            }
        }

        void addMount(RuntimeSpec.Mount mount, Path base, BlockNodes nodes) {
            BlockNodes.@Nullable Node node =
                    HostMounts.isBind(mount)
                            ? nodes.at(base.resolve(mount.source())).orElse(null)
                            : null;
            if (node == null) {
                mounts.add(mount);
                return;
            }
            String access = HostMounts.isReadOnly(mount) ? "rm" : EVERYTHING;
            rules.add(new RuntimeSpec.DeviceRule(true, BLOCK, node.major(), node.minor(), access));
            add(deviceOf(node, mount.destination()), node);
        }

        void addDevice(RuntimeSpec.Device device, BlockNodes nodes) {
            if (!device.type().equals(BLOCK)) {
                kept.add(device);
            } else if (isAllowed(new Numbers(device.major(), device.minor()))) {
                add(device, nodes.numbered(device.major(), device.minor()));
            } else {
                leftOut.add(GuestText.printable(device.path()));
            }
        }

        private void add(RuntimeSpec.Device device, BlockNodes.Node node) {
            if (!places.add(device.path())) {
                return; // containerd lists a privileged container's twice
            }
            Numbers numbers = new Numbers(node.major(), node.minor());
            MachineAssembly.DiskWish disk = disks.get(numbers);
            if (disk == null) {
                disk = disk(node, numbers);
                disks.put(numbers, disk);
            }
            kept.add(device);
            told.add(new Plan.Device("%02x".formatted(disk.slot()), device.path()));
        }

        private MachineAssembly.DiskWish disk(BlockNodes.Node node, Numbers numbers) {
            int index = disks.size();
            if (index == MOST) {
                throw Fault.invalidArgument(
                        "a machine has room for %d block devices of the host, not for %s, too",
                        MOST, node.path());
            }
            return new MachineAssembly.DiskWish(
                    "device" + index,
                    node.path(),
                    FIRST_SLOT + index,
                    !access(numbers).contains('w'),
                    Disk.Kind.DEVICE);
        }

        private boolean isAllowed(Numbers numbers) {
            Set<Character> access = access(numbers);
            return access.contains('r') || access.contains('w');
        }

        /** {@return what the rules that speak of a device allow} The last one counts. */
        private Set<Character> access(Numbers numbers) {
            Set<Character> access = new TreeSet<>();
            for (RuntimeSpec.DeviceRule rule : rules) {
                String type = rule.type() == null ? "" : rule.type();
                boolean speaksOfIt =
                        type.equals(BLOCK)
                                && isNumber(rule.major(), numbers.major())
                                && (isAny(rule.minor()) || isNumber(rule.minor(), numbers.minor()));
                boolean speaksOfAll = type.isEmpty() || type.equals("a");
                String named = rule.access() == null ? "" : rule.access();
                Set<Character> letters = letters(named.isEmpty() ? EVERYTHING : named);
                if (rule.allow() && speaksOfIt) {
                    access.addAll(letters);
                } else if (!rule.allow() && (speaksOfIt || speaksOfAll)) {
                    access.removeAll(letters);
                }
            }
            return access;
        }

        private static boolean isAny(@Nullable Long number) {
            return number == null || number < 0;
        }

        private static boolean isNumber(@Nullable Long number, long wanted) {
            return number != null && number == wanted;
        }

        private static Set<Character> letters(String word) {
            Set<Character> letters = new TreeSet<>();
            word.chars().forEach(letter -> letters.add((char) letter));
            return letters;
        }

        HostDevices finish() {
            List<String> warnings = new ArrayList<>();
            if (!leftOut.isEmpty()) {
                warnings.add(leftOut());
            }
            for (Numbers numbers : disks.keySet()) {
                addRule(numbers);
            }
            RuntimeSpec fitted = spec;
            if (!disks.isEmpty() || !leftOut.isEmpty()) {
                RuntimeSpec.Resources resources =
                        linux.resources() == null
                                ? RuntimeSpec.Resources.of(rules, null, null, null)
                                : linux.resources().withDevices(rules);
                fitted =
                        spec.withMounts(mounts)
                                .withLinux(linux.withDevices(kept).withResources(resources));
            }
            return new HostDevices(fitted, List.copyOf(disks.values()), told, warnings);
        }

        /** The agent exchanges numbers in rules that speak of one device alone. */
        private void addRule(Numbers numbers) {
            boolean isThere =
                    rules.stream()
                            .anyMatch(rule ->
                                    BLOCK.equals(rule.type())
                                            && isNumber(rule.major(), numbers.major())
                                            && isNumber(rule.minor(), numbers.minor()));
            if (!isThere) {
                StringBuilder letters = new StringBuilder();
                access(numbers).forEach(letters::append);
                rules.add(
                        new RuntimeSpec.DeviceRule(
                                true, BLOCK, numbers.major(), numbers.minor(), letters.toString()));
            }
        }

        private String leftOut() {
            String names =
                    String.join(", ", leftOut.subList(0, Math.min(MOST_NAMES, leftOut.size())));
            int more = leftOut.size() - MOST_NAMES;
            return "block devices of the host that no rule of their own allows were left out: "
                    + names
                    + (more > 0 ? " and " + more + " more" : "");
        }
    }

    /** {@return a block device of a container, with its node's permissions and owners} */
    static RuntimeSpec.Device deviceOf(BlockNodes.Node node, String path) {
        return new RuntimeSpec.Device(
                path,
                BLOCK,
                node.major(),
                node.minor(),
                node.permissions(),
                (long) node.uid(),
                (long) node.gid());
    }

    /**
     * {@return a specification with the devices that a request names}
     *
     * @throws Fault INVALID_ARGUMENT if one is no block device
     */
    static RuntimeSpec with(
            RuntimeSpec spec, List<ContainerRequest.Device> asked, BlockNodes nodes) {
        RuntimeSpec.Linux linux = spec.linux();
        if (asked.isEmpty() || linux == null || linux.resources() == null) {
            return spec;
        }
        List<RuntimeSpec.Device> devices = new ArrayList<>(linux.devices());
        List<RuntimeSpec.DeviceRule> rules = new ArrayList<>(linux.resources().devices());
        for (ContainerRequest.Device device : asked) {
            BlockNodes.Node node =
                    nodes.at(device.source())
                            .orElseThrow(() ->
                                    Fault.invalidArgument(
                                                    "%s is no block device of this host",
                                                    device.source())
                                            .withHint(
                                                    "folders and files are mounted: -v"
                                                            + " HOST:CONTAINER"));
            devices.add(deviceOf(node, device.path()));
            rules.add(
                    new RuntimeSpec.DeviceRule(
                            true, BLOCK, node.major(), node.minor(), device.access()));
        }
        return spec.withLinux(
                linux.withDevices(devices).withResources(linux.resources().withDevices(rules)));
    }
}
