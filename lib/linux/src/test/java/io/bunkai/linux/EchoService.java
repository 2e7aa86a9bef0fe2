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
    private static final String CONNECTION = "connection ";

    private static final int LONGEST = 4096;

    private final ServiceManager manager;

    private EchoService(ServiceManager manager) {
        this.manager = manager;
    }

    /** Keeps as many descriptors of nothing as the second argument says, besides those it needs. */
    public static void main(String[] args) throws Exception {
        Map<String, String> environment = System.getenv();
        EchoService service = new EchoService(ServiceManager.find(environment).orElseThrow());
        Map<String, List<Fd>> kept = ServiceManager.inherited(environment);
        kept.forEach((name, fds) -> {
            if (name.startsWith(CONNECTION)) {
                fds.forEach(fd -> service.serve(name, fd));
            }
        });
        Fd listener;
        if (kept.containsKey(LISTENER)) {
            listener = kept.get(LISTENER).getFirst();
        } else {
            listener = service.listen(args[0]);
            service.fill(args.length > 1 ? Integer.parseInt(args[1]) : 0);
        }
        service.accept(listener, kept.size());
    }

    private Fd listen(String path) throws ErrnoException {
        Fd listener = UnixSockets.listen(Path.of(path));
        manager.keep(LISTENER, listener);
        return listener;
    }

    /** Their names are as long as they may be where there are many. */
    private void fill(int count) throws ErrnoException {
        for (int i = 0; i < count; i++) {
            try (Fd nothing = Fd.open(Path.of("/dev/null"), Fd.O_RDONLY)) {
                manager.keep("%024d".formatted(i), nothing);
            }
        }
    }

    private void accept(Fd listener, int kept) throws ErrnoException {
        manager.status("pid %d, %d names".formatted(ProcessHandle.current().pid(), kept));
        manager.ready();
        while (true) {
            Fd connection = UnixSockets.accept(listener);
            String name = CONNECTION + connection.number();
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
