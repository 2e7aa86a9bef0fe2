// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import static io.bunkai.vmm.qemu.Options.list;
import static io.bunkai.vmm.qemu.Options.option;

import io.bunkai.base.Fault;
import io.bunkai.qmp.DeviceAdd;
import io.bunkai.vmm.Beginning;
import io.bunkai.vmm.Disk;
import io.bunkai.vmm.FileSystemDevice;
import io.bunkai.vmm.LaunchCommand;
import io.bunkai.vmm.LaunchCommand.Inherited;
import io.bunkai.vmm.LaunchCommand.Mode;
import io.bunkai.vmm.VirtualMachineSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What QEMU is started with: a pure function of the specification.
 *
 * <p>QEMU opens no path that the machine is made of. Sockets, kernel and images are opened before
 * it starts and inherited, so they are what was meant whatever happens to the paths, an image that
 * is to be read only cannot be opened otherwise, and sockets listen before QEMU does anything. The
 * kernel is opened through {@code /proc/self/fd}, since the loader of QEMU 7.2 knows no descriptor
 * sets; disks come as descriptor sets.
 *
 * <p>Everything is an object of its own with a name, on a PCI slot of its own, so that nothing
 * moves when something is added.
 *
 * @spec https://www.qemu.org/docs/master/system/invocation.html qemu-system-x86_64(1)
 */
final class QemuCommandLine {
    static final String AGENT = "agent";

    private static final String MEMORY = "ram";
    private static final int CHANNEL_SLOT = 2;
    private static final int RANDOM_SLOT = 3;

    /** Above the disks, see {@link Disk#LAST_SLOT}. */
    private static final int FILE_SYSTEM_SLOT = 30;

    private static final String PLUG = "plug";
    private static final String FILE_SYSTEM = "vhost-user-fs-pci";
    private static final String FILE_SERVER = "fs";

    private static final int FIRST_DESCRIPTOR = 3;

    /**
     * Of the machine's own properties these are set here, or they would name a file of the host.
     */
    private static final Set<String> RESERVED_MACHINE_OPTIONS =
            Set.of(
                    "accel",
                    "append",
                    "confidential-guest-support",
                    "dtb",
                    "dump-guest-core",
                    "dumpdtb",
                    "firmware",
                    "initrd",
                    "kernel",
                    "memory",
                    "memory-backend",
                    "memory-encryption",
                    "pflash0",
                    "pflash1",
                    "smp",
                    "type");

    private final VirtualMachineSpec spec;
    private final Beginning beginning;
    private final Profile profile;
    private final List<String> arguments = new ArrayList<>();
    private final List<Inherited> inherited = new ArrayList<>();

    private QemuCommandLine(VirtualMachineSpec spec, Beginning beginning) {
        this.spec = spec;
        this.beginning = beginning;
        this.profile = Profile.of(spec.accelerator());
    }

    static LaunchCommand of(VirtualMachineSpec spec, Beginning beginning) {
        var line = new QemuCommandLine(spec, beginning);
        line.process();
        line.machine();
        line.control();
        line.console();
        line.boot();
        line.agentPort();
        line.entropy();
        line.add("-device", "pvpanic");
        if (line.profile.hasGenerationId()) {
            // Tells the guest's kernel that it is another machine's copy: it begins new random
            // numbers.
            line.add("-device", "vmgenid,guid=auto");
        }
        if (spec.hasLimitedDisk()) {
            line.add("-object", DiskThrottle.object(spec.diskLimits()));
        }
        int set = 0;
        for (Disk disk : spec.disks()) {
            line.disk(disk, ++set);
        }
        line.fileSystem();
        if (beginning instanceof Beginning.Copy copy) {
            line.inherit(copy.devices(), Mode.READ); // the last one: see devices()
            line.add("-incoming", "defer"); // until the abilities are the same as at the freezing
        }
        return new LaunchCommand(
                line.arguments, QemuMemory.ENVIRONMENT, spec.directory(), line.inherited);
    }

    /** {@return where a copy finds the frozen machine's devices} */
    static int devices(LaunchCommand copy) {
        return copy.inherited().getLast().descriptor();
    }

    static Path qmpSocket(VirtualMachineSpec spec) {
        return spec.directory().resolve("qmp.sock");
    }

    private void process() {
        add(spec.hypervisor().toString());
        add("-name", spec.id() + ",debug-threads=on");
        add("-no-user-config");
        add("-nodefaults");
        add("-display", "none");
        add("-no-reboot");
        add("-S");
        add("-msg", "timestamp=on");
        if (!spec.security().systemCallFilter().isEmpty()) {
            add("-sandbox", spec.security().systemCallFilter());
        }
    }

    private void machine() {
        List<String> options =
                new ArrayList<>(
                        List.of(
                                "usb=off",
                                "vmport=off",
                                "smbus=off",
                                "sata=off",
                                "hpet=off",
                                "smm=off",
                                "dump-guest-core=off",
                                option("memory-backend", MEMORY)));
        if (!spec.machineOptions().isEmpty()) {
            options.addAll(machineOptions());
        }
        add("-machine", list(spec.machineType(), options));
        add("-accel", profile.accelerator());
        add("-cpu", profile.cpu(spec.cpu().features()));
        add(
                "-smp",
                "cpus=%d,maxcpus=%d,sockets=1,cores=%d,threads=1"
                        .formatted(spec.cpu().count(), spec.cpu().maximum(), spec.cpu().maximum()));
        String size = spec.memory().size().mibCeiling() + "M";
        add("-m", size);
        add("-object", memory(List.of("id=" + MEMORY, "size=" + size)));
    }

    private String memory(List<String> common) {
        return switch (beginning) {
            case Beginning.Boot _ ->
                    spec.memory().shared()
                            ? list("memory-backend-memfd", with(common, "share=on"))
                            : list("memory-backend-ram", common);
            case Beginning.Template template ->
                    list(
                            "memory-backend-file",
                            with(common, memoryPath(template.memory()), "share=on"));
            // A file that is a template's, a copy must not write to; with a file server, the file
            // is
            // the copy's own.
            case Beginning.Copy copy ->
                    list(
                            "memory-backend-file",
                            with(
                                    common,
                                    memoryPath(copy.memory()),
                                    spec.memory().shared() ? "share=on" : "share=off"));
        };
    }

    private String memoryPath(Path memory) {
        return "mem-path=" + descriptorPath(inherit(memory, Mode.READ_WRITE));
    }

    private static List<String> with(List<String> common, String... more) {
        List<String> all = new ArrayList<>(common);
        all.addAll(List.of(more));
        return all;
    }

    private List<String> machineOptions() {
        List<String> options = List.of(spec.machineOptions().split(","));
        for (String option : options) {
            String name = option.substring(0, option.indexOf('='));
            if (RESERVED_MACHINE_OPTIONS.contains(name) || name.startsWith("x-")) {
                throw Fault.invalidArgument(
                        "the machine option '%s' cannot be set from outside", name);
            }
        }
        return options;
    }

    private void control() {
        add("-chardev", listeningSocket("qmp", qmpSocket(spec)));
        add("-mon", "chardev=qmp,mode=control");
    }

    private void console() {
        add("-chardev", listeningSocket("console", spec.consoleSocket()));
        add("-serial", "chardev:console");
    }

    private void boot() {
        profile.firmware(spec.machineType()).ifPresent(firmware -> add("-bios", firmware));
        if (beginning instanceof Beginning.Copy) {
            return; // the kernel is in memory already, and reading its file has its price
        }
        add("-kernel", descriptorPath(inherit(spec.boot().kernel(), Mode.READ)));
        spec.boot()
                .initrd()
                .ifPresent(initrd -> add("-initrd", descriptorPath(inherit(initrd, Mode.READ))));
        if (!spec.boot().parameters().isEmpty()) {
            add("-append", spec.boot().commandLine());
        }
    }

    private void agentPort() {
        add(
                "-device",
                transitionalDevice(
                        "virtio-serial-pci", "channel", CHANNEL_SLOT, List.of("max_ports=2")));
        add("-chardev", listeningSocket(AGENT, spec.agentSocket()));
        add(
                "-device",
                list(
                        "virtserialport",
                        List.of(
                                option("id", AGENT),
                                "bus=channel.0",
                                "nr=1",
                                option("chardev", AGENT),
                                option("name", spec.agentPort()))));
    }

    private void entropy() {
        spec.entropySource()
                .ifPresent(source -> {
                    add(
                            "-object",
                            list("rng-random", List.of("id=entropy", option("filename", source))));
                    add(
                            "-device",
                            transitionalDevice(
                                    "virtio-rng-pci",
                                    "random",
                                    RANDOM_SLOT,
                                    List.of("rng=entropy")));
                });
    }

    /**
     * A read-only disk is not locked, since many machines share it. A disk that fails tells the
     * guest so; QEMU's default would hold the whole machine when the host's file system is full.
     */
    private void disk(Disk disk, int set) {
        int descriptor = inherit(disk.file(), mode(disk));
        String node = "disk-" + disk.id();
        add(
                "-add-fd",
                list("fd=" + descriptor, List.of("set=" + set, option("opaque", disk.file()))));
        String access = disk.readOnly() ? "read-only=on" : "read-only=off,discard=unmap";
        List<String> file = new ArrayList<>();
        file.add(option("node-name", node));
        file.add("filename=" + setPath(set));
        file.add(access);
        if (disk.readOnly()) {
            file.add("locking=off");
        }
        add("-blockdev", list("driver=" + driver(disk), file));
        if (disk.isLimited()) {
            String limited = "limited-" + disk.id();
            add(
                    "-blockdev",
                    list(
                            "driver=throttle",
                            List.of(
                                    option("node-name", limited),
                                    access,
                                    "throttle-group=" + DiskThrottle.GROUP,
                                    option("file", node))));
            node = limited;
        }
        add(
                "-device",
                transitionalDevice(
                        "virtio-blk-pci",
                        disk.id(),
                        disk.slot(),
                        List.of(
                                option("drive", node),
                                option("serial", disk.serial()),
                                "werror=report",
                                "rerror=report")));
    }

    private static Mode mode(Disk disk) {
        if (disk.readOnly()) {
            return Mode.READ;
        }
        return switch (disk.kind()) {
            case IMAGE, FILE -> Mode.READ_WRITE;
            case DEVICE -> Mode.CLAIM;
        };
    }

    private static String driver(Disk disk) {
        return switch (disk.kind()) {
            case IMAGE, FILE -> "file";
            case DEVICE -> "host_device";
        };
    }

    /**
     * A file system cannot be frozen with a machine. So a template has a port where it will be, and
     * a copy gets it there, see {@link #pluggedFileSystem}.
     */
    private void fileSystem() {
        if (!(beginning instanceof Beginning.Boot)) {
            add(
                    "-device",
                    pciDevice("pcie-root-port", PLUG, FILE_SYSTEM_SLOT, List.of("chassis=1")));
        }
        spec.fileSystem().ifPresent(this::fileSystem);
    }

    private void fileSystem(FileSystemDevice fileSystem) {
        int descriptor = inherit(spec.fileServerSocket(), Mode.CONNECT);
        add("-chardev", "socket,id=%s,fd=%d".formatted(FILE_SERVER, descriptor));
        if (beginning instanceof Beginning.Boot) {
            add(
                    "-device",
                    pciDevice(
                            FILE_SYSTEM,
                            "share",
                            FILE_SYSTEM_SLOT,
                            List.of(
                                    option("chardev", FILE_SERVER),
                                    option("tag", fileSystem.tag()),
                                    "queue-size=" + fileSystem.queueSize())));
        }
    }

    /** {@return what a copy gets before it runs} */
    static DeviceAdd pluggedFileSystem(FileSystemDevice fileSystem) {
        return new DeviceAdd(
                FILE_SYSTEM,
                "share",
                Map.of(
                        "bus",
                        PLUG,
                        "chardev",
                        FILE_SERVER,
                        "tag",
                        fileSystem.tag(),
                        "queue-size",
                        fileSystem.queueSize()));
    }

    /** A device that can be of virtio before 1.0, too, without these parts. */
    private static String transitionalDevice(
            String driver, String id, int slot, List<String> properties) {
        List<String> all = new ArrayList<>();
        all.add("disable-legacy=on");
        all.addAll(properties);
        return pciDevice(driver, id, slot, all);
    }

    private static String pciDevice(String driver, String id, int slot, List<String> properties) {
        List<String> all = new ArrayList<>();
        all.add(option("id", id));
        all.add("bus=pcie.0");
        all.add("addr=0x%x".formatted(slot));
        all.addAll(properties);
        return list(driver, all);
    }

    private String listeningSocket(String id, Path path) {
        int descriptor = inherit(path, Mode.LISTEN);
        return "socket,id=%s,fd=%d,server=on,wait=off".formatted(id, descriptor);
    }

    private int inherit(Path file, Mode mode) {
        int descriptor = FIRST_DESCRIPTOR + inherited.size();
        inherited.add(new Inherited(descriptor, file, mode));
        return descriptor;
    }

    static String setPath(int set) {
        return "/dev/fdset/" + set;
    }

    static String descriptorPath(int descriptor) {
        return "/proc/self/fd/" + descriptor;
    }

    private void add(String... words) {
        arguments.addAll(List.of(words));
    }
}
