// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Signals through the JVM. The platform has no other way to them: sun.misc.Signal is kept in
 * jdk.unsupported for that reason, and a handler of our own in C would run beside the JVM's. It is
 * reached by reflection because javac's warning about it cannot be suppressed, and warnings are
 * errors here.
 *
 * <p>SIGQUIT stays the JVM's, which answers with a dump of its threads on standard error; SIGUSR2
 * is free if the launcher has moved the JVM's own use of it to another signal.
 */
final class JvmSignals implements SignalPort {
    private final Class<?> signalType;
    private final Class<?> handlerType;
    private final Method handle;
    private final Method number;

    JvmSignals() {
        try {
            signalType = Class.forName("sun.misc.Signal");
            handlerType = Class.forName("sun.misc.SignalHandler");
            handle = signalType.getMethod("handle", signalType, handlerType);
            number = signalType.getMethod("getNumber");
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this JVM has no sun.misc.Signal", e);
        }
    }

    @Override
    public Registration deliver(List<String> names, IntConsumer receiver) {
        Object handler =
                Proxy.newProxyInstance(
                        JvmSignals.class.getClassLoader(),
                        new Class<?>[] {handlerType},
                        (proxy, method, arguments) ->
                                invoked(proxy, method.getName(), arguments, receiver));
        Map<Object, @Nullable Object> before = new LinkedHashMap<>();
        for (String name : names) {
            try {
                Object signal = signalType.getConstructor(String.class).newInstance(name);
                before.put(signal, handle.invoke(null, signal, handler));
            } catch (InvocationTargetException e) {
                // IllegalArgumentException: the JVM needs this one for itself
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException("sun.misc.Signal has changed", e);
            }
        }
        return () -> before.forEach(this::restore);
    }

    @SuppressWarnings("ReferenceEquality") // a proxy is equal to itself alone
    private @Nullable Object invoked(
            Object proxy, String method, Object @Nullable [] arguments, IntConsumer receiver)
            throws ReflectiveOperationException {
        if (arguments == null) {
            return method.equals("hashCode") ? System.identityHashCode(proxy) : "signal handler";
        }
        if (method.equals("equals")) {
            return proxy == arguments[0];
        }
        receiver.accept((int) number.invoke(arguments[0]));
        return null;
    }

    private void restore(Object signal, @Nullable Object handler) {
        try {
            handle.invoke(null, signal, handler);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("a signal could not be given back", e);
        }
    }
}
