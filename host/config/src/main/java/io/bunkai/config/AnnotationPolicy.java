// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Applies a pod's {@code io.katacontainers.config.*} and {@code io.bunkai.limits.*} annotations to
 * the node's configuration.
 *
 * <p>Who writes a pod is not trusted by who owns the node. So annotations of all classes need a
 * pattern in {@code enable_annotations} that matches their whole name; a path has to be canonical
 * and to match the globs of its {@code valid_*} key, after links have been followed as well as
 * before; sizes cannot exceed the node's; and what could run code of the pod's choice on the host
 * is refused whatever the configuration says. Stateless and safe for any thread.
 */
public final class AnnotationPolicy {
    private static final int LONGEST_NAME = 317; // of a Kubernetes annotation: prefix, slash, name
    private static final int LONGEST_SHOWN_NAME = 120;
    private static final int LONGEST_VALUE = 256 * 1024; // of all Kubernetes annotations together

    /** Arguments of a file server that change nothing but its speed. */
    private static final List<Pattern> HARMLESS_SERVER_ARGUMENTS =
            List.of(
                    Pattern.compile("--thread-pool-size=[0-9]{1,3}"),
                    Pattern.compile("--(no-)?announce-submounts"),
                    Pattern.compile("--no-readdirplus"),
                    Pattern.compile("--log-level=(error|warn|info|debug|trace|off)"));

    private final KeyCatalogue catalogue = KeyCatalogue.standard();

    /**
     * {@return the configuration for one pod; its warnings are those of the annotations alone}
     *
     * @param loaded the node's configuration
     * @param annotations the pod's annotations; those that are not about the configuration are left
     *     alone
     * @throws Fault PERMISSION_DENIED if an annotation is not enabled or never allowed,
     *     INVALID_ARGUMENT if it is unknown or its value cannot be read, OUT_OF_RANGE if it asks
     *     for more than the node has, UNIMPLEMENTED if it is about security and not honoured here
     */
    public LoadedConfiguration apply(LoadedConfiguration loaded, Map<String, String> annotations) {
        Application application = new Application(loaded);
        new TreeMap<>(annotations)
                .forEach((name, value) -> {
                    if (AnnotationNames.isConfiguration(name)) {
                        application.add(name, value);
                    }
                });
        return application.finish();
    }

    /** The annotations of one pod on their way into one configuration. */
    private final class Application {
        private final LoadedConfiguration loaded;
        private final Settings settings;
        private final List<Pattern> enabled;
        private final List<ConfigurationWarning> warnings = new ArrayList<>();

        Application(LoadedConfiguration loaded) {
            this.loaded = loaded;
            this.settings = loaded.settings();
            this.enabled =
                    loaded.configuration().annotations().enabled().stream()
                            .map(Pattern::compile)
                            .toList();
        }

        void add(String annotation, String value) {
            AnnotationNames.Name name = nameOf(annotation);
            Optional<ConfigurationKey> key = AnnotationNames.keyOf(catalogue, name);
            if (key.flatMap(ConfigurationKey::annotation)
                    .filter(AnnotationRule::never)
                    .isPresent()) {
                throw refused(annotation, "it is never taken from a pod")
                        .withHint("set %s in the node's configuration", key.orElseThrow().label());
            }
            if (key.isEmpty() && !name.isHash()) {
                throw unknown(annotation, name);
            }
            requireEnabled(annotation, name);
            if (name.isHash()) {
                throw Fault.unimplemented(
                                "the annotation %s was refused: Bunkai does not compare hashes of"
                                        + " kernels, images and binaries yet",
                                annotation)
                        .withHint("remove the annotation, if the pod may run without");
            }
            set(annotation, key.orElseThrow(), value);
        }

        private AnnotationNames.Name nameOf(String annotation) {
            if (annotation.length() > LONGEST_NAME) {
                throw Fault.invalidArgument(
                                "the annotation %s... was refused: its name is %s characters long",
                                TomlText.of(annotation.substring(0, LONGEST_SHOWN_NAME)),
                                annotation.length())
                        .withHint("remove the annotation");
            }
            if (!annotation.matches("[A-Za-z0-9._/-]+")) {
                // Names are printed and logged: quoted, a line break in one cannot forge a line.
                throw Fault.invalidArgument(
                                "the annotation %s was refused: its name has characters that no"
                                        + " annotation has",
                                TomlText.of(annotation))
                        .withHint("correct the name, or remove it");
            }
            if (annotation.equals("io.katacontainers.config_path")) {
                throw refused(annotation, "a pod never chooses the node's configuration file")
                        .withHint("name the file in containerd's runtime options");
            }
            return AnnotationNames.parse(annotation)
                    .orElseThrow(() ->
                            Fault.invalidArgument(
                                            "the annotation %s was refused: it belongs to"
                                                    + " none of the classes hypervisor,"
                                                    + " agent and runtime",
                                            annotation)
                                    .withHint("correct the name, or remove it"));
        }

        private Fault unknown(String annotation, AnnotationNames.Name name) {
            List<String> known =
                    AnnotationNames.all(catalogue).stream()
                            .filter(other -> other.kind() == name.kind())
                            .map(AnnotationNames.Name::suffix)
                            .toList();
            String near =
                    NearestName.of(name.suffix(), known)
                            .map(other -> "write " + name.kind().word() + "." + other + ", or ")
                            .orElse("");
            return Fault.invalidArgument(
                            "the annotation %s was refused: there is no such annotation",
                            annotation)
                    .withHint("%sremove it", near);
        }

        private void requireEnabled(String annotation, AnnotationNames.Name name) {
            if (enabled.stream().noneMatch(name::isMatchedBy)) {
                String where =
                        loaded.files().isEmpty()
                                ? "of the node's configuration"
                                : "in " + loaded.files().getFirst();
                throw refused(annotation, "the node does not enable it")
                        .withHint(
                                "add \"%s\" to enable_annotations in [hypervisor.qemu] %s, if"
                                        + " whoever writes pods may set it",
                                name.pattern(), where);
            }
        }

        private void set(String annotation, ConfigurationKey key, String text) {
            if (text.length() > LONGEST_VALUE) {
                throw Fault.invalidArgument(
                                "the annotation %s was refused: its value has %s characters",
                                annotation, text.length())
                        .withHint("shorten it");
            }
            Object value;
            try {
                value = ValueReader.fromAnnotation(key, text);
            } catch (BadValue e) {
                throw Fault.invalidArgument(
                                "the annotation %s was refused: it %s", annotation, e.what())
                        .withHint("%s", e.hint());
            }
            value = confined(annotation, key, value);
            Settings.Setting setting =
                    new Settings.Setting(key, value, new Origin.Annotation(annotation));
            List<Problem> refusals = new ArrayList<>();
            Treatments.apply(setting, warnings, refusals);
            if (!refusals.isEmpty()) {
                throw Fault.unimplemented(
                                "the annotation was refused: %s", refusals.getFirst().what())
                        .withHint("%s", refusals.getFirst().hint());
            }
            settings.put(setting);
        }

        /** What the node limits a pod may limit further; no limit at all is written as 0. */
        private void requireWithinLimit(String annotation, ConfigurationKey key, long value) {
            boolean isRate = key.name().equals("bw") || key.name().equals("ops");
            String rate = key.name().startsWith("ops") ? "ops" : "bw";
            if (limit(rate) == 0) {
                return;
            }
            long most = limit(key.name());
            if (value > most || (isRate && value == 0)) {
                throw Fault.of(
                                FaultCode.OUT_OF_RANGE,
                                "the annotation %s was refused: the node allows %d (%s)",
                                annotation,
                                most,
                                key.unit())
                        .withHint("write %d or less, or remove it", most);
            }
        }

        private long limit(String name) {
            return (Long)
                    loaded.settings().effective(catalogue, "bunkai.limits." + name).orElseThrow();
        }

        /** {@return the value, as far as a pod may choose it} */
        private Object confined(String annotation, ConfigurationKey key, Object value) {
            Optional<String> validPaths = key.annotation().flatMap(AnnotationRule::validPaths);
            if (validPaths.isPresent()) {
                return validPath(annotation, (String) value, validPaths.get());
            }
            switch (key.name()) {
                case "bw", "burst", "ops", "ops_burst" ->
                        requireWithinLimit(annotation, key, (Long) value);
                case "weight" ->
                        requireAtMost(
                                annotation,
                                ((Long) value).doubleValue(),
                                (double) limit("weight"),
                                "of weight");
                case "virtio_fs_extra_args" -> requireHarmless(annotation, (List<?>) value);
                case "default_vcpus", "default_maxvcpus" -> {
                    int most = loaded.host().processors();
                    requireAtMost(annotation, ((Number) value).doubleValue(), most, "processors");
                }
                case "default_memory" -> {
                    ByteSize most = loaded.configuration().sizing().maximumMemory();
                    double mib = most.bytes() / (double) ByteSize.ofMib(1).bytes();
                    requireAtMost(annotation, ((Number) value).doubleValue(), mib, "MiB");
                }
                case "kernel_params" -> {
                    return mergedKernelParameters(annotation, (String) value);
                }
                default -> {}
            }
            return value;
        }

        private String mergedKernelParameters(String annotation, String text) {
            List<String> changes =
                    KernelParameters.split(text)
                            .orElseThrow(() ->
                                    Fault.invalidArgument(
                                                    "the annotation %s was refused: a"
                                                            + " quote is not closed",
                                                    annotation)
                                            .withHint("close the quote"));
            List<String> base = loaded.configuration().boot().kernelParameters();
            return String.join(" ", KernelParameters.merge(base, changes));
        }

        private void requireHarmless(String annotation, List<?> arguments) {
            for (Object argument : arguments) {
                boolean harmless =
                        HARMLESS_SERVER_ARGUMENTS.stream()
                                .anyMatch(form -> form.matcher((String) argument).matches());
                if (!harmless) {
                    throw refused(
                                    annotation,
                                    "the argument "
                                            + TomlText.shortened(argument)
                                            + " is not among those that a pod may set")
                            .withHint("set it in the node's configuration");
                }
            }
        }

        private void requireAtMost(String annotation, double wanted, double most, String unit) {
            if (wanted > most) {
                throw Fault.of(
                                FaultCode.OUT_OF_RANGE,
                                "the annotation %s was refused: it asks for %s %s, and the node"
                                        + " allows %s",
                                annotation,
                                TomlText.of(wanted),
                                unit,
                                TomlText.of(Math.floor(most)))
                        .withHint("ask for less");
            }
        }

        /**
         * Follows links before it compares, and hands on the path that was compared. A glob without
         * wildcards names one path that the administrator knows, so that one may be a link.
         */
        private String validPath(String annotation, String path, String validPaths) {
            List<GlobPattern> globs =
                    ((List<?>) settings.effective(catalogue, validPaths).orElse(List.of()))
                            .stream().map(glob -> GlobPattern.of((String) glob)).toList();
            if (globs.stream().noneMatch(glob -> glob.matches(path)) || !isCanonical(path)) {
                throw refused(
                                annotation,
                                "the node does not allow the path " + TomlText.shortened(path))
                        .withHint(
                                "add it to %s, if whoever writes pods may choose it",
                                catalogue.get(validPaths).label());
            }
            if (path.isEmpty()
                    || globs.stream().anyMatch(glob -> glob.isLiteral() && glob.matches(path))) {
                return path;
            }
            String real;
            try {
                real = Path.of(path).toRealPath().toString();
            } catch (IOException e) {
                throw Fault.invalidArgument(
                                "the annotation %s was refused: the path %s cannot be followed",
                                annotation, TomlText.shortened(path))
                        .causedBy(e)
                        .withHint("name a file of the node");
            }
            if (globs.stream().noneMatch(glob -> glob.matches(real))) {
                throw refused(
                                annotation,
                                "the path "
                                        + TomlText.shortened(path)
                                        + " is a link that leads to where the node allows nothing")
                        .withHint("name a path that is no link");
            }
            return real;
        }

        private static boolean isCanonical(String path) {
            return path.isEmpty() || Path.of(path).normalize().toString().equals(path);
        }

        LoadedConfiguration finish() {
            chosenBeforeGiven("hypervisor.qemu.initrd", "hypervisor.qemu.image");
            chosenBeforeGiven("hypervisor.qemu.image", "hypervisor.qemu.initrd");
            List<Problem> problems = new ArrayList<>();
            ConfigurationChecks.check(catalogue, settings, new ArrayList<>(), problems);
            if (!problems.isEmpty()) {
                throw Fault.invalidArgument(
                                "the pod's annotations were refused: %s", problems.getFirst())
                        .withHint("%s", problems.getFirst().hint());
            }
            Configuration configuration =
                    new ConfigurationAssembly(catalogue, settings, loaded.defaults(), loaded.host())
                            .assemble();
            return new LoadedConfiguration(
                    configuration,
                    warnings,
                    loaded.files(),
                    settings,
                    loaded.defaults(),
                    loaded.host());
        }

        /** A root file system that a pod was allowed to choose takes the place of the node's. */
        private void chosenBeforeGiven(String chosen, String given) {
            boolean isChosen =
                    settings.find(chosen)
                            .filter(setting -> setting.origin() instanceof Origin.Annotation)
                            .isPresent();
            boolean isGiven =
                    settings.find(given)
                            .filter(setting -> setting.origin() instanceof Origin.InFile)
                            .isPresent();
            if (isChosen && isGiven) {
                settings.remove(given);
            }
        }

        private static Fault refused(String annotation, String why) {
            return Fault.of(
                    FaultCode.PERMISSION_DENIED,
                    "the annotation %s was refused: %s",
                    annotation,
                    why);
        }
    }
}
