// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.MessageLite;
import io.bunkai.ttrpc.Method;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The constants against the services that the protocol files define. */
class MethodsTest {
    private static final Pattern RPC =
            Pattern.compile("rpc (\\w+)\\(([\\w.]+)\\) returns \\(([\\w.]+)\\)");

    @Test
    void everyMethodOfTheAgentIsThere() throws Exception {
        assertComplete(AgentMethods.class, "grpc", "AgentService", "kata/agent.proto");
    }

    @Test
    void everyMethodOfTheHealthServiceIsThere() throws Exception {
        assertComplete(HealthMethods.class, "grpc", "Health", "kata/health.proto");
    }

    @Test
    void everyMethodThatOurAgentAddsIsThere() throws Exception {
        assertComplete(
                GuestMethods.class, "bunkai.agent.v1", "Agent", "bunkai/agent/v1/agent.proto");
    }

    @Test
    void everyMethodOfTheDaemonIsThere() throws Exception {
        assertComplete(
                ControlMethods.class,
                "bunkai.control.v1",
                "Control",
                "bunkai/control/v1/control.proto");
    }

    @Test
    void theEventsServiceIsThere() throws Exception {
        assertComplete(
                EventsMethods.class,
                "containerd.services.events.ttrpc.v1",
                "Events",
                "containerd/events_service.proto");
    }

    @Test
    void everyMethodOfATaskIsThereUnderBothNames() throws Exception {
        assertThat(defined(TaskMethods.V2))
                .isEqualTo(specified("containerd.task.v2", "Task", "containerd/task_v2.proto"));
        assertThat(defined(TaskMethods.V3))
                .isEqualTo(specified("containerd.task.v3", "Task", "containerd/task_v3.proto"));
    }

    @Test
    void aTypeIsKnownWithAndWithoutAHost() {
        String options = TypeUrls.RUNTIME_OPTIONS;
        assertThat(TypeUrls.names("runtimeoptions.v1.Options", options)).isTrue();
        assertThat(TypeUrls.names("type.googleapis.com/runtimeoptions.v1.Options", options))
                .isTrue();
        assertThat(TypeUrls.names("xruntimeoptions.v1.Options", options)).isFalse();
        assertThat(TypeUrls.names("containerd.runc.v1.Options", options)).isFalse();
    }

    @Test
    void answersMadeOfManyPartsAreBounded() {
        assertThat(AgentMethods.STATS_CONTAINER.maxResponseBytes()).isEqualTo(256 << 10);
        assertThat(AgentMethods.START_CONTAINER.maxResponseBytes()).isZero();
        assertThat(AgentMethods.READ_STDOUT.maxResponseBytes()).isEqualTo(4 << 20);
        assertThat(HealthMethods.VERSION.maxResponseBytes()).isEqualTo(4 << 10);
        assertThat(GuestMethods.READ_OUTPUT.maxResponseBytes()).isEqualTo((64 << 10) + 64);
    }

    private static void assertComplete(
            Class<?> constants, String protoPackage, String service, String file) throws Exception {
        assertThat(constants.getField("SERVICE").get(null)).isEqualTo(protoPackage + "." + service);
        assertThat(defined(constants)).isEqualTo(specified(protoPackage, service, file));
    }

    private static Map<String, String> specified(String protoPackage, String service, String file)
            throws IOException {
        String text = Files.readString(Path.of("src/main/protobuf", file));
        int from = text.indexOf("service " + service + " {");
        Matcher rpc = RPC.matcher(text.substring(from, text.indexOf("\n}", from)));
        Map<String, String> methods = new TreeMap<>();
        while (rpc.find()) {
            String path = "/%s.%s/%s".formatted(protoPackage, service, rpc.group(1));
            methods.put(path, simple(rpc.group(2)) + " -> " + simple(rpc.group(3)));
        }
        assertThat(methods).isNotEmpty();
        return methods;
    }

    private static String simple(String name) {
        return name.substring(name.lastIndexOf('.') + 1);
    }

    private static Map<String, String> defined(TaskMethods service) throws Exception {
        Map<String, String> methods = new TreeMap<>();
        for (var accessor : TaskMethods.class.getMethods()) {
            if (accessor.getReturnType() == Method.class) {
                Method<?, ?> method = (Method<?, ?>) accessor.invoke(service);
                methods.put(method.path(), types(method, accessor.getGenericReturnType()));
            }
        }
        return methods;
    }

    private static Map<String, String> defined(Class<?> constants) throws Exception {
        Map<String, String> methods = new TreeMap<>();
        for (var field : constants.getFields()) {
            if (!Modifier.isStatic(field.getModifiers()) || field.getType() != Method.class) {
                continue;
            }
            Method<?, ?> method = (Method<?, ?>) field.get(null);
            methods.put(method.path(), types(method, field.getGenericType()));
        }
        return methods;
    }

    private static String types(Method<?, ?> method, Type declared) throws Exception {
        MessageLite request = method.request().get().parseFrom(new byte[0]);
        MessageLite response = method.response().get().parseFrom(new byte[0]);
        assertThat(((ParameterizedType) declared).getActualTypeArguments())
                .containsExactly(request.getClass(), response.getClass());
        return request.getClass().getSimpleName() + " -> " + response.getClass().getSimpleName();
    }
}
