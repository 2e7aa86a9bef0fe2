// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.bunkai.api.TaskMethods;
import io.bunkai.api.containerd.CreateTaskRequest;
import io.bunkai.api.containerd.DeleteRequest;
import io.bunkai.api.containerd.KillRequest;
import io.bunkai.api.containerd.Mount;
import io.bunkai.api.containerd.StartRequest;
import io.bunkai.api.containerd.StateRequest;
import io.bunkai.api.containerd.Status;
import io.bunkai.api.containerd.WaitRequest;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.testkit.CommandResult;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What containerd itself would not send. Each is answered with containerd's code for it and a
 * sentence that says what to do, soon, and leaves nothing.
 */
@EnabledIf("io.bunkai.it.TestContainerd#isBunkai")
class ContainerdBadInputTest {
    @RegisterExtension static final TestContainerd containerd = new TestContainerd();

    private static final TaskMethods TASK = TaskMethods.V2;
    private static final JsonMapper JSON = JsonMapper.shared();

    private TestRoot root;
    private Path bundle;

    @BeforeEach
    void makeBundle() throws IOException {
        root = TestRoot.create();
        bundle = Files.createDirectory(root.resolve("bundle"));
        Path programs = Files.createDirectories(bundle.resolve("rootfs/bin"));
        for (String folder : List.of("dev", "proc", "sys", "run", "tmp", "etc")) {
            Files.createDirectory(bundle.resolve("rootfs").resolve(folder));
        }
        Files.copy(Path.of("/bin/busybox"), programs.resolve("sh"));
    }

    @AfterEach
    void deleteBundle() {
        root.close();
    }

    /** A specification as ctr writes it, with another command. */
    private void writeSpec(String script) throws IOException {
        ObjectNode spec = (ObjectNode) JSON.readTree(containerd.in("default").out("oci", "spec"));
        ObjectNode process = (ObjectNode) spec.path("process");
        process.put("terminal", false).putArray("args").add("/bin/sh").add("-c").add(script);
        ((ObjectNode) spec.path("root")).put("path", "rootfs");
        Files.write(bundle.resolve("config.json"), JSON.writeValueAsBytes(spec));
    }

    /** The root as the snapshotter called native gives it. */
    private CreateTaskRequest.Builder create(String id) {
        return CreateTaskRequest.newBuilder()
                .setId(id)
                .setBundle(bundle.toString())
                .addRootfs(
                        Mount.newBuilder()
                                .setType("bind")
                                .setSource(bundle + "/rootfs")
                                .addOptions("rbind")
                                .addOptions("rw"));
    }

    private static void assertRefused(Fault refusal, FaultCode code, String... words) {
        assertThat(refusal.code()).as(refusal.toString()).isEqualTo(code);
        assertThat(refusal.getMessage()).contains(words);
        // The hint stands in parentheses: containerd and its clients show one line.
        assertThat(refusal.getMessage()).matches("[^\n]+ \\([^\n]+\\)");
    }

    private void delete(String id) {
        ShimClient.Launcher.of(containerd).run(bundle, id, "delete").expectSuccess();
    }

    @Test
    void aBundleWithoutASpecificationIsNotFound() throws IOException {
        try (ShimClient shim = ShimClient.Launcher.of(containerd).start(bundle, "no-spec")) {
            assertRefused(
                    shim.refusal(TASK.create(), create("no-spec").build()),
                    FaultCode.NOT_FOUND,
                    bundle.toString(),
                    "config.json");
        }
        delete("no-spec");
    }

    @Test
    void aSpecificationThatIsNoneIsInvalid() throws IOException {
        Files.writeString(bundle.resolve("config.json"), "{\"process\": [");
        try (ShimClient shim = ShimClient.Launcher.of(containerd).start(bundle, "bad-spec")) {
            assertRefused(
                    shim.refusal(TASK.create(), create("bad-spec").build()),
                    FaultCode.INVALID_ARGUMENT,
                    bundle + "/config.json");
        }
        delete("bad-spec");
    }

    @Test
    void optionsOfAnUnknownTypeAreInvalid() throws IOException {
        writeSpec("true");
        Any unknown =
                Any.newBuilder()
                        .setTypeUrl("example.test/Options")
                        .setValue(ByteString.copyFromUtf8("abc"))
                        .build();
        try (ShimClient shim = ShimClient.Launcher.of(containerd).start(bundle, "options")) {
            assertRefused(
                    shim.refusal(TASK.create(), create("options").setOptions(unknown).build()),
                    FaultCode.INVALID_ARGUMENT,
                    "example.test/Options");
        }
        delete("options");
    }

    /** An id becomes a part of paths. */
    @Test
    void anIdThatIsAPathIsInvalid() throws IOException {
        writeSpec("true");
        try (ShimClient shim = ShimClient.Launcher.of(containerd).start(bundle, "an-id")) {
            for (String id : List.of("a/b", "../a", "..", "")) {
                assertRefused(
                        shim.refusal(TASK.create(), create(id).build()),
                        FaultCode.INVALID_ARGUMENT,
                        "id");
            }
        }
        delete("an-id");
    }

    @Test
    void aTaskThatNobodyCreatedIsNotFound() throws IOException {
        try (ShimClient shim = ShimClient.Launcher.of(containerd).start(bundle, "nobody")) {
            assertThat(
                            List.of(
                                    shim.refusal(
                                            TASK.state(),
                                            StateRequest.newBuilder().setId("nobody").build()),
                                    shim.refusal(
                                            TASK.start(),
                                            StartRequest.newBuilder().setId("nobody").build()),
                                    shim.refusal(
                                            TASK.kill(),
                                            KillRequest.newBuilder()
                                                    .setId("nobody")
                                                    .setSignal(9)
                                                    .build())))
                    .allSatisfy(fault -> assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND))
                    .allSatisfy(fault -> assertThat(fault.getMessage()).contains("nobody"));
        }
        delete("nobody");
    }

    /** runc's shim opens the other side, too, and loses what is written; ours says so. */
    @Test
    void aPipeThatNobodyOpensIsToldInBoundedTime() throws IOException {
        writeSpec("echo unheard");
        Path out = root.resolve("out");
        CommandRun.of("mkfifo", out.toString()).run(TestNode.patience()).expectSuccess();
        CreateTaskRequest request = create("pipe").setStdout(out.toString()).build();
        try (ShimClient shim = ShimClient.Launcher.of(containerd).start(bundle, "pipe")) {
            assertRefused(
                    shim.refusal(TASK.create(), request),
                    FaultCode.DEADLINE_EXCEEDED,
                    out.toString());
            assertThat(stateOf(shim, "pipe").code()).isEqualTo(FaultCode.NOT_FOUND);
        } finally {
            delete("pipe");
        }
    }

    private static Fault stateOf(ShimClient shim, String id) throws IOException {
        return shim.refusal(TASK.state(), StateRequest.newBuilder().setId(id).build());
    }

    @Test
    void anIdIsTakenUntilItsTaskIsDeleted() throws IOException {
        writeSpec("echo heard; exit 3");
        Path out = root.resolve("out");
        CreateTaskRequest request = create("taken").setStdout("file://" + out).build();
        try (ShimClient shim = ShimClient.Launcher.of(containerd).start(bundle, "taken")) {
            assertThat(shim.call(TASK.create(), request).getPid()).isPositive();
            StateRequest state = StateRequest.newBuilder().setId("taken").build();
            assertThat(shim.call(TASK.state(), state).getStatus()).isEqualTo(Status.CREATED);
            assertRefused(shim.refusal(TASK.create(), request), FaultCode.ALREADY_EXISTS, "taken");

            shim.call(TASK.start(), StartRequest.newBuilder().setId("taken").build());
            WaitRequest wait = WaitRequest.newBuilder().setId("taken").build();
            assertThat(shim.call(TASK.waitFor(), wait).getExitStatus()).isEqualTo(3);
            assertThat(shim.call(TASK.state(), state).getStatus()).isEqualTo(Status.STOPPED);
            DeleteRequest delete = DeleteRequest.newBuilder().setId("taken").build();
            assertThat(shim.call(TASK.delete(), delete).getExitStatus()).isEqualTo(3);
            assertThat(stateOf(shim, "taken").code()).isEqualTo(FaultCode.NOT_FOUND);
            assertThat(out).hasContent("heard\n");
        } finally {
            delete("taken");
        }
    }

    /** A daemon of its own, whose guest has everything but a kernel. */
    @Test
    void aMissingKernelIsTold() throws IOException {
        writeSpec("true");
        try (TestRoot state = TestRoot.create()) {
            Path guest = Files.createDirectory(root.resolve("guest"));
            try (DirectoryStream<Path> files =
                    Files.newDirectoryStream(SourceTree.root().resolve("target/guest"))) {
                for (Path file : files) {
                    if (!file.getFileName().toString().startsWith("vmlinu")) {
                        Files.createSymbolicLink(guest.resolve(file.getFileName()), file);
                    }
                }
            }
            Path programs = Files.createDirectory(root.resolve("bin"));
            Path daemon = programs.resolve("bunkaid");
            Files.writeString(
                    daemon,
                    "#!/bin/sh\nexec " + SourceTree.bunkaid() + " \"$@\" --guest " + guest + "\n");
            daemon.toFile().setExecutable(true);
            Map<String, String> environment =
                    Map.of(
                            "BUNKAI_ROOT",
                            state.path().toString(),
                            "BUNKAI_HOME",
                            programs.toString());
            ShimClient.Launcher launcher =
                    new ShimClient.Launcher(containerd, "default", environment);
            try {
                assertThat(refusalOf(launcher))
                        .contains(guest + "/vmlinux")
                        .containsPattern("hint:|\\(.+\\)$");
            } finally {
                CommandRun.of(SourceTree.bunkai().toString(), "daemon", "stop")
                        .environment("BUNKAI_ROOT", state.path().toString())
                        .run(TestNode.patience());
            }
        }
    }

    /** A daemon may refuse to start without a kernel, or only refuse to boot a machine. */
    private String refusalOf(ShimClient.Launcher launcher) throws IOException {
        CommandResult start = launcher.run(bundle, "no-kernel", "start");
        if (start.exitCode() != 0) {
            return start.err();
        }
        try (ShimClient shim = launcher.start(bundle, "no-kernel")) {
            Fault refusal = shim.refusal(TASK.create(), create("no-kernel").build());
            assertThat(refusal.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
            return String.valueOf(refusal.getMessage());
        } finally {
            launcher.run(bundle, "no-kernel", "delete");
        }
    }
}
