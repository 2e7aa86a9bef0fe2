// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Lets the agent warm up in the tree that becomes its root, so that the classes it needs are in a
 * cache when a guest starts it. Mounts are made in a mount namespace of their own and vanish with
 * it, whatever happens.
 *
 * @spec https://openjdk.org/jeps/514 JEP 514
 */
final class AotTraining {
    /** How the agent is run in a guest, by what executes its instructions. */
    static final List<String> PROFILES = List.of("tcg", "kvm");

    private static final String TRAINING_PROFILE = "kvm";

    private final CommandRunner commands;
    private final RootTree tree;

    AotTraining(CommandRunner commands, RootTree tree) {
        this.commands = commands;
        this.tree = tree;
    }

    /**
     * Writes the cache and makes sure that the agent accepts it in every profile.
     *
     * @throws Fault FAILED_PRECONDITION if the agent fails, or refuses the cache it wrote
     */
    void run() throws IOException, InterruptedException {
        Path cache = tree.resolve(RootTree.AOT_CACHE);
        agent(TRAINING_PROFILE, "-XX:AOTCacheOutput=/" + RootTree.AOT_CACHE);
        if (!Files.exists(cache) || Files.size(cache) == 0) {
            throw Fault.failedPrecondition("the agent's training left no AOT cache");
        }
        for (String profile : PROFILES) {
            // With AOTMode=on a cache that does not fit is an error instead of a slow start.
            agent(profile, "-XX:AOTMode=on", "-XX:AOTCache=/" + RootTree.AOT_CACHE);
        }
    }

    /** {@return what is run in the tree} */
    String script() throws IOException {
        return new String(Resources.read("rootfs/train"), StandardCharsets.UTF_8);
    }

    private void agent(String profile, String... options) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "unshare",
                                "--mount",
                                "--root=" + tree.root(),
                                "/bin/sh",
                                "-c",
                                script(),
                                "train",
                                profile));
        command.addAll(List.of(options));
        CommandRunner.Result result = commands.run(Path.of("/"), command);
        if (result.status() != 0) {
            throw Fault.failedPrecondition("the agent does not run its training (%s)", profile)
                    .causedBy(HostCommands.failed(command, result));
        }
    }
}
