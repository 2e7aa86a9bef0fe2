// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.vmm.LaunchCommand;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

class JournalTest {
    private static final String ID = "0123456789abcdef";

    private final FakeNode node = new FakeNode();
    private final Path directory = node.folder().resolve("journal");
    private final Journal journal = new Journal(directory);

    @AfterEach
    void end() {
        node.close();
    }

    private ContainerRecord record() {
        ContainerRequest request =
                new FakeNode.Wish()
                        .name("web")
                        .arguments("serve", "--port", "80")
                        .environment("SECRET=s3cret")
                        .memory(64L << 20)
                        .nanoCpus(1_500_000_000)
                        .terminal(24, 80)
                        .entrypoint("init")
                        .annotations(Map.of("io.bunkai.note", "x"))
                        .request();
        Plan plan = node.planner("").plan(request, ID, "web").plan();
        return ContainerRecord.created(Terms.of(request), plan, 1_700_000_000_123L);
    }

    private ContainerRecord readBack() {
        return journal.readAll().getFirst();
    }

    @Test
    void whatWasWrittenIsReadInEveryPhase() {
        ContainerRecord record = record();
        journal.write(record);
        assertThat(readBack()).isEqualTo(record);
        record = record.inPhase(ContainerRecord.Phase.STARTING);
        journal.write(record);
        assertThat(readBack()).isEqualTo(record);
        record = record.withVmm(new ProcessIdentity(4711, 123_456_789L)).running(1);
        journal.write(record);
        assertThat(readBack()).isEqualTo(record);
        record =
                record.withExecs(List.of(exec("exec-1"), exec("exec-2")))
                        .withDelivered(Map.of(OutputLog.Stream.STDOUT, 65536L));
        journal.write(record);
        assertThat(readBack()).isEqualTo(record);
        record = record.ending(new ProcessExit(137, true, "why"), 2);
        journal.write(record);
        assertThat(readBack()).isEqualTo(record);
        assertThat(readBack().exit()).isEqualTo(Optional.of(new ProcessExit(137, true, "why")));
    }

    private static ExecRecord exec(String id) {
        return new ExecRecord(
                id,
                ExecRecord.Stage.ENDED,
                Optional.empty(),
                true,
                false,
                Map.of("stdout", "/fifo"),
                Map.of(OutputLog.Stream.STDERR, 5L),
                Optional.of(ProcessExit.ended(3, false)),
                1_700_000_001_500L);
    }

    @Test
    void itsFormIsFixed() throws IOException {
        journal.write(
                record().withVmm(new ProcessIdentity(4711, 99))
                        .running(1_700_000_001_000L)
                        .withExecs(List.of(exec("exec-1")))
                        .withDelivered(Map.of(OutputLog.Stream.STDOUT, 7L))
                        .ending(ProcessExit.ended(7, false), 1_700_000_002_000L));
        String json =
                PlanJson.MAPPER
                        .readTree(Files.readAllBytes(directory.resolve(ID).resolve("journal.json")))
                        .toPrettyString()
                        .replace(node.folder().toString(), "ROOT");
        String golden =
                new String(
                        JournalTest.class.getResourceAsStream("journal.json").readAllBytes(),
                        StandardCharsets.UTF_8);
        assertThat(json).isEqualTo(golden.strip());
    }

    @Test
    void aFileServerOfADaemonThatKnewNoWeightsHasTheUsualOne() {
        Plan.Sharing sharing =
                PlanJson.MAPPER.readValue(
                        "{\"shares\": [], \"server\": [\"program\"]}", Plan.Sharing.class);
        assertThat(sharing)
                .isEqualTo(new Plan.Sharing(List.of(), List.of("program"), Optional.empty()));
    }

    @Test
    void whatADaemonLaunchedThatKnewNoEnvironmentHasNone() {
        LaunchCommand launch =
                PlanJson.MAPPER.readValue(
                        "{\"arguments\": [\"qemu\"], \"directory\": \"/run\", \"inherited\": []}",
                        LaunchCommand.class);
        assertThat(launch)
                .isEqualTo(
                        new LaunchCommand(List.of("qemu"), List.of(), Path.of("/run"), List.of()));
    }

    @Test
    void onlyItsOwnerReadsIt() throws IOException {
        journal.write(record());
        Path file = directory.resolve(ID).resolve("journal.json");
        assertThat(permissions(file)).isEqualTo("rw-------");
        assertThat(permissions(file.getParent())).isEqualTo("rwx------");
        assertThat(permissions(directory)).isEqualTo("rwx------");
    }

    private static String permissions(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    @Test
    void aWriteThatFailsLeavesTheFormerRecord() throws IOException {
        ContainerRecord former = record();
        journal.write(former);
        Files.createDirectory(directory.resolve(ID).resolve("journal.json.new"));
        Fault fault =
                catchThrowableOfType(
                        Fault.class,
                        () -> journal.write(former.inPhase(ContainerRecord.Phase.STARTING)));
        assertThat(fault.code()).isEqualTo(FaultCode.RESOURCE_EXHAUSTED);
        assertThat(readBack()).isEqualTo(former);
    }

    @Test
    void anInterruptedThreadWritesAllTheSame() {
        ContainerRecord record = record();
        Thread.currentThread().interrupt();
        try {
            journal.write(record);
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
        } finally {
            Thread.interrupted();
        }
        assertThat(readBack()).isEqualTo(record);
    }

    @Test
    void aDirectoryWithoutARecordGoes() throws IOException {
        Path home = Files.createDirectory(directory.resolve(ID));
        Files.writeString(home.resolve("journal.json.new"), "half");
        assertThat(journal.readAll()).isEmpty();
        assertThat(home).doesNotExist();
    }

    @Test
    void aFileAmongTheDirectoriesIsLeftAlone() throws IOException {
        Path stray = Files.writeString(directory.resolve("notes"), "x");
        journal.write(record());
        assertThat(journal.readAll()).hasSize(1);
        assertThat(stray).exists();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "{}",
                "[]",
                "{\"version\":1",
                "{\"version\":1,\"id\":\"0123456789abcdef\",\"execs\":[]}"
            })
    void whatCannotBeUnderstoodIsRefusedAndKept(String content) throws IOException {
        Path home = Files.createDirectory(directory.resolve(ID));
        Path file = Files.writeString(home.resolve("journal.json"), content);
        Fault fault = catchThrowableOfType(Fault.class, journal::readAll);
        assertThat(fault.code()).isEqualTo(FaultCode.DATA_LOSS);
        assertThat(fault).hasMessageContaining(home.toString());
        assertThat(fault.hint()).isPresent();
        assertThat(file).exists();
    }

    @Test
    void theReasonDoesNotQuoteWhatWasNotUnderstood() throws IOException {
        journal.write(record());
        Path file = directory.resolve(ID).resolve("journal.json");
        String broken = Files.readString(file).replace("\"SECRET=s3cret\"", "{\"a\": s3cret}");
        Files.writeString(file, broken);
        Fault fault = catchThrowableOfType(Fault.class, journal::readAll);
        for (Throwable each = fault; each != null; each = each.getCause()) {
            assertThat(each.getMessage()).doesNotContain("s3cret");
        }
    }

    @Test
    void theRecordOfAnotherContainerIsRefused() throws IOException {
        journal.write(record());
        Files.move(directory.resolve(ID), directory.resolve("fedcba9876543210"));
        assertThat(catchThrowableOfType(Fault.class, journal::readAll).code())
                .isEqualTo(FaultCode.DATA_LOSS);
    }

    @Test
    void anotherVersionIsRefused() throws IOException {
        journal.write(record());
        Path file = directory.resolve(ID).resolve("journal.json");
        Files.writeString(file, Files.readString(file).replace("\"version\":5", "\"version\":6"));
        Fault fault = catchThrowableOfType(Fault.class, journal::readAll);
        assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(fault).hasMessageContaining("version 6");
    }

    @Test
    void aRecordOfTheDaemonBeforeThisOneIsRead() throws IOException {
        ContainerRecord record = record().withVmm(new ProcessIdentity(4711, 99)).running(1);
        journal.write(record);
        Path file = directory.resolve(ID).resolve("journal.json");
        ObjectNode former = (ObjectNode) PlanJson.MAPPER.readTree(Files.readAllBytes(file));
        ObjectNode plan = (ObjectNode) former.get("plan");
        former.put("version", 4);
        plan.remove("devices");
        ((ObjectNode) plan.get("machine")).remove("diskLimits");
        plan.get("machine").get("disks").forEach(disk -> ((ObjectNode) disk).remove("kind"));
        Files.write(file, PlanJson.MAPPER.writeValueAsBytes(former));

        assertThat(readBack()).isEqualTo(record);

        former.put("version", 3).remove("server");
        ((ObjectNode) plan.get("machine")).remove("fileSystem");
        ((ObjectNode) plan.get("host")).remove("sharing");
        ((ObjectNode) plan.get("guest")).remove("storages");
        Files.write(file, PlanJson.MAPPER.writeValueAsBytes(former));

        assertThat(readBack()).isEqualTo(record);
    }

    @Test
    void theMachinesFilesGoAndTheRecordStays() throws IOException {
        journal.write(record());
        Files.writeString(directory.resolve(ID).resolve("agent.sock"), "");
        journal.deleteMachineFiles(ID);
        journal.deleteMachineFiles(ID);
        assertThat(readBack().id()).isEqualTo(ID);
        assertThat(directory.resolve(ID).resolve("agent.sock")).doesNotExist();
        journal.forget(ID);
        journal.forget(ID);
        assertThat(directory).isEmptyDirectory();
        journal.deleteMachineFiles(ID);
    }
}
