// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A program of its own: a service whose listening socket and connections are kept by its manager.
 * Whoever is connected gets back each line with the number of the process that answers it.
 */
final class EchoService {
    private static final String LISTENER = "listener";
    private static final int LONGEST = 4096;

    private final ServiceManager manager;

    private EchoService(ServiceManager manager) {
        this.manager = manager;
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> environment = System.getenv();
        EchoService service = new EchoService(ServiceManager.find(environment).orElseThrow());
        Map<String, List<Fd>> kept = ServiceManager.inherited(environment);
        kept.forEach((name, fds) -> {
            if (!name.equals(LISTENER)) {
                fds.forEach(fd -> service.serve(name, fd));
            }
        });
        service.accept(
                kept.containsKey(LISTENER)
                        ? kept.get(LISTENER).getFirst()
                        : service.listen(args[0]));
    }

    private Fd listen(String path) throws ErrnoException {
        Fd listener = UnixSockets.listen(Path.of(path));
        manager.keep(LISTENER, listener);
        return listener;
    }

    private void accept(Fd listener) throws ErrnoException {
        manager.status("pid " + ProcessHandle.current().pid());
        manager.ready();
        while (true) {
            Fd connection = UnixSockets.accept(listener);
            String name = "connection " + connection.number();
            manager.keep(name, connection);
            serve(name, connection);
        }
    }

    private void serve(String name, Fd connection) {
        Thread.ofPlatform().name(name).start(() -> echo(name, connection));
    }

    private void echo(String name, Fd connection) {
        try (connection) {
            while (true) {
                byte[] line = UnixSockets.receive(connection, LONGEST).data();
                if (line.length == 0) {
                    manager.drop(name);
                    return;
                }
                String answer =
                        ProcessHandle.current().pid()
                                + " "
                                + new String(line, StandardCharsets.UTF_8);
                UnixSockets.send(connection, answer.getBytes(StandardCharsets.UTF_8), List.of());
            }
        } catch (ErrnoException e) {
            throw new UncheckedIOException(e);
        }
    }
}
