// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Mounts;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;

/**
 * The kernel of this machine as a peer: a file system mounted through {@code /dev/fuse}. A request
 * is what one read brings, a reply what one write takes.
 *
 * @spec https://man7.org/linux/man-pages/man4/fuse.4.html fuse(4)
 */
final class DeviceTransport implements AutoCloseable {
    /** What fits into one read of {@link Fd} with a header before it. */
    static final int MAX_WRITE = 32 * 1024;

    private static final int BUFFER = 64 * 1024;

    private final FuseServer server;
    private final Fd device;
    private final Path target;
    private final List<Thread> threads = new ArrayList<>();
    private final Set<Opcode> seen = new ConcurrentSkipListSet<>();

    private DeviceTransport(FuseServer server, Fd device, Path target) {
        this.server = server;
        this.device = device;
        this.target = target;
    }

    /** Mounts a file system, and serves it with that many threads. */
    static DeviceTransport mount(FileSystem files, Set<InitFlag> wanted, Path target, int threads)
            throws IOException {
        InitOptions options =
                new InitOptions(wanted, Set.of(), MAX_WRITE, MAX_WRITE, 1, 0, 0, 0, 0);
        Fd device = Fd.open(Path.of("/dev/fuse"), Fd.O_RDWR);
        DeviceTransport transport =
                new DeviceTransport(new FuseServer(files, options), device, target);
        try {
            String number = device.path().getFileName().toString();
            Mounts.mount(
                    "bunkai-fuse-test",
                    target,
                    "fuse",
                    Mounts.MS_NOSUID | Mounts.MS_NODEV,
                    "fd=" + number + ",rootmode=40000,user_id=0,group_id=0,default_permissions");
        } catch (ErrnoException e) {
            device.close();
            throw e;
        }
        for (int i = 0; i < threads; i++) {
            Thread thread =
                    Thread.ofPlatform().daemon().name("fuse-test-" + i).start(transport::serve);
            transport.threads.add(thread);
        }
        return transport;
    }

    FuseServer server() {
        return server;
    }

    /** {@return what the kernel has asked for so far} */
    Set<Opcode> seen() {
        return new TreeSet<>(seen);
    }

    private void serve() {
        byte[] request = new byte[BUFFER];
        byte[] reply = new byte[BUFFER];
        FuseExchange exchange = new FuseExchange((_, length) -> send(reply, length));
        while (true) {
            try {
                int length = device.read(request, 0, request.length);
                exchange.request().clear();
                exchange.request().add(MemorySegment.ofArray(request), 0, length);
                exchange.reply().clear();
                exchange.reply().add(MemorySegment.ofArray(reply), 0, reply.length);
                Opcode opcode = Opcode.of(request[4] & 0xff);
                if (opcode != null) {
                    seen.add(opcode);
                }
                server.serve(exchange);
            } catch (ErrnoException e) {
                if (e.errno() == Errno.ENODEV) {
                    return; // unmounted
                }
                if (e.errno() != Errno.ENOENT) { // a request that was taken back
                    throw new AssertionError(e);
                }
            }
        }
    }

    private void send(byte[] reply, int length) {
        if (length == 0) {
            return;
        }
        try {
            device.write(reply, 0, length);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ENOENT) { // the caller does not wait any more
                throw new AssertionError("the kernel does not take the reply", e);
            }
        }
    }

    /** Unmounts. Closing the device ends every call that still waits. */
    @Override
    public void close() throws IOException {
        Mounts.unmount(target, Mounts.MNT_DETACH);
        try (device) {
            for (Thread thread : threads) {
                thread.join(Duration.ofSeconds(10));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
