// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Builds one image file. */
@Command(
        name = "build",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Build the guest's root file system as one file, with its manifest FILE.json beside"
                    + " it.",
            "Needs root. The same inputs and SOURCE_DATE_EPOCH give the same bytes."
        })
final class BuildCommand implements Callable<Integer> {
    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "FILE",
            description = "The image; replaced in one step.")
    private Path output = Path.of("");

    @Option(
            names = {"-f", "--fs"},
            paramLabel = "erofs|ext4",
            converter = FileSystemName.class,
            description = "The file system (default: ${DEFAULT-VALUE}).")
    private ImageFormat.FileSystem fileSystem = ImageFormat.FileSystem.EROFS;

    @Option(
            names = "--layout",
            paramLabel = "plain|kata",
            converter = LayoutName.class,
            description =
                    "The bare file system, or Kata Containers' layout with a partition at 3 MiB and"
                            + " a DAX header (default: ${DEFAULT-VALUE}).")
    private ImageFormat.Layout layout = ImageFormat.Layout.PLAIN;

    @Option(
            names = "--compress",
            arity = "0..1",
            fallbackValue = "all",
            paramLabel = "none|large|all",
            converter = CompressionName.class,
            description =
                    "Which files are packed with LZ4 (erofs only): without a word all, without the"
                            + " option the large ones of a plain erofs, else none.")
    private @Nullable Compression compression;

    @Option(
            names = "--align",
            paramLabel = "MIB",
            description =
                    "What the size of a file in Kata's layout is a multiple of (default:"
                            + " ${DEFAULT-VALUE}); what is empty takes no room on the disk.")
    private int alignMib = ImageFormat.DEFAULT_ALIGN_MIB;

    @Option(
            names = "--agent-lib",
            paramLabel = "DIR",
            description = "Folder with the jars of the agent (default: this installation's).")
    private @Nullable Path agentJars;

    @Option(
            names = "--jdk",
            paramLabel = "DIR",
            description = "Home of the JDK whose runtime the guest gets (default: our own).")
    private @Nullable Path jdk;

    @Option(
            names = "--cache",
            paramLabel = "DIR",
            description =
                    "Folder that keeps packages and AOT caches (default: this installation's).")
    private @Nullable Path cache;

    @Option(
            names = "--kernel-package",
            paramLabel = "NAME",
            description = "Debian package that modules are taken of (default: ${DEFAULT-VALUE}).")
    private String kernelPackage = GuestImage.Request.DEFAULT_KERNEL_PACKAGE;

    @Option(names = "--quiet", description = "Print nothing but failures.")
    private boolean quiet;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    /** Used by picocli. */
    BuildCommand() {}

    @Override
    public Integer call() throws Exception {
        Interruptible.run(this::build);
        return ImageMain.OK;
    }

    private void build() throws IOException, InterruptedException {
        PrintWriter err = spec.commandLine().getErr();
        long start = System.nanoTime();
        GuestImage.Progress progress =
                what -> {
                    if (!quiet) {
                        double seconds =
                                Duration.ofNanos(System.nanoTime() - start).toMillis() / 1000.0;
                        err.printf("guest image: %s (%.1f s)%n", what, seconds);
                        err.flush();
                    }
                };
        Compression packed =
                compression == null
                        ? ImageFormat.defaultCompression(fileSystem, layout)
                        : compression;
        ImageFormat format = new ImageFormat(fileSystem, layout, packed, alignMib);
        GuestImage.Request request = request();
        ContentManifest.Image image = new GuestImage(request, progress).buildFile(format);
        progress.step(
                "done, %s in %s layout: %s, of which the file system is %s; sha256 %s"
                        .formatted(
                                fileSystem,
                                layout,
                                ByteSize.ofBytes(image.bytes()),
                                ByteSize.ofBytes(image.fileSystemBytes()),
                                image.sha256()));
    }

    private GuestImage.Request request() {
        Path place = output.toAbsolutePath().normalize();
        if (Files.isDirectory(place)) {
            throw Fault.invalidArgument("%s is a folder", place)
                    .withHint("name the file to write with --output");
        }
        return new GuestImage.Request(
                place,
                absolute(agentJars == null ? installed("agent-lib") : agentJars),
                absolute(jdk == null ? Path.of(System.getProperty("java.home", "/")) : jdk),
                absolute(cache == null ? installed("guest.cache") : cache),
                kernelPackage,
                ImageOptions.epochSeconds(System.getenv("SOURCE_DATE_EPOCH")));
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }

    /** {@return a folder beside the one of the programs} */
    private static Path installed(String name) {
        String programs = System.getProperty("bunkai.home", "");
        if (programs.isEmpty()) {
            throw Fault.invalidArgument("it is not known where %s is", name)
                    .withHint("name it with --agent-lib, --cache");
        }
        return Path.of(programs).resolveSibling(name);
    }

    /** {@return the constant with this name in lower case} */
    private static <E extends Enum<E>> E constant(E[] all, String text) {
        return Arrays.stream(all)
                .filter(one -> one.name().toLowerCase(Locale.ROOT).equals(text))
                .findFirst()
                .orElseThrow(() ->
                        new TypeConversionException(
                                "'%s' is none of %s"
                                        .formatted(
                                                text,
                                                Arrays.toString(all).toLowerCase(Locale.ROOT))));
    }

    /** The option's text is lower case. */
    static final class FileSystemName implements ITypeConverter<ImageFormat.FileSystem> {
        @Override
        public ImageFormat.FileSystem convert(String text) {
            return constant(ImageFormat.FileSystem.values(), text);
        }
    }

    /** The option's text is lower case. */
    static final class LayoutName implements ITypeConverter<ImageFormat.Layout> {
        @Override
        public ImageFormat.Layout convert(String text) {
            return constant(ImageFormat.Layout.values(), text);
        }
    }

    /** The option's text is lower case. */
    static final class CompressionName implements ITypeConverter<Compression> {
        @Override
        public Compression convert(String text) {
            return constant(Compression.values(), text);
        }
    }
}
