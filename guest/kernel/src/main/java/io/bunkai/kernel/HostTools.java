// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Runs programs with {@link ProcessBuilder}. A program never outlives the call that started it. */
final class HostTools implements ToolRunner {
    private static final long GRACE_SECONDS = 10;

    @Override
    public int run(
            Path directory,
            Map<String, String> environment,
            List<String> command,
            Consumer<String> output)
            throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
        // A variable of the caller's could change what is built, and nobody would see it.
        Map<String, String> own = builder.environment();
        own.keySet().retainAll(List.of("PATH", "HOME", "TMPDIR", "http_proxy", "https_proxy"));
        own.put("LC_ALL", "C");
        own.putAll(environment);
        Process process = builder.start();
        try {
            process.getOutputStream().close();
            Thread reader = Thread.ofVirtual().name("output").start(() -> readAll(process, output));
            int status = process.waitFor();
            reader.join();
            return status;
        } finally {
            end(process);
        }
    }

    private static void readAll(Process process, Consumer<String> output) {
        try (BufferedReader reader =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                output.accept(line);
            }
        } catch (IOException e) {
            // The program was ended from here; its status tells.
        }
    }

    /** Interrupted callers end the program: kindly first, since make removes what is half made. */
    private static void end(Process process) {
        if (!process.isAlive()) {
            return;
        }
        List<ProcessHandle> children = new ArrayList<>(process.descendants().toList());
        process.destroy();
        boolean interrupted = Thread.interrupted();
        try {
            if (!process.waitFor(GRACE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            interrupted = true;
            process.destroyForcibly();
        }
        children.forEach(ProcessHandle::destroyForcibly);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
