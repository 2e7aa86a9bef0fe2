// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Lists kernels. */
@Command(name = "list", description = "List the kernels that are installed.")
final class ListCommand implements Callable<Integer> {
    private static final int DIGEST_DIGITS = 12;
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final KernelMain.Surroundings surroundings;

    @Mixin private InstallOptions installation = new InstallOptions();

    @Option(names = "--verify", description = "Compare every file with its digest.")
    private boolean verify;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "text or json (default: text).")
    private String format = "text";

    ListCommand(KernelMain.Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws IOException {
        if (!List.of("text", "json").contains(format)) {
            throw Fault.invalidArgument("there is no format '%s'", format).withHint("text or json");
        }
        List<InstalledKernels.Entry> entries = installation.kernels().list();
        List<String> damaged = new ArrayList<>();
        for (InstalledKernels.Entry entry : entries) {
            damage(entry).ifPresent(what -> damaged.add(entry.manifest().name() + ": " + what));
        }
        PrintWriter out = surroundings.out();
        if (format.equals("json")) {
            out.print(json(entries));
        } else {
            print(entries, out);
        }
        out.flush();
        if (!damaged.isEmpty()) {
            throw Fault.of(
                            FaultCode.DATA_LOSS,
                            "kernels are damaged: %s",
                            String.join(", ", damaged))
                    .withHint("install them again");
        }
        return KernelMain.OK;
    }

    private Optional<String> damage(InstalledKernels.Entry entry) throws IOException {
        if (!entry.damage().isEmpty()) {
            return Optional.of(entry.damage());
        }
        return verify
                ? InstalledKernels.changedFile(entry)
                        .map(file -> file + " is not what was installed")
                : Optional.empty();
    }

    private static void print(List<InstalledKernels.Entry> entries, PrintWriter out) {
        String row = "%-24s %-16s %-8s %-12s %9s  %s%n";
        out.printf(row, "NAME", "VARIANT", "ARCH", "DIGEST", "SIZE", "USE");
        for (InstalledKernels.Entry entry : entries) {
            KernelManifest kernel = entry.manifest();
            String variant = kernel.variant();
            out.printf(
                    row,
                    kernel.name(),
                    variant.isEmpty() ? "-" : variant.substring(1),
                    kernel.architecture(),
                    digest(kernel).substring(0, DIGEST_DIGITS),
                    ByteSize.ofBytes(size(kernel)).mibCeiling() + " MiB",
                    entry.isDefault() ? "default" : entry.inUse() ? "in use" : "-");
        }
    }

    private static String json(List<InstalledKernels.Entry> entries) {
        ArrayNode all = JSON.createArrayNode();
        for (InstalledKernels.Entry entry : entries) {
            KernelManifest kernel = entry.manifest();
            ObjectNode one = all.addObject();
            one.put("name", kernel.name());
            one.put("version", kernel.version());
            one.put("variant", kernel.variant());
            one.put("architecture", kernel.architecture());
            one.put("origin", kernel.origin());
            one.put("sha256", digest(kernel));
            one.put("bytes", size(kernel));
            one.put("directory", entry.directory().toString());
            one.put("default", entry.isDefault());
            one.put("inUse", entry.inUse());
            one.put("damage", entry.damage());
        }
        return JSON.writeValueAsString(all) + "\n";
    }

    private static String digest(KernelManifest kernel) {
        KernelManifest.Content file = kernel.files().get("vmlinux-" + kernel.name());
        return file == null ? "-".repeat(DIGEST_DIGITS) : file.sha256();
    }

    private static long size(KernelManifest kernel) {
        KernelManifest.Content file = kernel.files().get("vmlinux-" + kernel.name());
        return file == null ? 0 : file.bytes();
    }
}
