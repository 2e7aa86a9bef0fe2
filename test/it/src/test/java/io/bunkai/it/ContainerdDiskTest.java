// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.api.TaskMethods;
import io.bunkai.api.containerd.CreateTaskRequest;
import io.bunkai.api.containerd.DeleteRequest;
import io.bunkai.api.containerd.Mount;
import io.bunkai.api.containerd.StartRequest;
import io.bunkai.api.containerd.WaitRequest;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Tasks of containerd whose devices, or whose root file systems, are disks. */
@EnabledIf("io.bunkai.it.TestContainerd#isBunkai")
@Timeout(600)
class ContainerdDiskTest {
    @RegisterExtension static final TestContainerd containerd = new TestContainerd();

    private static final TaskMethods TASK = TaskMethods.V2;
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final long SIZE = 64L * 1024 * 1024;
    private static final String ID = "volume";

    private TestRoot root;
    private Path file;

    @BeforeEach
    void makeFolder() {
        root = TestRoot.create();
        file = root.resolve("disk");
    }

    @AfterEach
    void deleteFolder() {
        root.close();
    }

    private static String run(String... words) {
        return CommandRun.of(words).run(TestNode.patience()).expectSuccess().out();
    }

    @Test
    void aDeviceOfCtrIsADiskAndAPrivilegedTaskHasNoOtherOfTheHost() throws IOException {
        Ctr ctr = containerd.in("default");
        try (LoopDevice disk = LoopDevice.make(file, SIZE);
                LoopDevice other = LoopDevice.make(root.resolve("other"), SIZE)) {
            String out =
                    ctr.out(
                            "run",
                            "--rm",
                            "--privileged",
                            "--device",
                            disk.node().toString(),
                            TestContainerd.LAYERS,
                            "device",
                            "sh",
                            "-c",
                            "echo of a task >%s; ls %s 2>/dev/null; find /dev -type b"
                                    .formatted(disk.node(), other.node()));

            assertThat(out.strip()).isEqualTo(disk.node().toString());
            assertThat(disk.text(0, 9)).isEqualTo("of a task");
        }
    }

    /** A specification as ctr writes it, with another command. */
    private Path bundle(String script) throws IOException {
        Path bundle = Files.createDirectory(root.resolve("bundle"));
        ObjectNode spec = (ObjectNode) JSON.readTree(containerd.in("default").out("oci", "spec"));
        ObjectNode process = (ObjectNode) spec.path("process");
        process.put("terminal", false).putArray("args").add("/bin/sh").add("-c").add(script);
        ((ObjectNode) spec.path("root")).put("path", "rootfs");
        Files.write(bundle.resolve("config.json"), JSON.writeValueAsBytes(spec));
        return bundle;
    }

    private void makeFileSystem() throws IOException {
        Path files = root.resolve("files");
        Path programs = Files.createDirectories(files.resolve("bin"));
        for (String folder : List.of("dev", "proc", "sys", "run", "tmp", "etc")) {
            Files.createDirectory(files.resolve(folder));
        }
        Files.copy(Path.of("/bin/busybox"), programs.resolve("sh"));
        run("mkfs.ext4", "-q", "-d", files.toString(), file.toString(), SIZE / 1024 + "k");
    }

    /** {@return what a task says whose root file system is this mount} */
    private String runTask(Path bundle, Mount mount) throws IOException {
        Path out = root.resolve("out");
        ShimClient.Launcher launcher = ShimClient.Launcher.of(containerd);
        try (ShimClient shim = launcher.start(bundle, ID)) {
            shim.call(
                    TASK.create(),
                    CreateTaskRequest.newBuilder()
                            .setId(ID)
                            .setBundle(bundle.toString())
                            .setStdout("file://" + out)
                            .addRootfs(mount)
                            .build());
            shim.call(TASK.start(), StartRequest.newBuilder().setId(ID).build());
            WaitRequest wait = WaitRequest.newBuilder().setId(ID).build();
            assertThat(shim.call(TASK.waitFor(), wait).getExitStatus()).isZero();
            shim.call(TASK.delete(), DeleteRequest.newBuilder().setId(ID).build());
        } finally {
            launcher.run(bundle, ID, "delete").expectSuccess();
        }
        return Files.readString(out);
    }

    private String kept() {
        assertThat(run("dumpe2fs", "-h", file.toString())).doesNotContain("needs_recovery");
        return run("debugfs", "-R", "cat /kept", file.toString());
    }

    private static final String SCRIPT =
            "while read -r d m t _; do [ $m = / ] && echo $t; done </proc/mounts; echo kept >/kept";

    /** As the snapshotter called devmapper gives it. */
    @Test
    void aRootOnABlockDeviceKeepsWhatTheTaskWrites() throws IOException {
        Path bundle = bundle(SCRIPT);
        makeFileSystem();
        try (LoopDevice disk = LoopDevice.of(file)) {
            Mount mount =
                    Mount.newBuilder()
                            .setType("ext4")
                            .setSource(disk.node().toString())
                            .addOptions("noatime")
                            .build();
            assertThat(runTask(bundle, mount)).isEqualTo("ext4\n");
        }
        assertThat(kept()).isEqualTo("kept\n");
    }

    /** As the snapshotter called blockfile gives a view. */
    @Test
    void aRootInAnImageForReadingOnlyStaysAsItIs() throws IOException {
        Path bundle = bundle(SCRIPT);
        makeFileSystem();
        byte[] before = Files.readAllBytes(file);
        Mount mount =
                Mount.newBuilder()
                        .setType("ext4")
                        .setSource(file.toString())
                        .addOptions("loop")
                        .addOptions("ro")
                        .build();
        assertThat(runTask(bundle, mount)).isEqualTo("overlay\n");
        assertThat(file).hasBinaryContent(before);
    }
}
