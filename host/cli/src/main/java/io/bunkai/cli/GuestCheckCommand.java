// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ProtocolVersion;
import io.bunkai.assets.Expectations;
import io.bunkai.assets.Finding;
import io.bunkai.assets.GuestCheck;
import io.bunkai.assets.GuestReport;
import io.bunkai.assets.KernelFeature;
import io.bunkai.base.Fault;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JsonGenerator;

@Command(
        name = "check",
        description = {
            "Say whether a kernel and a guest image fit each other and this version.",
            "Reads the files and nothing else: nothing is mounted, no daemon is asked.",
            "Status 0 if nothing is the matter (what is not known is told), 1 if something is."
        })
final class GuestCheckCommand implements Callable<Integer> {
    private final Bunkai root;

    @Parameters(index = "0", paramLabel = "KERNEL", description = "What machines are to boot.")
    private Path kernel = Path.of("");

    @Parameters(
            index = "1",
            paramLabel = "IMAGE",
            description = "The guest's disk image; its manifest is IMAGE.json.")
    private Path image = Path.of("");

    @Option(
            names = "--with",
            paramLabel = "FEATURE",
            description =
                    "Something more that the kernel has to have, as virtio-fs; may be repeated.")
    private List<String> more = new ArrayList<>();

    @Mixin private FormatOption format = new FormatOption();

    GuestCheckCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        Expectations expected = Expectations.ofThisMachine(ProtocolVersion.AGENT).with(features());
        GuestReport report =
                GuestCheck.check(
                        root.resolve(kernel),
                        root.resolve(image),
                        expected,
                        GuestCheck.Depth.THOROUGH);
        PrintStream out = root.surroundings().out();
        if (format.isJson()) {
            Json.print(out, json -> write(json, report));
        } else {
            print(out, report);
        }
        out.flush();
        return (report.mismatches().isEmpty() ? ExitCode.OK : ExitCode.FAILED).number();
    }

    private Set<KernelFeature> features() {
        EnumSet<KernelFeature> features = EnumSet.noneOf(KernelFeature.class);
        for (String name : more) {
            features.add(
                    KernelFeature.of(name)
                            .orElseThrow(() ->
                                    Fault.invalidArgument("no feature is named '%s'", name)
                                            .withHint("name one of: %s", allFeatures())));
        }
        return features;
    }

    private static String allFeatures() {
        return Arrays.stream(KernelFeature.values())
                .map(KernelFeature::label)
                .collect(Collectors.joining(", "));
    }

    private static void print(PrintStream out, GuestReport report) {
        for (Finding finding : report.findings()) {
            out.printf(
                    "%-8s  %s: %s%n          %s%n",
                    kind(finding),
                    finding.subject(),
                    Texts.printable(finding.text()),
                    Texts.printable(finding.remedy()));
        }
        int bad = report.mismatches().size();
        int unknown = report.unknowns().size();
        out.println(
                (bad == 0 ? "fits" : "does not fit: " + bad + (bad == 1 ? " reason" : " reasons"))
                        + (unknown == 0 ? "" : "; " + unknown + " not known"));
    }

    private static void write(JsonGenerator json, GuestReport report) {
        json.writeStartObject();
        json.writeStringProperty("kernel", report.kernel().toString());
        json.writeStringProperty("image", report.image().toString());
        json.writeBooleanProperty("fits", report.mismatches().isEmpty());
        json.writeArrayPropertyStart("findings");
        for (Finding finding : report.findings()) {
            json.writeStartObject();
            json.writeStringProperty("kind", kind(finding));
            json.writeStringProperty("subject", finding.subject());
            json.writeStringProperty("text", finding.text());
            json.writeStringProperty("remedy", finding.remedy());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static String kind(Finding finding) {
        return finding.kind().name().toLowerCase(Locale.ROOT);
    }
}
