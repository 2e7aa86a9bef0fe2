// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import io.bunkai.base.ByteSize;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Makes the records of a {@link Configuration} from settings that have passed all checks. */
final class ConfigurationAssembly {
    /** As many virtual processors as Kata gives a q35 machine at most. */
    private static final int MOST_PROCESSORS = 240;

    private static final String QEMU = "hypervisor.qemu.";
    private static final String AGENT = "agent.kata.";
    private static final String RUNTIME = "runtime.";
    private static final String BUNKAI = "bunkai.";
    private static final String DISKS = QEMU + "disk_rate_limiter_";
    private static final String LIMITS = "bunkai.limits.";

    private final KeyCatalogue catalogue;
    private final Settings settings;
    private final Defaults defaults;
    private final HostCapacity host;

    ConfigurationAssembly(
            KeyCatalogue catalogue, Settings settings, Defaults defaults, HostCapacity host) {
        this.catalogue = catalogue;
        this.settings = settings;
        this.defaults = defaults;
        this.host = host;
    }

    Configuration assemble() {
        return new Configuration(
                machine(),
                boot(),
                sizing(),
                sharing(),
                budgets(),
                agent(),
                runtime(),
                new Configuration.AnnotationConfiguration(strings(QEMU + "enable_annotations")));
    }

    private MachineConfiguration machine() {
        return new MachineConfiguration(
                path(QEMU + "path", defaults.hypervisor()),
                switch (text(BUNKAI + "accelerator")) {
                    case "kvm" -> MachineConfiguration.Accelerator.KVM;
                    case "tcg" -> MachineConfiguration.Accelerator.TCG;
                    default -> MachineConfiguration.Accelerator.AUTO;
                },
                text(QEMU + "machine_type"),
                options(QEMU + "machine_accelerators"),
                options(QEMU + "cpu_features"),
                seccompSandbox(),
                path(QEMU + "entropy_source", Path.of("/dev/urandom")),
                diskLimits(),
                flag(QEMU + "enable_debug"),
                logLevel(QEMU));
    }

    /**
     * Kata's default is no sandbox; nobody who copied that line meant to be less safe than here.
     */
    private Optional<String> seccompSandbox() {
        String said = text(QEMU + "seccomp_sandbox");
        String wanted =
                said.isEmpty()
                        ? (String)
                                catalogue.get(QEMU + "seccomp_sandbox").ownDefault().orElseThrow()
                        : said;
        return wanted.equals("off") ? Optional.empty() : Optional.of(wanted);
    }

    private BootConfiguration boot() {
        return new BootConfiguration(
                path(QEMU + "kernel", defaults.kernel()),
                root(),
                KernelParameters.split(text(QEMU + "kernel_params")).orElseThrow());
    }

    private BootConfiguration.Root root() {
        String initrd = text(QEMU + "initrd");
        if (!initrd.isEmpty()) {
            return new BootConfiguration.Root.InitialRamDisk(Path.of(initrd));
        }
        Optional<Object> image = settings.effective(catalogue, QEMU + "image");
        Optional<String> fileSystem =
                settings.effective(catalogue, QEMU + "rootfs_type").map(String.class::cast);
        return image.map(named ->
                        new BootConfiguration.Root.Image(
                                Path.of((String) named), fileSystem.orElse("ext4")))
                .orElseGet(() ->
                        new BootConfiguration.Root.Image(
                                defaults.image(), fileSystem.orElse(defaults.imageFileSystem())));
    }

    private SizingConfiguration sizing() {
        double processors = number(QEMU + "default_vcpus");
        int most = Math.min(host.processors(), MOST_PROCESSORS);
        double atStart =
                processors == 0 ? 1 : processors < 0 || processors > most ? most : processors;
        long maximum = whole(QEMU + "default_maxvcpus");
        int atMost = maximum == 0 || maximum > most ? most : (int) maximum;
        ByteSize memory = ByteSize.ofMib(whole(QEMU + "default_memory"));
        long maximumMib = whole(QEMU + "default_maxmemory");
        ByteSize mostMemory =
                maximumMib == 0 || ByteSize.ofMib(maximumMib).compareTo(host.memory()) > 0
                        ? host.memory()
                        : ByteSize.ofMib(maximumMib);
        return new SizingConfiguration(
                atStart,
                Math.max(atMost, (int) Math.ceil(atStart)),
                number(QEMU + "overhead_vcpus"),
                memory,
                mostMemory.compareTo(memory) < 0 ? memory : mostMemory,
                ByteSize.ofMib(whole(QEMU + "overhead_memory")),
                flag(RUNTIME + "static_sandbox_resource_mgmt"));
    }

    private SharingConfiguration sharing() {
        return new SharingConfiguration(
                text(QEMU + "shared_fs").equals("virtio-fs"),
                path(QEMU + "virtio_fs_daemon", defaults.fileServer()),
                text(QEMU + "virtio_fs_cache"),
                (int) whole(QEMU + "virtio_fs_queue_size"),
                strings(QEMU + "virtio_fs_extra_args"),
                limits());
    }

    private LimitsConfiguration limits() {
        return new LimitsConfiguration(
                whole(LIMITS + "bw"),
                whole(LIMITS + "burst"),
                whole(LIMITS + "ops"),
                whole(LIMITS + "ops_burst"));
    }

    /** Kata's keys hold for disks, each rate with its burst; without them what holds for files. */
    private LimitsConfiguration diskLimits() {
        LimitsConfiguration files = limits();
        long bits = whole(DISKS + "bw_max_rate");
        long operations = whole(DISKS + "ops_max_rate");
        boolean ownBandwidth = bits > 0;
        boolean ownOperations = operations > 0;
        return new LimitsConfiguration(
                ownBandwidth ? bytes(bits) : files.bandwidth(),
                ownBandwidth ? bytes(whole(DISKS + "bw_one_time_burst")) : files.burst(),
                ownOperations ? operations : files.operations(),
                ownOperations ? whole(DISKS + "ops_one_time_burst") : files.operationsBurst());
    }

    /** {@return so many bits in whole bytes: a limit of a few bits is not to become none} */
    private static long bytes(long bits) {
        return Math.ceilDiv(bits, (long) Byte.SIZE);
    }

    private BudgetConfiguration budgets() {
        return new BudgetConfiguration(
                (int) whole(LIMITS + "weight"),
                budget("node"),
                budget("namespace"),
                ((Map<?, ?>) value(LIMITS + "namespace_weights"))
                        .entrySet().stream()
                                .collect(
                                        Collectors.toMap(
                                                weight -> (String) weight.getKey(),
                                                weight -> ((Long) weight.getValue()).intValue())));
    }

    private BudgetConfiguration.Budget budget(String whose) {
        return new BudgetConfiguration.Budget(
                whole(LIMITS + whose + "_bw"), whole(LIMITS + whose + "_ops"));
    }

    private AgentConfiguration agent() {
        return new AgentConfiguration(
                text(BUNKAI + "agent_transport").equals("virtio-serial")
                        ? AgentConfiguration.Transport.VIRTIO_SERIAL
                        : AgentConfiguration.Transport.AUTO,
                flag(AGENT + "enable_debug"),
                logLevel(AGENT),
                Duration.ofSeconds(whole(AGENT + "dial_timeout")),
                Duration.ofMillis(whole(AGENT + "dial_timeout_ms")),
                Duration.ofSeconds(createContainerTimeout()));
    }

    /** Kata's two runtimes have this key in two sections; an annotation is about the latter. */
    private long createContainerTimeout() {
        String inRuntime = RUNTIME + "create_container_timeout";
        String inAgent = AGENT + "create_container_timeout";
        boolean annotated =
                settings.find(inRuntime)
                        .filter(setting -> setting.origin() instanceof Origin.Annotation)
                        .isPresent();
        boolean fromRuntime =
                annotated
                        || (settings.find(inRuntime).isPresent()
                                && settings.find(inAgent).isEmpty());
        return whole(fromRuntime ? inRuntime : inAgent);
    }

    private RuntimeConfiguration runtime() {
        return new RuntimeConfiguration(
                flag(RUNTIME + "enable_debug"),
                logLevel(RUNTIME),
                !flag(RUNTIME + "disable_guest_seccomp"),
                flag(RUNTIME + "sandbox_cgroup_only"),
                templates(),
                text(BUNKAI + "rootfs_sharing").equals("block")
                        ? RuntimeConfiguration.RootfsSharing.BLOCK
                        : RuntimeConfiguration.RootfsSharing.AUTO);
    }

    private RuntimeConfiguration.TemplateScope templates() {
        if (!flag("factory.enable_template")) {
            return RuntimeConfiguration.TemplateScope.NONE;
        }
        return switch (text(BUNKAI + "template_scope")) {
            case "none" -> RuntimeConfiguration.TemplateScope.NONE;
            case "node" -> RuntimeConfiguration.TemplateScope.NODE;
            default -> RuntimeConfiguration.TemplateScope.NAMESPACE;
        };
    }

    private LogLevel logLevel(String section) {
        LogLevel named = LogLevel.ofWord(text(section + "log_level"));
        return flag(section + "enable_debug") ? named.orMore(LogLevel.DEBUG) : named;
    }

    /** Kata takes an empty path for an absent one. */
    private Path path(String key, Path otherwise) {
        return settings.effective(catalogue, key)
                .map(String.class::cast)
                .filter(text -> !text.isEmpty())
                .map(Path::of)
                .orElse(otherwise);
    }

    private List<String> options(String key) {
        return Arrays.stream(text(key).split(",", -1)).filter(text -> !text.isEmpty()).toList();
    }

    private String text(String key) {
        return (String) value(key);
    }

    private boolean flag(String key) {
        return (Boolean) value(key);
    }

    private long whole(String key) {
        return (Long) value(key);
    }

    private double number(String key) {
        return (Double) value(key);
    }

    private List<String> strings(String key) {
        return ((List<?>) value(key)).stream().map(String.class::cast).toList();
    }

    private Object value(String key) {
        return settings.effective(catalogue, key).orElseThrow();
    }
}
