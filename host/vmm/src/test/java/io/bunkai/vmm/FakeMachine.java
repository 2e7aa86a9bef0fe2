// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.Closer;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.ProcessIdentity;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A machine without a process: its sockets are real, its guest is a program of the test. What the
 * guest does to its machine are the methods here. Usable from any thread.
 */
public final class FakeMachine {
    private final VirtualMachineSpec spec;
    private final ProcessIdentity identity;
    private final FakeHypervisor.Guest guest;
    private final ServerSocketChannel agent;
    private final ServerSocketChannel console;
    private final CompletableFuture<VmExit> exit = new CompletableFuture<>();
    private final Deque<Runnable> calls = new ArrayDeque<>();
    private boolean calling;
    private VmStatus status = VmStatus.PREPARED;
    private DiskLimits diskLimits;
    private @Nullable FakeHold holder;
    private @Nullable Thread guestThread;
    private @Nullable SocketChannel consoleReader;
    private int powerButton;

    FakeMachine(VirtualMachineSpec spec, ProcessIdentity identity, FakeHypervisor.Guest guest)
            throws IOException {
        this.spec = spec;
        this.identity = identity;
        this.guest = guest;
        this.diskLimits = spec.diskLimits();
        Files.createDirectories(spec.directory());
        Files.setPosixFilePermissions(
                spec.directory(), PosixFilePermissions.fromString("rwx------"));
        try (var undo = new Closer()) {
            agent = undo.own(listen(spec.agentSocket()));
            console = undo.own(listen(spec.consoleSocket()));
            console.configureBlocking(false);
            undo.release();
        }
    }

    private static ServerSocketChannel listen(Path path) throws IOException {
        Files.deleteIfExists(path);
        var socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        socket.bind(UnixDomainSocketAddress.of(path));
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        return socket;
    }

    /** {@return what the machine was made from} */
    public VirtualMachineSpec spec() {
        return spec;
    }

    /** {@return the process that it would be} */
    public ProcessIdentity identity() {
        return identity;
    }

    /** {@return the next connection to the agent's port; waits for it} */
    public SocketChannel acceptAgent() throws IOException {
        return agent.accept();
    }

    /** Writes to whoever reads the console; lost if nobody does, as it is with a real one. */
    public synchronized void console(String text) throws IOException {
        if (consoleReader == null) {
            consoleReader = console.accept();
        }
        if (consoleReader != null) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                consoleReader.write(bytes);
            }
        }
    }

    /** {@return how often the power button was pressed} */
    public synchronized int powerButtonPresses() {
        return powerButton;
    }

    /** The guest opens or closes its side of the agent's port. */
    public void agentPort(boolean open) {
        publish(new VmEvent.AgentPortChanged(Instant.now(), open));
    }

    /** The guest switches itself off. */
    public void powerOff() {
        end(VmExit.Reason.GUEST_POWERED_OFF, new ExitStatus(0, 0));
    }

    /** The guest reboots, which ends the machine. */
    public void reboot() {
        end(VmExit.Reason.GUEST_REBOOTED, new ExitStatus(0, 0));
    }

    /** The guest's kernel panics. */
    public void panic() {
        publish(new VmEvent.GuestPanicked(Instant.now()));
        end(VmExit.Reason.GUEST_PANICKED, new ExitStatus(0, 0));
    }

    /** The process ends as if somebody had killed it, or it had crashed. */
    public void die(ExitStatus how) {
        end(VmExit.Reason.LOST, how);
    }

    void end(VmExit.Reason reason, ExitStatus how) {
        FakeHold told;
        Thread running;
        synchronized (this) {
            if (exit.isDone()) {
                return;
            }
            status = VmStatus.ENDED;
            told = holder;
            running = guestThread;
            try {
                agent.close();
                console.close();
                if (consoleReader != null) {
                    consoleReader.close();
                }
                Files.deleteIfExists(spec.agentSocket());
                Files.deleteIfExists(spec.consoleSocket());
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
            exit.complete(new VmExit(reason, how, Instant.now(), List.of()));
        }
        if (running != null && !running.equals(Thread.currentThread())) {
            running.interrupt();
        }
        if (told != null) {
            told.machineEnded(exit.join());
        }
    }

    synchronized VmStatus status() {
        return status;
    }

    CompletableFuture<VmExit> exit() {
        return exit;
    }

    /** {@return what its disks are limited to} */
    public synchronized DiskLimits diskLimits() {
        return diskLimits;
    }

    synchronized void limitDisks(DiskLimits limits) {
        diskLimits = limits;
    }

    synchronized boolean hold(@Nullable FakeHold next) {
        if (next != null && holder != null) {
            return false;
        }
        holder = next;
        return true;
    }

    synchronized void pressPowerButton() {
        powerButton++;
    }

    void resume() {
        synchronized (this) {
            if (status == VmStatus.RUNNING) {
                return;
            }
            status = VmStatus.RUNNING;
        }
        publish(new VmEvent.Resumed(Instant.now()));
        synchronized (this) {
            if (guestThread == null) {
                guestThread = Thread.ofVirtual().name("guest " + spec.id()).start(this::runGuest);
            }
        }
    }

    void pause() {
        synchronized (this) {
            if (status != VmStatus.RUNNING) {
                return;
            }
            status = VmStatus.PAUSED;
        }
        publish(new VmEvent.Paused(Instant.now()));
    }

    /** A guest whose program fails has panicked. */
    private void runGuest() {
        try {
            guest.run(this);
        } catch (Exception e) {
            panic();
        }
    }

    private void publish(VmEvent event) {
        Optional<FakeHold> told;
        synchronized (this) {
            told = Optional.ofNullable(holder);
        }
        told.ifPresent(hold -> hold.machineEvent(event));
    }

    /** Calls listeners one at a time and in order. */
    void call(List<Runnable> work) {
        synchronized (this) {
            calls.addAll(work);
            if (calling || calls.isEmpty()) {
                return;
            }
            calling = true;
        }
        Thread.ofVirtual().name("listeners " + spec.id()).start(this::callAll);
    }

    private void callAll() {
        while (true) {
            List<Runnable> batch = new ArrayList<>();
            synchronized (this) {
                batch.addAll(calls);
                calls.clear();
                calling = !batch.isEmpty();
            }
            if (batch.isEmpty()) {
                return;
            }
            batch.forEach(Runnable::run);
        }
    }
}
