// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real QEMU, with a machine of type "none": it has no processor, so nothing boots. */
@Timeout(60)
class QmpQemuTest {
    @TempDir Path directory;
    private Process process;
    private QmpClient client;
    private final BlockingQueue<QmpEvent> events = new LinkedBlockingQueue<>();

    @BeforeEach
    void start() throws Exception {
        process =
                new ProcessBuilder(
                                "qemu-system-x86_64",
                                "-M",
                                "none",
                                "-S",
                                "-nodefaults",
                                "-no-user-config",
                                "-display",
                                "none",
                                "-chardev",
                                "stdio,id=qmp",
                                "-mon",
                                "chardev=qmp,mode=control")
                        .directory(directory.toFile())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        client =
                QmpClient.over(
                        process.getInputStream(),
                        process.getOutputStream(),
                        process::destroyForcibly,
                        "qemu",
                        new QmpListener() {
                            @Override
                            public void onEvent(QmpEvent event) {
                                events.add(event);
                            }

                            @Override
                            public void onClosed(IOException cause) {}
                        },
                        soon());
    }

    @AfterEach
    void end() throws Exception {
        client.close();
        assertThat(process.waitFor()).isNotNegative();
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(30));
    }

    @Test
    void tellsWhatItIs() throws IOException {
        QmpVersion version = client.execute(new QueryVersion(), soon());
        assertThat(version).isEqualTo(client.version());
        assertThat(version.isAtLeast(7, 2)).as("%s", version).isTrue();
        assertThat(client.execute(new QueryStatus(), soon())).isEqualTo(RunState.PRELAUNCH);
        assertThat(client.execute(new QueryKvm(), soon()).enabled()).isFalse();
        assertThat(client.execute(new QueryCpusFast(), soon())).isEmpty();
    }

    @Test
    void hasEveryCommandAndEventThatThisModuleKnows() throws IOException {
        QmpSchema schema = client.execute(new QuerySchema(), soon());
        List<QmpCommand<?>> commands =
                List.of(
                        new QmpCapabilities(),
                        new QueryVersion(),
                        new QueryStatus(),
                        new Cont(),
                        new Stop(),
                        new Quit(),
                        new SystemPowerdown(),
                        new QueryCpusFast(),
                        new QueryKvm(),
                        new DeviceAdd("d", "i", Map.of()),
                        new DeviceDel("i"),
                        new ObjectAdd("t", "i", Map.of()),
                        new ObjectDel("i"),
                        new BlockdevAdd("raw", "n", Map.of()),
                        new BlockdevDel("n"),
                        new ChardevAdd("i", "p"),
                        new ChardevRemove("i"),
                        new QueryChardev(),
                        new QomGet("p", "q"),
                        new QomSet("p", "q", 1),
                        new QuerySchema(),
                        new MigrateSetCapabilities(new TreeMap<>()),
                        new Migrate("u"),
                        new MigrateIncoming("u"),
                        new QueryMigrate());
        for (QmpCommand<?> command : commands) {
            assertThat(schema.hasCommand(command.name())).as(command.name()).isTrue();
            command.arguments()
                    .keySet()
                    .forEach(argument ->
                            assertThat(schema.hasArgument(command.name(), argument))
                                    .as("%s %s", command.name(), argument)
                                    .isTrue());
        }
        for (String event :
                List.of(
                        "SHUTDOWN",
                        "RESET",
                        "STOP",
                        "RESUME",
                        "GUEST_PANICKED",
                        "DEVICE_DELETED",
                        "VSERPORT_CHANGE")) {
            assertThat(schema.hasEvent(event)).as(event).isTrue();
        }
        assertThat(schema.hasCommand("no-such-command")).isFalse();
    }

    @Test
    void objectsNodesAndCharacterDevicesComeAndGo() throws IOException {
        client.execute(
                new ObjectAdd("rng-random", "rng0", Map.of("filename", "/dev/urandom")), soon());
        assertThat(client.execute(new QomGet("/objects/rng0", "filename"), soon()).text())
                .isEqualTo("/dev/urandom");
        client.execute(new ObjectDel("rng0"), soon());
        assertThatThrownBy(() -> client.execute(new ObjectDel("rng0"), soon()))
                .isInstanceOf(QmpException.class);

        Path image = Files.write(directory.resolve("image"), new byte[4096]);
        client.execute(
                new BlockdevAdd(
                        "raw",
                        "node0",
                        Map.of(
                                "read-only",
                                true,
                                "file",
                                Map.of("driver", "file", "filename", image.toString()))),
                soon());
        client.execute(new BlockdevDel("node0"), soon());

        client.execute(new ChardevAdd("extra", "extra.sock"), soon());
        assertThat(directory.resolve("extra.sock")).exists();
        assertThat(client.execute(new QueryChardev(), soon()))
                .extracting(QueryChardev.Chardev::id)
                .contains("extra", "qmp");
        client.execute(new ChardevRemove("extra"), soon());
        assertThat(client.execute(new QueryChardev(), soon()))
                .extracting(QueryChardev.Chardev::id)
                .doesNotContain("extra");
    }

    @Test
    void refusalsCarryItsWords() {
        assertThatThrownBy(() ->
                        client.execute(new DeviceAdd("no-such-device", "d", Map.of()), soon()))
                .isInstanceOf(QmpException.class)
                .hasMessageContaining("'no-such-device' is not a valid device model name");
    }

    @Test
    void quitAnnouncesTheEnd() throws Exception {
        client.execute(new Quit(), soon());
        assertThat(events.take())
                .isInstanceOfSatisfying(
                        QmpEvent.Shutdown.class,
                        shutdown -> {
                            assertThat(shutdown.reason()).isEqualTo("host-qmp-quit");
                            assertThat(shutdown.guest()).isFalse();
                        });
    }
}
