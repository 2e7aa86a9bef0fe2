// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PciPathTest {
    @TempDir Path sys;

    @Test
    void findsADiskOnTheRootBus() throws IOException {
        disk("0000:00:05.0", "virtio2", "vdb");
        assertThat(PciPath.parse("05").blockDevice(sys)).contains("vdb");
        assertThat(PciPath.parse("5").blockDevice(sys)).contains("vdb");
        assertThat(PciPath.parse("06").blockDevice(sys)).isEmpty();
    }

    @Test
    void findsADiskBehindBridgesByWhateverNumberTheirBusesHave() throws IOException {
        Files.createDirectories(device("0000:00:02.0").resolve("pci_bus/0000:07"));
        Files.createDirectories(device("0000:07:01.0").resolve("pci_bus/0000:0a"));
        disk("0000:0a:1f.3", "virtio9", "vdz");
        assertThat(PciPath.parse("02/01/1f.3").blockDevice(sys)).contains("vdz");
        assertThat(PciPath.parse("02/01").blockDevice(sys)).isEmpty();
        assertThat(PciPath.parse("03/01").blockDevice(sys)).isEmpty();
    }

    @Test
    void waitsForTheDriver() throws IOException {
        Files.createDirectories(device("0000:00:05.0"));
        assertThat(PciPath.parse("05").blockDevice(sys)).isEmpty();
        Files.createDirectories(device("0000:00:05.0").resolve("virtio0"));
        assertThat(PciPath.parse("05").blockDevice(sys)).isEmpty();
    }

    @Test
    void refusesWhatIsNoPath() {
        for (String text :
                List.of("", "/", "05/", "20", "5.8", "5.", ".1", "xy", "005", "../05", "+5")) {
            assertThatExceptionOfType(Fault.class).as(text).isThrownBy(() -> PciPath.parse(text));
        }
    }

    private Path device(String address) {
        return sys.resolve("bus/pci/devices").resolve(address);
    }

    private void disk(String address, String virtio, String name) throws IOException {
        Files.createDirectories(device(address).resolve(virtio).resolve("block").resolve(name));
    }
}
