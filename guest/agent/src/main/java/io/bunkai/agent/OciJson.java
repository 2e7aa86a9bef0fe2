// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.api.agent.Linux;
import io.bunkai.api.agent.LinuxBlockIO;
import io.bunkai.api.agent.LinuxCPU;
import io.bunkai.api.agent.LinuxCapabilities;
import io.bunkai.api.agent.LinuxDevice;
import io.bunkai.api.agent.LinuxDeviceCgroup;
import io.bunkai.api.agent.LinuxHugepageLimit;
import io.bunkai.api.agent.LinuxIDMapping;
import io.bunkai.api.agent.LinuxMemory;
import io.bunkai.api.agent.LinuxResources;
import io.bunkai.api.agent.LinuxSeccomp;
import io.bunkai.api.agent.LinuxSeccompArg;
import io.bunkai.api.agent.LinuxSyscall;
import io.bunkai.api.agent.LinuxThrottleDevice;
import io.bunkai.api.agent.LinuxWeightDevice;
import io.bunkai.api.agent.Mount;
import io.bunkai.api.agent.POSIXRlimit;
import io.bunkai.api.agent.Process;
import io.bunkai.api.agent.Spec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The runtime specification's JSON, as crun reads it, from the protocol's messages.
 *
 * <p>The messages cannot tell "0" from "not given", so a number that is 0 is not written where the
 * specification gives 0 no meaning of its own. What makes no sense in this guest is left out:
 *
 * <ul>
 *   <li>hooks, which are the host's programs; annotations, with which a pod's author could steer
 *       crun ({@code run.oci.*}); AppArmor, SELinux and RDT, which the guest does not have;
 *   <li>memory.kernel, kernelTCP, swappiness, disableOOMKiller, real-time scheduling and network
 *       classes, which do not exist in cgroup v2;
 *   <li>what {@link Sanitised} has decided about namespaces, sysctls and the host name.
 * </ul>
 *
 * @spec https://github.com/opencontainers/runtime-spec/blob/v1.0.2/config.md runtime-spec 1.0.2
 */
final class OciJson {
    private static final String OCI_VERSION = "1.0.2";

    private OciJson() {}

    /** {@return config.json of a bundle} */
    static String config(Spec spec, Process process, Sanitised plan) {
        JsonWriter json = new JsonWriter();
        json.object().field("ociVersion", OCI_VERSION);
        json.object("process");
        processMembers(json, process);
        json.endObject();
        json.object("root")
                .field("path", plan.rootPath().toString())
                .field("readonly", spec.getRoot().getReadonly())
                .endObject();
        if (!plan.hostname().isEmpty()) {
            json.field("hostname", plan.hostname());
        }
        json.array("mounts");
        for (Mount mount : spec.getMountsList()) {
            mount(json, mount);
        }
        json.endArray();
        linux(json, spec.getLinux(), plan);
        json.endObject();
        return json.finish();
    }

    /** {@return the file that {@code crun exec --process} reads} */
    static String process(Process process) {
        JsonWriter json = new JsonWriter();
        json.object();
        processMembers(json, process);
        json.endObject();
        return json.finish();
    }

    /** {@return the file that {@code crun update --resources} reads} */
    static String resources(LinuxResources resources) {
        JsonWriter json = new JsonWriter();
        json.object();
        resourceMembers(json, resources);
        json.endObject();
        return json.finish();
    }

    /**
     * What the agent decided about a specification before it is written down.
     *
     * @param rootPath checked directory of the root file system
     * @param hostname name of the container's own; empty to keep the machine's
     * @param cgroupsPath absolute, beneath the cgroup mount
     * @param namespaces type to path; an empty path is a new namespace
     * @param sysctls those that belong to one of the container's own namespaces
     */
    record Sanitised(
            Path rootPath,
            String hostname,
            String cgroupsPath,
            Map<String, String> namespaces,
            Map<String, String> sysctls) {
        Sanitised {
            namespaces = new TreeMap<>(namespaces);
            sysctls = new TreeMap<>(sysctls);
        }
    }

    private static void processMembers(JsonWriter json, Process process) {
        json.field("terminal", process.getTerminal());
        if (process.getTerminal()
                && process.getConsoleSize().getHeight() != 0
                && process.getConsoleSize().getWidth() != 0) {
            json.object("consoleSize")
                    .field("height", unsigned(process.getConsoleSize().getHeight()))
                    .field("width", unsigned(process.getConsoleSize().getWidth()))
                    .endObject();
        }
        json.object("user")
                .field("uid", unsigned(process.getUser().getUID()))
                .field("gid", unsigned(process.getUser().getGID()));
        if (process.getUser().getAdditionalGidsCount() > 0) {
            json.array("additionalGids");
            for (int gid : process.getUser().getAdditionalGidsList()) {
                json.unsignedElement(gid);
            }
            json.endArray();
        }
        json.endObject();
        json.strings("args", process.getArgsList());
        json.strings("env", process.getEnvList());
        json.field("cwd", process.getCwd().isEmpty() ? "/" : process.getCwd());
        if (process.hasCapabilities()) {
            capabilities(json, process.getCapabilities());
        }
        if (process.getRlimitsCount() > 0) {
            json.array("rlimits");
            for (POSIXRlimit limit : process.getRlimitsList()) {
                json.object()
                        .field("type", limit.getType())
                        .unsignedField("hard", limit.getHard())
                        .unsignedField("soft", limit.getSoft())
                        .endObject();
            }
            json.endArray();
        }
        json.field("noNewPrivileges", process.getNoNewPrivileges());
        if (process.getOOMScoreAdj() != 0) {
            json.field("oomScoreAdj", process.getOOMScoreAdj());
        }
    }

    private static void capabilities(JsonWriter json, LinuxCapabilities capabilities) {
        json.object("capabilities")
                .strings("bounding", capabilities.getBoundingList())
                .strings("effective", capabilities.getEffectiveList())
                .strings("inheritable", capabilities.getInheritableList())
                .strings("permitted", capabilities.getPermittedList())
                .strings("ambient", capabilities.getAmbientList())
                .endObject();
    }

    private static void mount(JsonWriter json, Mount mount) {
        json.object().field("destination", mount.getDestination());
        if (!mount.getType().isEmpty()) {
            json.field("type", mount.getType());
        }
        if (!mount.getSource().isEmpty()) {
            json.field("source", mount.getSource());
        }
        if (mount.getOptionsCount() > 0) {
            json.strings("options", mount.getOptionsList());
        }
        json.endObject();
    }

    private static void linux(JsonWriter json, Linux linux, Sanitised plan) {
        json.object("linux");
        mappings(json, "uidMappings", linux.getUIDMappingsList());
        mappings(json, "gidMappings", linux.getGIDMappingsList());
        if (!plan.sysctls().isEmpty()) {
            json.object("sysctl");
            for (Map.Entry<String, String> entry : plan.sysctls().entrySet()) {
                json.field(entry.getKey(), entry.getValue());
            }
            json.endObject();
        }
        if (linux.hasResources()) {
            json.object("resources");
            resourceMembers(json, linux.getResources());
            json.endObject();
        }
        json.field("cgroupsPath", plan.cgroupsPath());
        json.array("namespaces");
        for (Map.Entry<String, String> namespace : plan.namespaces().entrySet()) {
            json.object().field("type", namespace.getKey());
            if (!namespace.getValue().isEmpty()) {
                json.field("path", namespace.getValue());
            }
            json.endObject();
        }
        json.endArray();
        if (linux.getDevicesCount() > 0) {
            json.array("devices");
            for (LinuxDevice device : linux.getDevicesList()) {
                device(json, device);
            }
            json.endArray();
        }
        if (linux.hasSeccomp()) {
            seccomp(json, linux.getSeccomp());
        }
        if (!linux.getRootfsPropagation().isEmpty()) {
            json.field("rootfsPropagation", linux.getRootfsPropagation());
        }
        if (linux.getMaskedPathsCount() > 0) {
            json.strings("maskedPaths", linux.getMaskedPathsList());
        }
        if (linux.getReadonlyPathsCount() > 0) {
            json.strings("readonlyPaths", linux.getReadonlyPathsList());
        }
        json.endObject();
    }

    private static void mappings(JsonWriter json, String name, List<LinuxIDMapping> mappings) {
        if (mappings.isEmpty()) {
            return;
        }
        json.array(name);
        for (LinuxIDMapping mapping : mappings) {
            json.object()
                    .field("containerID", unsigned(mapping.getContainerID()))
                    .field("hostID", unsigned(mapping.getHostID()))
                    .field("size", unsigned(mapping.getSize()))
                    .endObject();
        }
        json.endArray();
    }

    /** {@code fileMode} is a decimal number in JSON: 438 is 0666. */
    private static void device(JsonWriter json, LinuxDevice device) {
        json.object().field("path", device.getPath()).field("type", device.getType());
        if (!device.getType().equals("p")) {
            json.field("major", device.getMajor()).field("minor", device.getMinor());
        }
        if (device.getFileMode() != 0) {
            json.field("fileMode", unsigned(device.getFileMode()));
        }
        json.field("uid", unsigned(device.getUID()))
                .field("gid", unsigned(device.getGID()))
                .endObject();
    }

    private static void resourceMembers(JsonWriter json, LinuxResources resources) {
        if (resources.getDevicesCount() > 0) {
            json.array("devices");
            for (LinuxDeviceCgroup rule : resources.getDevicesList()) {
                deviceRule(json, rule);
            }
            json.endArray();
        }
        if (resources.hasMemory()) {
            LinuxMemory memory = resources.getMemory();
            json.object("memory");
            number(json, "limit", memory.getLimit());
            number(json, "reservation", memory.getReservation());
            number(json, "swap", memory.getSwap());
            json.endObject();
        }
        if (resources.hasCPU()) {
            LinuxCPU cpu = resources.getCPU();
            json.object("cpu");
            unsignedNumber(json, "shares", cpu.getShares());
            number(json, "quota", cpu.getQuota());
            unsignedNumber(json, "period", cpu.getPeriod());
            text(json, "cpus", cpu.getCpus());
            text(json, "mems", cpu.getMems());
            json.endObject();
        }
        if (resources.getPids().getLimit() != 0) {
            json.object("pids").field("limit", resources.getPids().getLimit()).endObject();
        }
        if (resources.hasBlockIO()) {
            blockIo(json, resources.getBlockIO());
        }
        if (resources.getHugepageLimitsCount() > 0) {
            json.array("hugepageLimits");
            for (LinuxHugepageLimit limit : resources.getHugepageLimitsList()) {
                json.object()
                        .field("pageSize", limit.getPagesize())
                        .unsignedField("limit", limit.getLimit())
                        .endObject();
            }
            json.endArray();
        }
    }

    /**
     * A rule for all types matches all numbers, whatever it carries. A number that is not given
     * means all as well; the protocol's senders write that as -1.
     */
    private static void deviceRule(JsonWriter json, LinuxDeviceCgroup rule) {
        json.object().field("allow", rule.getAllow());
        boolean all = rule.getType().isEmpty() || rule.getType().equals("a");
        json.field("type", all ? "a" : rule.getType());
        if (!all && rule.getMajor() >= 0) {
            json.field("major", rule.getMajor());
        }
        if (!all && rule.getMinor() >= 0) {
            json.field("minor", rule.getMinor());
        }
        text(json, "access", rule.getAccess());
        json.endObject();
    }

    private static void blockIo(JsonWriter json, LinuxBlockIO block) {
        json.object("blockIO");
        number(json, "weight", unsigned(block.getWeight()));
        number(json, "leafWeight", unsigned(block.getLeafWeight()));
        if (block.getWeightDeviceCount() > 0) {
            json.array("weightDevice");
            for (LinuxWeightDevice device : block.getWeightDeviceList()) {
                json.object().field("major", device.getMajor()).field("minor", device.getMinor());
                number(json, "weight", unsigned(device.getWeight()));
                number(json, "leafWeight", unsigned(device.getLeafWeight()));
                json.endObject();
            }
            json.endArray();
        }
        throttle(json, "throttleReadBpsDevice", block.getThrottleReadBpsDeviceList());
        throttle(json, "throttleWriteBpsDevice", block.getThrottleWriteBpsDeviceList());
        throttle(json, "throttleReadIOPSDevice", block.getThrottleReadIOPSDeviceList());
        throttle(json, "throttleWriteIOPSDevice", block.getThrottleWriteIOPSDeviceList());
        json.endObject();
    }

    private static void throttle(JsonWriter json, String name, List<LinuxThrottleDevice> devices) {
        if (devices.isEmpty()) {
            return;
        }
        json.array(name);
        for (LinuxThrottleDevice device : devices) {
            json.object()
                    .field("major", device.getMajor())
                    .field("minor", device.getMinor())
                    .unsignedField("rate", device.getRate())
                    .endObject();
        }
        json.endArray();
    }

    private static void seccomp(JsonWriter json, LinuxSeccomp seccomp) {
        json.object("seccomp").field("defaultAction", seccomp.getDefaultAction());
        if (seccomp.getArchitecturesCount() > 0) {
            json.strings("architectures", seccomp.getArchitecturesList());
        }
        if (seccomp.getFlagsCount() > 0) {
            json.strings("flags", seccomp.getFlagsList());
        }
        json.array("syscalls");
        for (LinuxSyscall syscall : seccomp.getSyscallsList()) {
            json.object()
                    .strings("names", syscall.getNamesList())
                    .field("action", syscall.getAction());
            if (syscall.getErrnoRetCase() == LinuxSyscall.ErrnoRetCase.ERRNORET) {
                json.field("errnoRet", unsigned(syscall.getErrnoret()));
            }
            if (syscall.getArgsCount() > 0) {
                json.array("args");
                for (LinuxSeccompArg argument : syscall.getArgsList()) {
                    json.object()
                            .unsignedField("index", argument.getIndex())
                            .unsignedField("value", argument.getValue())
                            .unsignedField("valueTwo", argument.getValueTwo())
                            .field("op", argument.getOp())
                            .endObject();
                }
                json.endArray();
            }
            json.endObject();
        }
        json.endArray().endObject();
    }

    private static void number(JsonWriter json, String name, long value) {
        if (value != 0) {
            json.field(name, value);
        }
    }

    private static void unsignedNumber(JsonWriter json, String name, long value) {
        if (value != 0) {
            json.unsignedField(name, value);
        }
    }

    private static void text(JsonWriter json, String name, String value) {
        if (!value.isEmpty()) {
            json.field(name, value);
        }
    }

    private static long unsigned(int value) {
        return Integer.toUnsignedLong(value);
    }
}
