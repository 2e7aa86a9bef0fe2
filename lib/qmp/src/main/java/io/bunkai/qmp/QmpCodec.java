// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import io.bunkai.qmp.QmpMessage.Event;
import io.bunkai.qmp.QmpMessage.Failure;
import io.bunkai.qmp.QmpMessage.Greeting;
import io.bunkai.qmp.QmpMessage.Return;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The protocol's lines to records and back. The only place that knows JSON. Without state, usable
 * from any thread.
 *
 * @spec https://www.qemu.org/docs/master/interop/qmp-spec.html QMP
 */
final class QmpCodec {
    private static final int DEEPEST = 64;
    private static final int LONGEST_NUMBER = 64;
    private static final long NANOS_PER_MICRO = 1000;
    private static final long LAST_MICRO = 999_999;

    /** The year 9999, which every clock and formatter can take. */
    private static final long LAST_SECOND = 253_402_300_799L;

    private static final JsonMapper JSON =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(DEEPEST)
                                                    .maxNumberLength(LONGEST_NUMBER)
                                                    .build())
                                    .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .build();

    private QmpCodec() {}

    /** {@return the command as one line, its end included} */
    static byte[] encode(QmpCommand<?> command, long id) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("execute", command.name());
        if (!command.arguments().isEmpty()) {
            line.put("arguments", sorted(command.arguments()));
        }
        line.put("id", id);
        byte[] json = JSON.writeValueAsBytes(line);
        byte[] bytes = new byte[json.length + 1];
        System.arraycopy(json, 0, bytes, 0, json.length);
        bytes[json.length] = '\n';
        return bytes;
    }

    /** Maps within arguments may have any order; on the wire they have one. */
    private static Object sorted(Object value) {
        return switch (value) {
            case Map<?, ?> map -> {
                var all = new TreeMap<String, Object>();
                map.forEach((name, member) -> all.put((String) name, sorted(member)));
                yield all;
            }
            case List<?> list -> list.stream().map(QmpCodec::sorted).toList();
            default -> value;
        };
    }

    /**
     * {@return what a line says}
     *
     * @param line without its end
     * @throws QmpProtocolException if it is no message of the protocol
     */
    static QmpMessage decode(byte[] line) throws QmpProtocolException {
        QmpValue message = parse(line);
        if (message.has("event")) {
            return new Event(event(message));
        }
        if (message.has("return")) {
            return new Return(message.number("id"), message.member("return"));
        }
        if (message.has("error")) {
            QmpValue error = message.member("error");
            if (!message.has("id")) {
                throw new QmpProtocolException(
                        "the peer did not understand a request: " + error.text("desc"));
            }
            return new Failure(message.number("id"), error.text("class"), error.text("desc"));
        }
        if (message.has("QMP")) {
            return new Greeting(QmpVersion.read(message.member("QMP").member("version")));
        }
        throw new QmpProtocolException("a line that is neither answer nor event");
    }

    private static QmpValue parse(byte[] line) throws QmpProtocolException {
        try {
            JsonNode node = JSON.readTree(line);
            if (node == null || !node.isObject()) {
                throw new QmpProtocolException("a line that is no JSON object");
            }
            return QmpValue.of(node, "message");
        } catch (JacksonException e) {
            throw new QmpProtocolException("a line that is no JSON", e);
        }
    }

    private static QmpEvent event(QmpValue message) throws QmpProtocolException {
        Instant at = instant(message.member("timestamp"));
        String name = message.text("event");
        QmpValue data =
                message.has("data")
                        ? message.member("data")
                        : QmpValue.of(JSON.createObjectNode(), "message.data");
        return switch (name) {
            case "SHUTDOWN" -> new QmpEvent.Shutdown(at, data.bool("guest"), data.text("reason"));
            case "RESET" -> new QmpEvent.Reset(at, data.bool("guest"), data.text("reason"));
            case "STOP" -> new QmpEvent.Stopped(at);
            case "RESUME" -> new QmpEvent.Resumed(at);
            case "GUEST_PANICKED" -> new QmpEvent.GuestPanicked(at, data.text("action"));
            case "DEVICE_DELETED" ->
                    new QmpEvent.DeviceDeleted(at, data.optionalText("device"), data.text("path"));
            case "VSERPORT_CHANGE" ->
                    new QmpEvent.VserportChange(at, data.text("id"), data.bool("open"));
            default -> new QmpEvent.Other(at, name, data);
        };
    }

    /** QEMU sends -1 for both numbers if it could not read the clock. */
    private static Instant instant(QmpValue timestamp) throws QmpProtocolException {
        long seconds = Math.clamp(timestamp.number("seconds"), 0L, LAST_SECOND);
        long micros = Math.clamp(timestamp.number("microseconds"), 0, LAST_MICRO);
        return Instant.ofEpochSecond(seconds, micros * NANOS_PER_MICRO);
    }
}
