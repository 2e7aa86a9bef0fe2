// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.qmp.DeviceAdd;
import io.bunkai.vmm.Accelerator;
import io.bunkai.vmm.Beginning;
import io.bunkai.vmm.CpuSpec;
import io.bunkai.vmm.Disk;
import io.bunkai.vmm.DiskLimits;
import io.bunkai.vmm.FileSystemDevice;
import io.bunkai.vmm.LaunchCommand;
import io.bunkai.vmm.LaunchCommand.Inherited;
import io.bunkai.vmm.LaunchCommand.Mode;
import io.bunkai.vmm.MemorySpec;
import io.bunkai.vmm.SecuritySpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class QemuCommandLineTest {
    private final Specs specs = new Specs();

    private List<String> arguments() {
        return QemuCommandLine.of(specs.build(), Beginning.BOOT).arguments();
    }

    private String valueOf(String option) {
        List<String> arguments = arguments();
        return arguments.get(arguments.indexOf(option) + 1);
    }

    @Test
    void aMachineUnderSoftwareEmulation() {
        specs.disks = List.of(new Disk("root", Path.of("/img/root.erofs"), true, "bunkai-root", 4));
        assertThat(arguments())
                .containsExactlyElementsOf(
                        words(
                                """
                                /usr/bin/qemu-system-x86_64
                                -name a1b2,debug-threads=on
                                -no-user-config
                                -nodefaults
                                -display none
                                -no-reboot
                                -S
                                -msg timestamp=on
                                -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
                                -machine q35,usb=off,vmport=off,smbus=off,sata=off,hpet=off,smm=off,\
                                dump-guest-core=off,memory-backend=ram
                                -accel tcg,thread=multi,tb-size=64
                                -cpu max,erms=off
                                -smp cpus=1,maxcpus=1,sockets=1,cores=1,threads=1
                                -m 256M
                                -object memory-backend-ram,id=ram,size=256M
                                -chardev socket,id=qmp,fd=3,server=on,wait=off
                                -mon chardev=qmp,mode=control
                                -chardev socket,id=console,fd=4,server=on,wait=off
                                -serial chardev:console
                                -bios qboot.rom
                                -kernel /proc/self/fd/5
                                -initrd /proc/self/fd/6
                                -append console=ttyS0~quiet
                                -device virtio-serial-pci,id=channel,bus=pcie.0,addr=0x2,disable-legacy=on,max_ports=2
                                -chardev socket,id=agent,fd=7,server=on,wait=off
                                -device virtserialport,id=agent,bus=channel.0,nr=1,chardev=agent,name=agent.channel.0
                                -object rng-random,id=entropy,filename=/dev/urandom
                                -device virtio-rng-pci,id=random,bus=pcie.0,addr=0x3,disable-legacy=on,rng=entropy
                                -device pvpanic
                                -add-fd fd=8,set=1,opaque=/img/root.erofs
                                -blockdev driver=file,node-name=disk-root,filename=/dev/fdset/1,read-only=on,locking=off
                                -device virtio-blk-pci,id=root,bus=pcie.0,addr=0x4,disable-legacy=on,drive=disk-root,\
                                serial=bunkai-root,werror=report,rerror=report
                                """));
    }

    @Test
    void aFileSystemIsServedByWhoeverListensForIt() {
        specs.memory = new MemorySpec(ByteSize.ofMib(256), true);
        specs.fileSystem = Optional.of(new FileSystemDevice("kataShared", 512));
        LaunchCommand command = QemuCommandLine.of(specs.build(), Beginning.BOOT);

        assertThat(String.join(" ", command.arguments()))
                .contains(
                        "-object memory-backend-memfd,id=ram,size=256M,share=on",
                        "-chardev socket,id=fs,fd=8 -device"
                                + " vhost-user-fs-pci,id=share,bus=pcie.0,addr=0x1e,chardev=fs,"
                                + "tag=kataShared,queue-size=512");
        assertThat(command.inherited().getLast())
                .isEqualTo(new Inherited(8, specs.directory.resolve("fs.sock"), Mode.CONNECT));
    }

    @Test
    void aMachineUnderKvmWithMoreOfEverything() {
        specs.accelerator = Accelerator.KVM;
        specs.cpu = new CpuSpec(2, 4, List.of("+avx2"));
        specs.memory = new MemorySpec(ByteSize.ofMib(2048), true);
        specs.machineOptions = "nvdimm=on";
        specs.initrd = Optional.empty();
        specs.entropy = Optional.empty();
        specs.parameters = List.of();
        specs.security = new SecuritySpec("");
        specs.disks =
                List.of(
                        new Disk("root", Path.of("/img/root.erofs"), true, "bunkai-root", 4),
                        new Disk("data", Path.of("/img/data,1"), false, "d1", 0x1d));
        assertThat(arguments())
                .containsExactlyElementsOf(
                        words(
                                """
                                /usr/bin/qemu-system-x86_64
                                -name a1b2,debug-threads=on
                                -no-user-config
                                -nodefaults
                                -display none
                                -no-reboot
                                -S
                                -msg timestamp=on
                                -machine q35,usb=off,vmport=off,smbus=off,sata=off,hpet=off,smm=off,\
                                dump-guest-core=off,memory-backend=ram,nvdimm=on
                                -accel kvm
                                -cpu host,pmu=off,+avx2
                                -smp cpus=2,maxcpus=4,sockets=1,cores=4,threads=1
                                -m 2048M
                                -object memory-backend-memfd,id=ram,size=2048M,share=on
                                -chardev socket,id=qmp,fd=3,server=on,wait=off
                                -mon chardev=qmp,mode=control
                                -chardev socket,id=console,fd=4,server=on,wait=off
                                -serial chardev:console
                                -kernel /proc/self/fd/5
                                -device virtio-serial-pci,id=channel,bus=pcie.0,addr=0x2,disable-legacy=on,max_ports=2
                                -chardev socket,id=agent,fd=6,server=on,wait=off
                                -device virtserialport,id=agent,bus=channel.0,nr=1,chardev=agent,name=agent.channel.0
                                -device pvpanic
                                -device vmgenid,guid=auto
                                -object {"qom-type":"throttle-group","id":"limits","limits":\
                                {"bps-total":0,"bps-total-max":0,"iops-total":0,"iops-total-max":0}}
                                -add-fd fd=7,set=1,opaque=/img/root.erofs
                                -blockdev driver=file,node-name=disk-root,filename=/dev/fdset/1,read-only=on,locking=off
                                -device virtio-blk-pci,id=root,bus=pcie.0,addr=0x4,disable-legacy=on,drive=disk-root,\
                                serial=bunkai-root,werror=report,rerror=report
                                -add-fd fd=8,set=2,opaque=/img/data,,1
                                -blockdev driver=file,node-name=disk-data,filename=/dev/fdset/2,read-only=off,discard=unmap
                                -blockdev driver=throttle,node-name=limited-data,read-only=off,discard=unmap,throttle-group=limits,file=disk-data
                                -device virtio-blk-pci,id=data,bus=pcie.0,addr=0x1d,disable-legacy=on,drive=limited-data,\
                                serial=d1,werror=report,rerror=report
                                """));
    }

    @Test
    void aTemplateWritesToItsMemoryAndACopyToItsOwn() {
        Path memory = Path.of("/proc/self/fd/9");
        LaunchCommand template = QemuCommandLine.of(specs.build(), new Beginning.Template(memory));
        assertThat(template.arguments())
                .contains("memory-backend-file,id=ram,size=256M,mem-path=/proc/self/fd/3,share=on")
                .doesNotContain("-incoming");
        assertThat(template.inherited()).contains(new Inherited(3, memory, Mode.READ_WRITE));
        Path devices = Path.of("/lib/t/devices");
        LaunchCommand copy = QemuCommandLine.of(specs.build(), new Beginning.Copy(memory, devices));
        assertThat(copy.arguments())
                .contains("memory-backend-file,id=ram,size=256M,mem-path=/proc/self/fd/3,share=off")
                .containsSequence("-incoming", "defer");
        assertThat(copy.arguments()).doesNotContain("-kernel", "-initrd", "-append");
        assertThat(copy.inherited().getLast().file()).isEqualTo(devices);
        assertThat(QemuCommandLine.devices(copy))
                .isEqualTo(copy.inherited().getLast().descriptor());
    }

    @Test
    void aCopyThatSharesItsMemoryWritesToTheFile() {
        specs.memory = new MemorySpec(ByteSize.ofMib(256), true);
        Beginning copy = new Beginning.Copy(Path.of("/proc/self/fd/9"), Path.of("/lib/devices"));
        assertThat(QemuCommandLine.of(specs.build(), copy).arguments())
                .contains("memory-backend-file,id=ram,size=256M,mem-path=/proc/self/fd/3,share=on");
    }

    /** QEMU refuses to freeze or thaw a machine that has a file system. */
    @Test
    void aCopyGetsItsFileSystemWhereItsTemplateHasAPort() {
        specs.memory = new MemorySpec(ByteSize.ofMib(256), true);
        String port = "pcie-root-port,id=plug,bus=pcie.0,addr=0x1e,chassis=1";
        Path memory = Path.of("/proc/self/fd/9");
        assertThat(QemuCommandLine.of(specs.build(), new Beginning.Template(memory)).arguments())
                .contains(port);
        FileSystemDevice device = new FileSystemDevice("kataShared", 512);
        specs.fileSystem = Optional.of(device);
        Beginning copy = new Beginning.Copy(memory, Path.of("/lib/devices"));
        LaunchCommand command = QemuCommandLine.of(specs.build(), copy);
        assertThat(command.arguments()).contains(port, "socket,id=fs,fd=7");
        assertThat(String.join(" ", command.arguments())).doesNotContain("vhost-user-fs-pci");
        assertThat(command.inherited().getLast().file()).isEqualTo(Path.of("/lib/devices"));
        assertThat(QemuCommandLine.pluggedFileSystem(device))
                .isEqualTo(
                        new DeviceAdd(
                                "vhost-user-fs-pci",
                                "share",
                                Map.of(
                                        "bus",
                                        "plug",
                                        "chardev",
                                        "fs",
                                        "tag",
                                        "kataShared",
                                        "queue-size",
                                        512)));
    }

    /** Words of a listing; {@code ~} stands for a space within a word. */
    private static List<String> words(String listing) {
        return List.of(listing.replace("\\\n", "").strip().split("\\s+")).stream()
                .map(word -> word.replace('~', ' '))
                .toList();
    }

    @Test
    void everythingThatIsOpenedStandsBesideTheArguments() {
        specs.disks =
                List.of(
                        new Disk("root", Path.of("/img/root"), true, "r", 4),
                        new Disk("data", Path.of("/img/data"), false, "d", 5));
        LaunchCommand command = QemuCommandLine.of(specs.build(), Beginning.BOOT);
        assertThat(command.directory()).isEqualTo(Path.of("/run/bunkai/a1b2"));
        assertThat(command.inherited())
                .containsExactly(
                        new Inherited(3, Path.of("/run/bunkai/a1b2/qmp.sock"), Mode.LISTEN),
                        new Inherited(4, Path.of("/run/bunkai/a1b2/console.sock"), Mode.LISTEN),
                        new Inherited(5, Path.of("/opt/bunkai/share/vmlinuz"), Mode.READ),
                        new Inherited(6, Path.of("/opt/bunkai/share/initrd"), Mode.READ),
                        new Inherited(7, Path.of("/run/bunkai/a1b2/agent.sock"), Mode.LISTEN),
                        new Inherited(8, Path.of("/img/root"), Mode.READ),
                        new Inherited(9, Path.of("/img/data"), Mode.READ_WRITE));
    }

    @Test
    void disksThatCanBeWrittenToAndDevicesShareOneLimit() {
        specs.diskLimits = new DiskLimits(1_000_000, 2_000_000, 500, 0);
        specs.disks =
                List.of(
                        new Disk("root", Path.of("/img/root"), true, "r", 4),
                        new Disk("data", Path.of("/img/data"), false, "d", 5),
                        new Disk("device0", Path.of("/dev/sdx"), false, "e", 21, Disk.Kind.DEVICE),
                        new Disk("device1", Path.of("/dev/sdy"), true, "f", 22, Disk.Kind.DEVICE));
        LaunchCommand command = QemuCommandLine.of(specs.build(), Beginning.BOOT);
        List<String> arguments = command.arguments();
        assertThat(arguments.subList(arguments.indexOf("pvpanic") + 1, arguments.size()))
                .containsExactlyElementsOf(
                        words(
                                """
                                -object {"qom-type":"throttle-group","id":"limits","limits":\
                                {"bps-total":1000000,"bps-total-max":3000000,"iops-total":500,"iops-total-max":500}}
                                -add-fd fd=8,set=1,opaque=/img/root
                                -blockdev driver=file,node-name=disk-root,filename=/dev/fdset/1,read-only=on,locking=off
                                -device virtio-blk-pci,id=root,bus=pcie.0,addr=0x4,disable-legacy=on,drive=disk-root,\
                                serial=r,werror=report,rerror=report
                                -add-fd fd=9,set=2,opaque=/img/data
                                -blockdev driver=file,node-name=disk-data,filename=/dev/fdset/2,read-only=off,discard=unmap
                                -blockdev driver=throttle,node-name=limited-data,read-only=off,discard=unmap,throttle-group=limits,file=disk-data
                                -device virtio-blk-pci,id=data,bus=pcie.0,addr=0x5,disable-legacy=on,drive=limited-data,\
                                serial=d,werror=report,rerror=report
                                -add-fd fd=10,set=3,opaque=/dev/sdx
                                -blockdev driver=host_device,node-name=disk-device0,filename=/dev/fdset/3,read-only=off,discard=unmap
                                -blockdev driver=throttle,node-name=limited-device0,read-only=off,discard=unmap,throttle-group=limits,file=disk-device0
                                -device virtio-blk-pci,id=device0,bus=pcie.0,addr=0x15,disable-legacy=on,drive=limited-device0,\
                                serial=e,werror=report,rerror=report
                                -add-fd fd=11,set=4,opaque=/dev/sdy
                                -blockdev driver=host_device,node-name=disk-device1,filename=/dev/fdset/4,read-only=on,locking=off
                                -blockdev driver=throttle,node-name=limited-device1,read-only=on,throttle-group=limits,file=disk-device1
                                -device virtio-blk-pci,id=device1,bus=pcie.0,addr=0x16,disable-legacy=on,drive=limited-device1,\
                                serial=f,werror=report,rerror=report
                                """));
        assertThat(command.inherited().subList(5, 9))
                .containsExactly(
                        new Inherited(8, Path.of("/img/root"), Mode.READ),
                        new Inherited(9, Path.of("/img/data"), Mode.READ_WRITE),
                        new Inherited(10, Path.of("/dev/sdx"), Mode.CLAIM),
                        new Inherited(11, Path.of("/dev/sdy"), Mode.READ));
    }

    @Test
    void performanceCountersStayAwayUnlessTheyAreAskedFor() {
        specs.accelerator = Accelerator.KVM;
        specs.cpu = new CpuSpec(1, 1, List.of("pmu=off"));
        assertThat(valueOf("-cpu")).isEqualTo("host,pmu=off");
        specs.cpu = new CpuSpec(1, 1, List.of("+pmu"));
        assertThat(valueOf("-cpu")).isEqualTo("host,+pmu");
        specs.accelerator = Accelerator.TCG;
        specs.cpu = new CpuSpec(1, 1, List.of("pmu=off"));
        assertThat(valueOf("-cpu")).isEqualTo("max,erms=off,pmu=off");
    }

    @Test
    void machineOptionsCannotReachTheHost() {
        for (String option :
                List.of(
                        "accel=kvm",
                        "dumpdtb=x",
                        "firmware=x",
                        "kernel=x",
                        "memory-backend=x",
                        "nvdimm=on,dtb=x",
                        "x-oem-id=x")) {
            specs.machineOptions = option;
            assertThatThrownBy(this::arguments)
                    .isInstanceOfSatisfying(
                            Fault.class,
                            fault -> assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT))
                    .hasMessageContaining("cannot be set from outside");
        }
    }

    @Test
    void commasInPathsStayInTheirOption() {
        specs.entropy = Optional.of(Path.of("/dev/a,b"));
        assertThat(arguments()).contains("rng-random,id=entropy,filename=/dev/a,,b");
    }
}
