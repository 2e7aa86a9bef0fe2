// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** What has to hold between keys, whichever files they come from. */
final class ConfigurationChecks {
    private static final String QEMU = "hypervisor.qemu.";
    private static final String LIMITS = "bunkai.limits.";
    private static final String NAMESPACE_WEIGHTS = "namespace_weights";

    /** Options of {@code -machine} that other keys, or Bunkai itself, decide. */
    private static final List<String> OWN_MACHINE_OPTIONS =
            List.of("type", "accel", "memory-backend", "confidential-guest-support");

    private final KeyCatalogue catalogue;
    private final Settings settings;
    private final List<ConfigurationWarning> warnings;
    private final List<Problem> problems;

    private ConfigurationChecks(
            KeyCatalogue catalogue,
            Settings settings,
            List<ConfigurationWarning> warnings,
            List<Problem> problems) {
        this.catalogue = catalogue;
        this.settings = settings;
        this.warnings = warnings;
        this.problems = problems;
    }

    static void check(
            KeyCatalogue catalogue,
            Settings settings,
            List<ConfigurationWarning> warnings,
            List<Problem> problems) {
        ConfigurationChecks checks =
                new ConfigurationChecks(catalogue, settings, warnings, problems);
        checks.rootFileSystem();
        checks.kernelParameters();
        checks.optionLists();
        checks.hostDevices();
        checks.sectorSizes();
        checks.network();
        checks.numa();
        checks.templates();
        checks.limits();
        checks.enabledAnnotations();
    }

    private void rootFileSystem() {
        boolean image = isText(QEMU + "image");
        boolean initrd = isText(QEMU + "initrd");
        if (image && initrd) {
            problem(
                    QEMU + "initrd",
                    "image and initrd are both set, but a guest has one root file system",
                    "set one of them to \"\"");
        }
        boolean emptied = settings.find(QEMU + "image").isPresent() && !image;
        if (emptied && !initrd) {
            problem(
                    QEMU + "image",
                    "image and initrd are both empty, but a guest needs a root file system",
                    "set one of them, or remove the line to use the image that came with Bunkai");
        }
    }

    private void kernelParameters() {
        settings.ifSet(
                QEMU + "kernel_params",
                setting -> {
                    if (KernelParameters.split((String) setting.value()).isEmpty()) {
                        problem(
                                QEMU + "kernel_params",
                                "kernel_params has a quote that is not closed",
                                "close the quote");
                    }
                });
    }

    private void optionLists() {
        for (String name : List.of("machine_accelerators", "cpu_features", "seccomp_sandbox")) {
            settings.ifSet(
                    QEMU + name,
                    setting -> {
                        if (((String) setting.value()).chars().anyMatch(Character::isWhitespace)) {
                            problem(
                                    QEMU + name,
                                    name + " has a space in it, which QEMU would not understand",
                                    "write the options with commas between and no spaces");
                        }
                    });
        }
        settings.ifSet(
                QEMU + "machine_accelerators",
                setting -> {
                    for (String option : ((String) setting.value()).split(",", -1)) {
                        String name = option.split("=", 2)[0];
                        if (OWN_MACHINE_OPTIONS.contains(name)) {
                            problem(
                                    QEMU + "machine_accelerators",
                                    "machine_accelerators sets '"
                                            + name
                                            + "', which is decided elsewhere",
                                    "leave it out; for accel set accelerator in [bunkai]");
                        }
                    }
                });
    }

    private void hostDevices() {
        if (!says(QEMU + "hot_plug_vfio", "no-port") && !says(QEMU + "cold_plug_vfio", "no-port")) {
            problem(
                    QEMU + "hot_plug_vfio",
                    "hot_plug_vfio and cold_plug_vfio are both set, but exclude each other",
                    "set one of them to \"no-port\"");
        }
    }

    private void sectorSizes() {
        String path = QEMU + "block_device_logical_sector_size";
        long logical = (Long) settings.said(catalogue, path);
        long physical = (Long) settings.said(catalogue, QEMU + "block_device_physical_sector_size");
        if (physical > 0 && logical > physical) {
            problem(
                    path,
                    "the logical sector ("
                            + logical
                            + " bytes) is larger than the physical one ("
                            + physical
                            + " bytes)",
                    "make it as large or smaller");
        }
    }

    private void network() {
        if (says("runtime.disable_new_netns", true)
                && !says("runtime.internetworking_model", "none")) {
            problem(
                    "runtime.disable_new_netns",
                    "disable_new_netns needs internetworking_model = \"none\": a machine cannot be"
                            + " wired to a network that is not its own",
                    "set internetworking_model = \"none\", or remove disable_new_netns");
        }
    }

    private void numa() {
        if (says(QEMU + "enable_numa", true)
                && settings.effective(catalogue, "runtime.static_sandbox_resource_mgmt")
                        .filter(Boolean.FALSE::equals)
                        .isPresent()) {
            problem(
                    QEMU + "enable_numa",
                    "enable_numa needs static_sandbox_resource_mgmt = true: nodes cannot be"
                            + " resized",
                    "set static_sandbox_resource_mgmt = true, or remove enable_numa");
        }
    }

    private void templates() {
        boolean from = says(QEMU + "boot_from_template", true);
        boolean to = says(QEMU + "boot_to_be_template", true);
        if (from && to) {
            problem(
                    QEMU + "boot_from_template",
                    "boot_to_be_template and boot_from_template exclude each other",
                    "set one of them to false");
        }
        if ((from || to) && !isText(QEMU + "memory_path")) {
            problem(
                    QEMU + (from ? "boot_from_template" : "boot_to_be_template"),
                    "a template needs memory_path",
                    "set memory_path to the file of the template's memory");
        }
        if (from && !isText(QEMU + "device_state_path")) {
            problem(
                    QEMU + "boot_from_template",
                    "boot_from_template needs device_state_path",
                    "set device_state_path to the file of the template's device state");
        }
        boolean cache = !says("factory.vm_cache_number", 0L);
        if (cache && !says("runtime.hypervisor_name", "qemu")) {
            problem(
                    "factory.vm_cache_number",
                    "vm_cache_number works with QEMU only",
                    "set hypervisor_name = \"qemu\", or vm_cache_number = 0");
        }
    }

    private void limits() {
        requireRate("burst", "bw");
        requireRate("ops_burst", "ops");
        settings.ifSet(
                LIMITS + NAMESPACE_WEIGHTS,
                setting -> ((Map<?, ?>) setting.value()).forEach(this::requireWeight));
        warnOfBurstAlone("disk_rate_limiter_bw_one_time_burst", "disk_rate_limiter_bw_max_rate");
        warnOfBurstAlone("disk_rate_limiter_ops_one_time_burst", "disk_rate_limiter_ops_max_rate");
    }

    private void requireWeight(Object namespace, Object weight) {
        if (!(weight instanceof Long number)
                || number < 1
                || number > BudgetConfiguration.MOST_WEIGHT) {
            problem(
                    LIMITS + NAMESPACE_WEIGHTS,
                    "the weight of " + namespace + " is " + TomlText.of(weight),
                    "write a whole number from 1 to " + BudgetConfiguration.MOST_WEIGHT);
        }
    }

    /** Not a problem: Kata lets it pass. */
    private void warnOfBurstAlone(String burst, String rate) {
        settings.ifSet(
                QEMU + burst,
                setting -> {
                    if (!setting.value().equals(0L)
                            && settings.said(catalogue, QEMU + rate).equals(0L)) {
                        warnings.add(
                                new ConfigurationWarning(
                                        ConfigurationWarning.Kind.QUESTIONABLE,
                                        setting.key().path(),
                                        setting.origin(),
                                        burst
                                                + " has no effect: there is no limit that it could"
                                                + " go beyond; set "
                                                + rate
                                                + ", too"));
                    }
                });
    }

    private void requireRate(String burst, String rate) {
        if (isLimit(burst) && !isLimit(rate)) {
            problem(
                    LIMITS + burst,
                    burst + " is set, but there is no limit that it could go beyond",
                    "set " + rate + " in [bunkai.limits] too, or remove " + burst);
        }
    }

    private boolean isLimit(String name) {
        return settings.effective(catalogue, LIMITS + name)
                .filter(value -> !value.equals(0L))
                .isPresent();
    }

    /** In Kata a pattern that matches a part of a name is enough; here it would enable nothing. */
    private void enabledAnnotations() {
        settings.ifSet(
                QEMU + "enable_annotations",
                setting -> {
                    for (Object entry : (List<?>) setting.value()) {
                        Pattern pattern = Pattern.compile((String) entry);
                        boolean enables =
                                AnnotationNames.all(catalogue).stream()
                                        .anyMatch(name -> name.isMatchedBy(pattern));
                        if (!enables) {
                            warnings.add(
                                    new ConfigurationWarning(
                                            ConfigurationWarning.Kind.QUESTIONABLE,
                                            setting.key().path(),
                                            setting.origin(),
                                            "enable_annotations has "
                                                    + TomlText.of(entry)
                                                    + ", which enables nothing: it matches no"
                                                    + " annotation's whole name"));
                        }
                    }
                });
    }

    private boolean isText(String path) {
        return settings.find(path)
                .filter(setting -> setting.value() instanceof String text && !text.isEmpty())
                .isPresent();
    }

    private boolean says(String path, Object value) {
        return settings.said(catalogue, path).equals(value);
    }

    private void problem(String path, String what, String hint) {
        Origin origin =
                settings.find(path).map(Settings.Setting::origin).orElseGet(Origin::builtIn);
        problems.add(new Problem(origin, what, hint));
    }
}
