// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A machine with a real systemd and control groups v2, in which our service runs as on a node: a
 * Debian guest under plain QEMU, booted once for a test class. It has the programs of the tree
 * under test as {@code /opt/bunkai}, the units as {@code /etc/systemd/system}, a JDK, and the
 * test's own classes. What a test changes in it is gone with it.
 *
 * <p>Instructions are emulated unless {@code BUNKAI_TEST_KVM} is set, so it is ten times slower
 * than the machine that it runs on: machines are played by {@code StandInVmm}.
 */
final class SystemdBed implements BeforeAllCallback, AfterAllCallback {
    /** For whatever is done in it, on a host that is busy with others. */
    private static final Duration PATIENCE = Duration.ofMinutes(6);

    /** Where the guest has the classes of the tests. */
    static final String CLASSES = "/opt/tests";

    /** Where it has images for containerd. */
    static final String IMAGES = "/opt/images";

    /** The first build of its image fetches packages. */
    private static final Duration BUILD = Duration.ofMinutes(9);

    private static final String MEMORY_MIB = "3072";

    private final Closer owned = new Closer();
    private final AtomicReference<BedShell> shell = new AtomicReference<>();
    private final AtomicReference<Path> console = new AtomicReference<>();

    @Override
    public void beforeAll(ExtensionContext context) throws Exception {
        Path bed = make();
        TestRoot root = owned.own(TestRoot.create());
        console.set(root.resolve("console"));
        BedDisks disks = BedDisks.make(root.path());
        owned.own(CommandRun.of(command(bed, root, disks)).start());
        BedShell opened = BedShell.open(root.resolve("port"), Deadline.after(PATIENCE));
        shell.set(owned.own(opened));
        out(disks.mountScript());
    }

    private static Path make() {
        Path script = SourceTree.root().resolve("test/systemd/make-bed");
        return Path.of(
                CommandRun.of(script.toString())
                        .run(Deadline.after(BUILD))
                        .expectSuccess()
                        .out()
                        .strip());
    }

    private static List<String> command(Path bed, TestRoot root, BedDisks disks) {
        List<String> words = new ArrayList<>(List.of("qemu-system-x86_64", "-machine", "q35"));
        words.addAll(
                System.getenv("BUNKAI_TEST_KVM") == null
                        ? List.of("-accel", "tcg,thread=multi", "-cpu", "max")
                        : List.of("-accel", "kvm", "-cpu", "host"));
        words.addAll(List.of("-smp", "2", "-m", MEMORY_MIB, "-display", "none", "-nodefaults"));
        words.addAll(List.of("-no-reboot", "-serial", "file:" + root.resolve("console")));
        words.addAll(List.of("-kernel", bed.resolve("vmlinuz").toString()));
        words.addAll(List.of("-initrd", bed.resolve("initrd").toString()));
        words.addAll(List.of("-append", "root=/dev/vda rw console=ttyS0 quiet mitigations=off"));
        // Written changes go to a temporary file that only QEMU sees.
        words.addAll(List.of("-drive", drive(bed.resolve("root.ext4")) + ",snapshot=on"));
        for (Path disk : disks.files()) {
            words.addAll(List.of("-drive", drive(disk) + ",readonly=on"));
        }
        words.addAll(List.of("-device", "virtio-rng-pci", "-device", "virtio-serial"));
        String port = "socket,id=bed,path=" + root.resolve("port") + ",server=on,wait=off";
        words.addAll(List.of("-chardev", port));
        words.addAll(List.of("-device", "virtserialport,chardev=bed,name=bed"));
        return words;
    }

    private static String drive(Path file) {
        return "if=virtio,format=raw,file=" + file;
    }

    @Override
    public void afterAll(ExtensionContext context) throws IOException {
        String name = context.getRequiredTestClass().getSimpleName();
        try {
            keepJournal(name);
        } finally {
            TestNode.keep(console.get(), name + "-console.log");
            owned.close();
        }
    }

    /** Says more than an assertion can, and the machine is about to go. */
    private void keepJournal(String name) throws IOException {
        if (shell.get() != null) {
            Path kept = Path.of("target/daemon-logs", name + "-journal.log");
            Files.createDirectories(kept.getParent());
            Files.writeString(kept, run("journalctl --no-pager -o short-monotonic").output());
        }
    }

    /**
     * {@return what a shell script in the guest did; 124 is the status of one that took too long}
     */
    BedShell.Result run(String script) {
        // It is ended before nobody waits for it any more, so that the next one gets its own
        // answer.
        String limited =
                """
                cat >/run/bed/limited <<'END_OF_SCRIPT'
                %s
                END_OF_SCRIPT
                exec timeout -k 5 %d sh /run/bed/limited
                """
                        .formatted(script, PATIENCE.minusMinutes(1).toSeconds());
        return shell.get().run(limited, Deadline.after(PATIENCE));
    }

    /** {@return the output of a script that succeeds, without white space around it} */
    String out(String script) {
        BedShell.Result result = run("set -e\n" + script);
        if (result.status() != 0) {
            throw new AssertionError("this failed in the test bed:\n" + script + "\n" + result);
        }
        return result.output().strip();
    }

    /** Waits in the guest until a shell condition holds. */
    void await(String condition) {
        out("until " + condition + "; do sleep 0.3; done");
    }

    /** {@return a property of a unit, as systemd has it} */
    String property(String unit, String name) {
        return out("systemctl show --value -p " + name + " " + unit);
    }
}
