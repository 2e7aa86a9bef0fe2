// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import io.bunkai.base.ByteSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A folder with configuration files, on a host with 8 processors and 16 GiB. */
final class ConfigurationFixture {
    static final Path KERNEL = Path.of("/assets/vmlinuz");
    static final Path IMAGE = Path.of("/assets/guest.erofs");
    static final Path FILE_SERVER = Path.of("/opt/bunkai/virtiofsd");

    private final Path folder;
    private final ConfigurationLoader loader =
            new ConfigurationLoader(
                    Defaults.of(KERNEL, IMAGE, FILE_SERVER),
                    new HostCapacity(8, ByteSize.ofMib(16384)));

    ConfigurationFixture(Path folder) {
        this.folder = folder;
    }

    ConfigurationLoader loader() {
        return loader;
    }

    Path file() {
        return folder.resolve("configuration.toml");
    }

    Path dropIn(String name, String text) throws IOException {
        Path dropIns = Files.createDirectories(folder.resolve("config.d"));
        return Files.writeString(dropIns.resolve(name), text);
    }

    LoadedConfiguration load(String text) throws IOException {
        Files.writeString(file(), text);
        return loader.load(new ConfigurationSource.Explicit(file()));
    }

    LoadedConfiguration loadQemu(String lines) throws IOException {
        return load("[hypervisor.qemu]\n" + lines);
    }

    static List<String> messagesOf(LoadedConfiguration loaded) {
        return loaded.warnings().stream().map(ConfigurationWarning::message).toList();
    }
}
