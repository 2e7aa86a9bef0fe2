// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.linux.Fd;
import io.bunkai.linux.SharedMemory;
import io.bunkai.vmm.Beginning;
import io.bunkai.vmm.LaunchCommand;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A clone that gives memory back, as guests with a balloon or with free page reporting do: QEMU
 * punches holes into the file behind the clone's memory, though the mapping is private. Real QEMU;
 * the test is the guest's driver.
 *
 * @spec https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html 2.7.2 and 4.1.4.10 (legacy
 *     layout and interface), 5.5 (memory balloon)
 */
@Timeout(120)
class BalloonTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 4;
    private static final long GIVEN_BACK = 0x200000;
    private static final byte WRITTEN = 0x5a;

    // The legacy interface, in I/O space.
    private static final int PORT = 0xc000;
    private static final int GUEST_FEATURES = PORT + 0x04;
    private static final int QUEUE_PFN = PORT + 0x08;
    private static final int QUEUE_SIZE = PORT + 0x0c;
    private static final int QUEUE_SELECT = PORT + 0x0e;
    private static final int QUEUE_NOTIFY = PORT + 0x10;
    private static final int STATUS = PORT + 0x12;
    private static final int SLOT = 0x1e;

    private static final long QUEUE = 0x100000;
    private static final long PFNS = 0x110000;

    @TempDir Path folder;

    private Fd template() throws IOException {
        Specs specs = new Specs();
        Fd memory =
                SharedMemory.createSealableFile("template", specs.build().memory().size().bytes());
        try (RandomAccessFile file = new RandomAccessFile(memory.path().toFile(), "rw")) {
            byte[] content = new byte[PAGES * PAGE];
            Arrays.fill(content, WRITTEN);
            file.seek(GIVEN_BACK);
            file.write(content);
        }
        return memory;
    }

    /** {@return a clone's QEMU, with the memory as the product maps it, and a balloon} */
    private Qtest clone(Fd memory, String name) throws IOException {
        Specs specs = new Specs();
        LaunchCommand product =
                QemuCommandLine.of(
                        specs.build(), new Beginning.Copy(memory.path(), Path.of("/dev/null")));
        String backend =
                product.arguments().stream()
                        .filter(argument -> argument.startsWith("memory-backend-file,"))
                        .findFirst()
                        .orElseThrow();
        int descriptor = product.inherited().getFirst().descriptor();
        assertThat(backend).contains("/" + descriptor).contains("share=off");
        return Qtest.start(
                folder.resolve(name),
                descriptor,
                memory,
                List.of(
                        "-machine",
                        "q35,usb=off,sata=off,memory-backend=ram",
                        "-m",
                        "256M",
                        "-object",
                        backend,
                        "-device",
                        "virtio-balloon-pci,bus=pcie.0,addr=0x1e,disable-modern=on,disable-legacy=off"));
    }

    private static byte[] givenBack(Fd memory) throws IOException {
        byte[] content = new byte[PAGES * PAGE];
        try (RandomAccessFile file = new RandomAccessFile(memory.path().toFile(), "r")) {
            file.seek(GIVEN_BACK);
            file.readFully(content);
        }
        return content;
    }

    /** The guest's driver: finds the device, makes its first queue, and gives pages back. */
    private static void inflate(Qtest machine) throws IOException {
        int configuration = 0x80000000 | SLOT << 11;
        machine.out32(0xcf8, configuration | 0x10); // the first base address
        machine.out32(0xcfc, PORT);
        machine.out32(0xcf8, configuration | 0x04); // command: I/O space, bus master
        machine.out32(0xcfc, 5);
        for (int status : new int[] {0, 1, 3}) { // reset, acknowledge, driver
            machine.out8(STATUS, status);
        }
        machine.out32(GUEST_FEATURES, 0);
        machine.out16(QUEUE_SELECT, 0);
        int size = machine.in16(QUEUE_SIZE);
        assertThat(size).isPositive();
        machine.out32(QUEUE_PFN, (int) (QUEUE / PAGE));
        machine.out8(STATUS, 7); // the driver is ready

        for (int i = 0; i < PAGES; i++) {
            machine.write32(PFNS + 4L * i, (int) (GIVEN_BACK / PAGE) + i);
        }
        machine.write64(QUEUE, PFNS); // the first descriptor: address, length
        machine.write32(QUEUE + 8, 4 * PAGES);
        machine.write32(QUEUE + 12, 0); // neither flags nor another one
        long available = QUEUE + 16L * size;
        machine.write32(available + 4, 0); // the ring's first element
        machine.write32(available, 1 << 16); // no flags, one element
        machine.out16(QUEUE_NOTIFY, 0);
        long used = QUEUE + Math.ceilDiv(16L * size + 6 + 2L * size, PAGE) * PAGE;
        machine.awaitHigh16(used, 1, Deadline.after(Duration.ofSeconds(30)));
    }

    @Test
    void aCloneThatGivesPagesBackChangesNeitherTheTemplateNorAnotherClone() throws IOException {
        try (Fd memory = template()) {
            byte[] before = givenBack(memory);
            SharedMemory.seal(memory);
            try (Qtest one = clone(memory, "one");
                    Qtest other = clone(memory, "other")) {
                inflate(one);
                assertThat(givenBack(memory)).isEqualTo(before);
                for (int i = 0; i < PAGES; i++) {
                    assertThat(other.read32(GIVEN_BACK + (long) i * PAGE)).isEqualTo(0x5a5a5a5a);
                }
            }
        }
    }

    /** What the seal is for. */
    @Test
    void withoutTheSealTheTemplateWouldBeChanged() throws IOException {
        try (Fd memory = template();
                Qtest one = clone(memory, "one");
                Qtest other = clone(memory, "other")) {
            inflate(one);
            assertThat(givenBack(memory)).containsOnly(0);
            assertThat(other.read32(GIVEN_BACK)).isZero();
        }
    }
}
