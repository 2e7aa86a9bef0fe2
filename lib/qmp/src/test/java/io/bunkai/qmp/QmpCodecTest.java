// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.qmp.QmpMessage.Event;
import io.bunkai.qmp.QmpMessage.Failure;
import io.bunkai.qmp.QmpMessage.Greeting;
import io.bunkai.qmp.QmpMessage.Return;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Every command and every event, as the line that stands for it. */
class QmpCodecTest {
    private static final Instant AT = Instant.ofEpochSecond(1795393041, 787_080_000);

    private static String line(QmpCommand<?> command) {
        return new String(QmpCodec.encode(command, 7), UTF_8);
    }

    private static QmpMessage decode(String line) throws QmpProtocolException {
        return QmpCodec.decode(line.getBytes(UTF_8));
    }

    private static QmpEvent event(String rest) throws QmpProtocolException {
        return ((Event)
                        decode(
                                "{\"timestamp\": {\"seconds\": 1795393041, \"microseconds\":"
                                        + " 787080}, "
                                        + rest
                                        + "}"))
                .event();
    }

    private static <R> R result(QmpCommand<R> command, String json) throws QmpProtocolException {
        return command.result(((Return) decode("{\"return\": " + json + ", \"id\": 1}")).value());
    }

    @Test
    void commandsWithoutArgumentsAreTheirNameAndAnId() {
        Map<QmpCommand<?>, String> names =
                Map.ofEntries(
                        Map.entry(new QmpCapabilities(), "qmp_capabilities"),
                        Map.entry(new QueryVersion(), "query-version"),
                        Map.entry(new QueryStatus(), "query-status"),
                        Map.entry(new Cont(), "cont"),
                        Map.entry(new Stop(), "stop"),
                        Map.entry(new Quit(), "quit"),
                        Map.entry(new SystemPowerdown(), "system_powerdown"),
                        Map.entry(new QueryCpusFast(), "query-cpus-fast"),
                        Map.entry(new QueryKvm(), "query-kvm"),
                        Map.entry(new QueryChardev(), "query-chardev"),
                        Map.entry(new QuerySchema(), "query-qmp-schema"));
        names.forEach((command, name) ->
                assertThat(line(command)).isEqualTo("{\"execute\":\"" + name + "\",\"id\":7}\n"));
    }

    @Test
    void devicesAreAddedWithTheirPropertiesInOrder() {
        assertThat(
                        line(
                                new DeviceAdd(
                                        "virtio-blk-pci",
                                        "disk1",
                                        Map.of("serial", "s1", "drive", "n1", "bus", "rp0"))))
                .isEqualTo(
                        "{\"execute\":\"device_add\",\"arguments\":{\"bus\":\"rp0\",\"drive\":\"n1\",\"driver\":\"virtio-blk-pci\",\"id\":\"disk1\",\"serial\":\"s1\"},\"id\":7}\n");
    }

    @Test
    void aPropertyCannotReplaceTheNameOfTheDevice() {
        assertThat(line(new DeviceAdd("d", "mine", Map.of("id", "other"))))
                .contains("\"id\":\"mine\"")
                .doesNotContain("other");
    }

    @Test
    void devicesAreDeletedByTheirId() {
        assertThat(line(new DeviceDel("disk1")))
                .isEqualTo(
                        "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"disk1\"},\"id\":7}\n");
    }

    @Test
    void objectsAreAddedAndDeleted() {
        assertThat(line(new ObjectAdd("rng-random", "rng", Map.of("filename", "/dev/urandom"))))
                .isEqualTo(
                        "{\"execute\":\"object-add\",\"arguments\":{\"filename\":\"/dev/urandom\","
                                + "\"id\":\"rng\",\"qom-type\":\"rng-random\"},\"id\":7}\n");
        assertThat(line(new ObjectDel("rng")))
                .isEqualTo(
                        "{\"execute\":\"object-del\",\"arguments\":{\"id\":\"rng\"},\"id\":7}\n");
    }

    @Test
    void blockNodesAreAddedWithTheNodesBeneathThem() {
        var file = Map.of("locking", "off", "driver", "file", "filename", "/img");
        assertThat(line(new BlockdevAdd("raw", "n1", Map.of("read-only", true, "file", file))))
                .isEqualTo(
                        "{\"execute\":\"blockdev-add\",\"arguments\":{\"driver\":\"raw\",\"file\":"
                                + "{\"driver\":\"file\",\"filename\":\"/img\",\"locking\":\"off\"},"
                                + "\"node-name\":\"n1\",\"read-only\":true},\"id\":7}\n");
        assertThat(line(new BlockdevDel("n1")))
                .isEqualTo(
                        "{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"n1\"},\"id\":7}\n");
    }

    @Test
    void characterDevicesAreAddedAndRemoved() {
        assertThat(line(new ChardevAdd("c1", "c1.sock")))
                .isEqualTo(
                        "{\"execute\":\"chardev-add\",\"arguments\":{\"backend\":{\"data\":{\"addr\":{\"data\":{\"path\":\"c1.sock\"},\"type\":\"unix\"},\"server\":true,\"wait\":false},\"type\":\"socket\"},\"id\":\"c1\"},\"id\":7}\n");
        assertThat(line(new ChardevRemove("c1")))
                .isEqualTo(
                        "{\"execute\":\"chardev-remove\",\"arguments\":{\"id\":\"c1\"},\"id\":7}\n");
    }

    @Test
    void machinesAreSentAwayAndReceived() throws QmpProtocolException {
        assertThat(line(new MigrateSetCapabilities(new TreeMap<>(Map.of("x-ignore-shared", true)))))
                .isEqualTo(
                        "{\"execute\":\"migrate-set-capabilities\",\"arguments\":{\"capabilities\":[{\"capability\":\"x-ignore-shared\",\"state\":true}]},\"id\":7}\n");
        assertThat(line(new Migrate("unix:/f")))
                .isEqualTo(
                        "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"unix:/f\"},\"id\":7}\n");
        assertThat(line(new MigrateIncoming("fd:9")))
                .isEqualTo(
                        "{\"execute\":\"migrate-incoming\",\"arguments\":{\"uri\":\"fd:9\"},\"id\":7}\n");
    }

    @Test
    void propertiesOfObjectsAreReadAndWritten() throws QmpProtocolException {
        assertThat(line(new QomGet("/machine", "type")))
                .isEqualTo(
                        "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/machine\",\"property\":\"type\"},\"id\":7}\n");
        assertThat(line(new QomSet("/m", "size", 5)))
                .isEqualTo(
                        "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"/m\",\"property\":\"size\",\"value\":5},\"id\":7}\n");
        assertThat(result(new QomGet("/machine", "type"), "\"pc\"").text()).isEqualTo("pc");
    }

    @Test
    void theGreetingTellsTheVersion() throws QmpProtocolException {
        assertThat(
                        decode(
                                "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2,"
                                        + " \"major\": 7}, \"package\": \"Debian 1:7.2\"},"
                                        + " \"capabilities\": [\"oob\"]}}"))
                .isEqualTo(new Greeting(new QmpVersion(7, 2, 22, "Debian 1:7.2")));
    }

    @Test
    void answersAreReadAsTheirCommandPromises() throws QmpProtocolException {
        assertThat(result(new Cont(), "{}")).isEqualTo(Done.DONE);
        assertThat(
                        result(
                                new QueryVersion(),
                                "{\"qemu\": {\"micro\": 0, \"minor\": 0, \"major\": 10},"
                                        + " \"package\": \"\"}"))
                .isEqualTo(new QmpVersion(10, 0, 0, ""));
        assertThat(
                        result(
                                new QueryStatus(),
                                "{\"status\": \"prelaunch\", \"singlestep\": false, \"running\":"
                                        + " false}"))
                .isEqualTo(RunState.PRELAUNCH);
        assertThat(result(new QueryKvm(), "{\"enabled\": false, \"present\": true}"))
                .isEqualTo(new QueryKvm.Kvm(true, false));
        assertThat(
                        result(
                                new QueryCpusFast(),
                                "[{\"thread-id\": 12236, \"props\": {\"core-id\": 0}, \"qom-path\":"
                                        + " \"/machine/unattached/device[0]\", \"cpu-index\": 0,"
                                        + " \"target\": \"x86_64\"}]"))
                .containsExactly(new QueryCpusFast.Cpu(0, 12236, "/machine/unattached/device[0]"));
        assertThat(
                        result(
                                new QueryChardev(),
                                "[{\"frontend-open\": true, \"filename\":"
                                        + " \"unix:q.sock,server=on\", \"label\": \"a\"}]"))
                .containsExactly(new QueryChardev.Chardev("a", "unix:q.sock,server=on", true));
    }

    @Test
    void aRunStateOfALaterQemuIsUnknown() throws QmpProtocolException {
        assertThat(result(new QueryStatus(), "{\"status\": \"levitating\"}"))
                .isEqualTo(RunState.UNKNOWN);
    }

    @Test
    void theSchemaTellsCommandsArgumentsAndEvents() throws QmpProtocolException {
        QmpSchema schema =
                result(
                        new QuerySchema(),
                        """
                        [{"name": "cont", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
                         {"name": "stop-at", "meta-type": "command", "arg-type": "12", "ret-type": "0"},
                         {"name": "STOP", "meta-type": "event", "arg-type": "0"},
                         {"name": "0", "meta-type": "object", "members": []},
                         {"name": "12", "meta-type": "object", "members": [{"name": "when", "type": "int"}]},
                         {"name": "int", "meta-type": "builtin", "json-type": "int"}]\
                        """);
        assertThat(schema.hasCommand("cont")).isTrue();
        assertThat(schema.hasCommand("STOP")).isFalse();
        assertThat(schema.hasEvent("STOP")).isTrue();
        assertThat(schema.hasArgument("stop-at", "when")).isTrue();
        assertThat(schema.hasArgument("stop-at", "where")).isFalse();
        assertThat(schema.hasArgument("no-such-command", "when")).isFalse();
    }

    @Test
    void failuresCarryThePeersWords() throws QmpProtocolException {
        assertThat(
                        decode(
                                "{\"id\": 3, \"error\": {\"class\": \"CommandNotFound\", "
                                        + "\"desc\": \"The command bogus has not been found\"}}"))
                .isEqualTo(
                        new Failure(3, "CommandNotFound", "The command bogus has not been found"));
    }

    @Test
    void eventsAreRead() throws QmpProtocolException {
        assertThat(
                        event(
                                "\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\":"
                                        + " \"guest-shutdown\"}"))
                .isEqualTo(new QmpEvent.Shutdown(AT, true, "guest-shutdown"));
        assertThat(
                        event(
                                "\"event\": \"RESET\", \"data\": {\"guest\": true, \"reason\":"
                                        + " \"guest-reset\"}"))
                .isEqualTo(new QmpEvent.Reset(AT, true, "guest-reset"));
        assertThat(event("\"event\": \"STOP\"")).isEqualTo(new QmpEvent.Stopped(AT));
        assertThat(event("\"event\": \"RESUME\"")).isEqualTo(new QmpEvent.Resumed(AT));
        assertThat(event("\"event\": \"GUEST_PANICKED\", \"data\": {\"action\": \"poweroff\"}"))
                .isEqualTo(new QmpEvent.GuestPanicked(AT, "poweroff"));
        assertThat(
                        event(
                                "\"event\": \"VSERPORT_CHANGE\", \"data\": {\"open\": true, \"id\":"
                                        + " \"agent\"}"))
                .isEqualTo(new QmpEvent.VserportChange(AT, "agent", true));
    }

    @Test
    void aDeletedDeviceIsToldFromThePartWithinIt() throws QmpProtocolException {
        assertThat(
                        event(
                                "\"event\": \"DEVICE_DELETED\", \"data\": {\"path\":"
                                        + " \"/machine/peripheral/disk1/virtio-backend\"}"))
                .isEqualTo(
                        new QmpEvent.DeviceDeleted(
                                AT, Optional.empty(), "/machine/peripheral/disk1/virtio-backend"));
        assertThat(
                        event(
                                "\"event\": \"DEVICE_DELETED\", \"data\": {\"device\": \"disk1\","
                                        + " \"path\": \"/machine/peripheral/disk1\"}"))
                .isEqualTo(
                        new QmpEvent.DeviceDeleted(
                                AT, Optional.of("disk1"), "/machine/peripheral/disk1"));
    }

    @Test
    void otherEventsKeepTheirNameAndData() throws QmpProtocolException {
        QmpEvent event = event("\"event\": \"RTC_CHANGE\", \"data\": {\"offset\": 78}");
        assertThat(event)
                .isInstanceOfSatisfying(
                        QmpEvent.Other.class,
                        other -> {
                            assertThat(other.name()).isEqualTo("RTC_CHANGE");
                            assertThat(other.data()).hasToString("{\"offset\":78}");
                        });
        assertThat(event("\"event\": \"NEW\""))
                .isInstanceOfSatisfying(
                        QmpEvent.Other.class, other -> assertThat(other.data()).hasToString("{}"));
    }

    @Test
    void aClockThatCouldNotBeReadIsNoError() throws QmpProtocolException {
        Event message =
                (Event)
                        decode(
                                "{\"timestamp\": {\"seconds\": -1, \"microseconds\": -1},"
                                        + " \"event\": \"STOP\"}");
        assertThat(message.event().at()).isEqualTo(Instant.EPOCH);
    }

    @Test
    void refusesWhatIsNoMessage() {
        List<String> lines =
                List.of(
                        "",
                        "x",
                        "[]",
                        "7",
                        "null",
                        "{}",
                        "{} {}",
                        "{\"return\": {}}",
                        "{\"return\": {}, \"id\": \"1\"}",
                        "{\"return\": {}, \"id\": 1e400}",
                        "{\"return\": {}, \"id\": 99999999999999999999}",
                        "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse"
                                + " error\"}}",
                        "{\"error\": {}, \"id\": 1}",
                        "{\"event\": \"STOP\"}",
                        "{\"event\": 5, \"timestamp\": {\"seconds\": 1, \"microseconds\": 1}}",
                        "{\"event\": \"SHUTDOWN\", \"timestamp\": {\"seconds\": 1,"
                                + " \"microseconds\": 1}}",
                        "{\"QMP\": {}}",
                        "{\"QMP\": {\"version\": {\"package\": \"\", \"qemu\": {\"major\":"
                                + " 3000000000, \"minor\": 0, \"micro\": 0}}}}",
                        "[".repeat(100_000),
                        "{\"return\":" + "[".repeat(100));
        for (String line : lines) {
            assertThatThrownBy(() -> decode(line))
                    .as("%.60s", line)
                    .isInstanceOf(QmpProtocolException.class);
        }
    }

    @Test
    void noDamageToALineCausesAnythingButARefusal() {
        byte[] good =
                ("{\"timestamp\": {\"seconds\": 1795393041, \"microseconds\": 787080}, \"event\":"
                     + " \"DEVICE_DELETED\", \"data\": {\"device\": \"disk1\", \"path\": \"/m\"}}")
                        .getBytes(UTF_8);
        long seed = 42;
        var random = new Random(seed);
        for (int round = 0; round < 20_000; round++) {
            byte[] bad = good.clone();
            for (int damage = random.nextInt(4); damage >= 0; damage--) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            }
            try {
                QmpCodec.decode(bad);
            } catch (QmpProtocolException e) {
                assertThat(e).hasMessageNotContaining("\n");
            }
        }
    }
}
