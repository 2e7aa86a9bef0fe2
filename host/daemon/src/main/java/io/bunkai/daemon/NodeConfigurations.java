// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Fault;
import io.bunkai.config.ConfigurationLoader;
import io.bunkai.config.ConfigurationSource;
import io.bunkai.config.Defaults;
import io.bunkai.config.EffectiveValue;
import io.bunkai.config.HostCapacity;
import io.bunkai.config.LoadedConfiguration;
import io.bunkai.runtime.Configurations;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The configuration of this node, read once, and those of other files that containerd's runtime
 * options name, read when they have changed.
 */
final class NodeConfigurations implements Configurations {
    private static final System.Logger LOG = System.getLogger(NodeConfigurations.class.getName());

    /** The guest image's files, as a configuration that names none others has them. */
    static final String KERNEL = "vmlinuz";

    static final String IMAGE = "rootfs.erofs";

    /** There is one file for each kind of container, and kinds are few. */
    private static final int MOST_FILES = 64;

    private final ConfigurationLoader loader;
    private final LoadedConfiguration node;
    private final Map<Path, Read> files = new LinkedHashMap<>(); // guarded by this

    /** What was read, and of which state of the file. */
    private record Read(FileTime modified, long size, LoadedConfiguration configuration) {}

    private NodeConfigurations(ConfigurationLoader loader, LoadedConfiguration node) {
        this.loader = loader;
        this.node = node;
    }

    /**
     * Reads the configuration that a daemon is started with, and logs every value that holds.
     *
     * @throws Fault as {@link ConfigurationLoader#load}
     */
    static NodeConfigurations load(DaemonOptions options) {
        ConfigurationSource source =
                options.configuration()
                        .<ConfigurationSource>map(ConfigurationSource.Explicit::new)
                        .orElseGet(() ->
                                options.kataConfiguration()
                                        ? ConfigurationSource.kata()
                                        : ConfigurationSource.standard(Optional.empty()));
        Defaults defaults =
                Defaults.of(
                        options.guest().resolve(KERNEL),
                        options.guest().resolve(IMAGE),
                        options.fileServer());
        ConfigurationLoader loader =
                new ConfigurationLoader(defaults, HostCapacity.ofThisMachine());
        LoadedConfiguration loaded = loader.load(source);
        log(loaded);
        for (EffectiveValue value : loaded.effectiveValues()) {
            LOG.log(System.Logger.Level.INFO, "configuration {0}", value);
        }
        return new NodeConfigurations(loader, loaded);
    }

    private static void log(LoadedConfiguration loaded) {
        loaded.warnings()
                .forEach(warning ->
                        LOG.log(System.Logger.Level.WARNING, "configuration: {0}", warning));
    }

    /** {@return the configuration that the daemon was started with} */
    LoadedConfiguration ofThisNode() {
        return node;
    }

    @Override
    public LoadedConfiguration get(Optional<Path> file) {
        return file.isEmpty() ? node : read(file.get());
    }

    private synchronized LoadedConfiguration read(Path file) {
        FileTime modified;
        long size;
        try {
            modified = Files.getLastModifiedTime(file);
            size = Files.size(file);
        } catch (IOException e) {
            throw Fault.notFound("the configuration file %s cannot be read", file)
                    .causedBy(e)
                    .withHint("correct ConfigPath in containerd's runtime options");
        }
        Read known = files.get(file);
        if (known != null && known.modified().equals(modified) && known.size() == size) {
            return known.configuration();
        }
        LoadedConfiguration loaded = loader.load(new ConfigurationSource.Explicit(file));
        log(loaded);
        files.put(file, new Read(modified, size, loaded));
        if (files.size() > MOST_FILES) {
            files.remove(files.keySet().iterator().next());
        }
        return loaded;
    }
}
