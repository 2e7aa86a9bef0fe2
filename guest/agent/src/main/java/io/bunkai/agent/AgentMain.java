// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.api.GuestChannel;
import io.bunkai.linux.Children;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Machine;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The first process of the guest.
 *
 * <p>The main thread reads the port and hands every call to a thread of its own; another thread
 * reaps; a third follows memory events once there is a container. When nothing happens, all of them
 * sleep in the kernel.
 */
public final class AgentMain {
    private static final String VERSION = "0.1.0";
    private static final String PORT = "agent.channel.0";

    /** Set by the init script: the machine's uptime, in seconds, when it ran the Java runtime. */
    private static final String EXEC_UPTIME = "BUNKAI_EXEC_UPTIME";

    private static final int STACK_BYTES = 512 * 1024;
    private static final long IDLE_SECONDS = 20;

    private AgentMain() {}

    /**
     * Serves until the machine ends.
     *
     * @param arguments none; or {@code --train}, to go once through what happens in a guest,
     *     without being the first process of one, and exit; or {@code --version}
     */
    public static void main(String[] arguments) {
        String mode = arguments.length == 0 ? "" : arguments[0];
        switch (mode) {
            case "" -> run();
            case "--train" -> System.exit(Training.run(VERSION) ? 0 : 1);
            case "--version" -> System.out.println("bunkai-agent " + VERSION);
            default -> {
                System.err.println("usage: bunkai-agent [--train | --version]");
                System.exit(2);
            }
        }
    }

    private static void run() {
        boolean isInit = ProcessHandle.current().pid() == 1;
        try {
            serve(isInit);
        } catch (IOException | InterruptedException | RuntimeException e) {
            Log.error("the agent cannot go on: " + e);
            if (isInit) {
                powerOff();
            }
            System.exit(1);
        }
    }

    /** The end of process 1 would be the kernel's panic. */
    private static void powerOff() {
        try {
            Machine.powerOff();
        } catch (ErrnoException e) {
            Log.error("the machine cannot be turned off: " + e.getMessage());
        }
    }

    private static void serve(boolean isInit) throws IOException, InterruptedException {
        long begin = Machine.bootMicros();
        GuestLayout layout = GuestLayout.standard();
        VirtioPort port = VirtioPort.open(PORT, layout.sys(), layout.dev());
        GuestChannel channel = port.channel();
        AgentOptions options =
                AgentOptions.read(layout.proc().resolve("cmdline"), layout.hotplugTimeout());
        Log.level(options.logLevel());
        if (!isInit) {
            Children.becomeSubreaper();
        }
        TtrpcServer server =
                server(
                        layout.withHotplugTimeout(options.hotplugTimeout()),
                        Reaper.ofThisProcess(),
                        Mounter.KERNEL,
                        VERSION);
        jvmStep(begin);
        Log.step("agent.start", "", begin);
        Log.info("ready version=" + VERSION);
        serve(channel, server, handlers());
    }

    /** The time that the Java runtime took, as far as the init script told when it began. */
    private static void jvmStep(long mainMicros) {
        @Nullable String uptime = System.getenv(EXEC_UPTIME);
        if (uptime == null) {
            return;
        }
        try {
            long execMicros = (long) (Double.parseDouble(uptime.strip()) * 1_000_000);
            Log.info("step name=jvm.start begin_us=" + execMicros + " end_us=" + mainMicros);
        } catch (NumberFormatException e) {
            Log.warning(EXEC_UPTIME + " is not a number: " + uptime);
        }
    }

    static TtrpcServer server(GuestLayout layout, Reaper reaper, Mounter mounter, String version)
            throws IOException {
        Sandbox sandbox = new Sandbox(layout, reaper, mounter);
        return new AgentService(
                        sandbox,
                        new GuestHardware(layout.sys()),
                        new NetworkFigures(layout.proc()),
                        version)
                .server();
    }

    /** Serves one host process after the other. */
    static void serve(GuestChannel channel, TtrpcServer server, Executor handlers)
            throws IOException, InterruptedException {
        while (true) {
            try (GuestChannel.Session session = channel.accept()) {
                Log.debug("session begins");
                server.serveOn(session.input(), session.output(), handlers);
            } catch (IOException e) {
                Log.warning("session ended: " + e.getMessage());
            }
        }
    }

    /** Threads with small stacks, kept for a while, since making one is not cheap in a guest. */
    static Executor handlers() {
        return new ThreadPoolExecutor(
                0,
                Integer.MAX_VALUE,
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                task -> {
                    Thread thread = new Thread(null, task, "call", STACK_BYTES);
                    thread.setDaemon(true);
                    return thread;
                });
    }
}
