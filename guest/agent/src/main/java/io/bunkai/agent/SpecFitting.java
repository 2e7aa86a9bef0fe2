// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.api.agent.LinuxNamespace;
import io.bunkai.api.agent.Process;
import io.bunkai.api.agent.Spec;
import io.bunkai.api.agent.StringUser;
import io.bunkai.api.agent.User;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Fits a specification that was written for a host to this guest, whose containers all belong to
 * one pod.
 *
 * <p>Namespaces: every container has its own mount and PID namespace. A namespace with a path is
 * the pod's, which in the guest is the machine's own, so it is left out; one without is new. The
 * network is always the machine's. Time namespaces are not carried by the protocol.
 *
 * <p>Sysctls of a namespace that a container shares are set for the machine, if they are of a kind
 * that belongs to a namespace at all.
 */
final class SpecFitting {
    private static final String CGROUP_PARENT = "/bunkai/";

    private SpecFitting() {}

    /**
     * What became of a specification.
     *
     * @param json for {@link OciJson}
     * @param sharedSysctls those to be set for the machine
     */
    record Fitted(OciJson.Sanitised json, Map<String, String> sharedSysctls) {}

    /**
     * Fits.
     *
     * @param pidNamespace path of a PID namespace to join, if the container shares one
     * @throws Fault INVALID_ARGUMENT if the specification makes no sense in any guest
     */
    static Fitted fit(
            GuestLayout layout, String container, Spec spec, @Nullable Path pidNamespace) {
        if (!spec.hasProcess() || spec.getProcess().getArgsCount() == 0) {
            throw Fault.invalidArgument("container %s has no process to run", container);
        }
        Path root = Beneath.strictly(layout.containers(), spec.getRoot().getPath());
        Map<String, String> namespaces = namespaces(spec, pidNamespace);
        boolean ownHostname = namespaces.containsKey("uts");
        Map<String, String> own = new HashMap<>();
        Map<String, String> shared = new HashMap<>();
        for (Map.Entry<String, String> sysctl : spec.getLinux().getSysctlMap().entrySet()) {
            String name = sysctl.getKey().replace('/', '.');
            (namespaces.containsKey(namespaceOf(name)) ? own : shared).put(name, sysctl.getValue());
        }
        return new Fitted(
                new OciJson.Sanitised(
                        root,
                        ownHostname ? spec.getHostname() : "",
                        cgroupsPath(spec.getLinux().getCgroupsPath(), container),
                        namespaces,
                        own),
                shared);
    }

    private static Map<String, String> namespaces(Spec spec, @Nullable Path pidNamespace) {
        Map<String, String> namespaces = new HashMap<>();
        namespaces.put("mount", "");
        namespaces.put("pid", pidNamespace == null ? "" : pidNamespace.toString());
        for (LinuxNamespace namespace : spec.getLinux().getNamespacesList()) {
            switch (namespace.getType()) {
                case "mount", "pid", "network", "time" -> {}
                case "ipc", "uts", "user", "cgroup" -> {
                    if (namespace.getPath().isEmpty()) {
                        namespaces.put(namespace.getType(), "");
                    }
                }
                default ->
                        throw Fault.invalidArgument(
                                "no namespace '%s'", Log.printable(namespace.getType()));
            }
        }
        return namespaces;
    }

    private static String namespaceOf(String sysctl) {
        if (sysctl.startsWith("net.")) {
            return "network";
        }
        if (sysctl.startsWith("kernel.msg")
                || sysctl.startsWith("kernel.sem")
                || sysctl.startsWith("kernel.shm")
                || sysctl.startsWith("fs.mqueue.")) {
            return "ipc";
        }
        if (sysctl.equals("kernel.domainname") || sysctl.equals("kernel.hostname")) {
            return "uts";
        }
        throw Fault.invalidArgument(
                "sysctl '%s' belongs to no namespace of a container", Log.printable(sysctl));
    }

    /** A path for systemd ("slice:prefix:name") says nothing here: the guest has no systemd. */
    private static String cgroupsPath(String wanted, String container) {
        if (wanted.isEmpty() || wanted.indexOf(':') >= 0 || wanted.indexOf('\0') >= 0) {
            return CGROUP_PARENT + container;
        }
        Path path = Path.of("/").resolve(wanted);
        if (!path.equals(path.normalize()) || path.getNameCount() == 0) {
            throw Fault.invalidArgument("'%s' is no cgroup", Log.printable(wanted));
        }
        return path.toString();
    }

    /** Sets what containers share; {@link #fit} has refused everything else. */
    static void apply(GuestLayout layout, Map<String, String> sysctls) throws IOException {
        Path base = layout.proc().resolve("sys");
        for (Map.Entry<String, String> sysctl : sysctls.entrySet()) {
            Path file = base.resolve(sysctl.getKey().replace('.', '/')).normalize();
            if (!file.startsWith(base) || !Files.exists(file)) {
                throw Fault.invalidArgument(
                        "the guest has no sysctl '%s'", Log.printable(sysctl.getKey()));
            }
            Files.writeString(file, sysctl.getValue());
        }
    }

    /**
     * {@return the process with its user as numbers}
     *
     * @param asked the request's own way to name a user; counts if any of it is set
     * @throws Fault NOT_FOUND if the container does not know a name
     */
    static Process withUser(Process process, StringUser asked, Path root) {
        User user = process.getUser();
        boolean isAsked =
                !asked.getUid().isEmpty()
                        || !asked.getGid().isEmpty()
                        || asked.getAdditionalGidsCount() > 0;
        if (!isAsked && user.getUsername().isEmpty()) {
            return process;
        }
        UserLookup files = UserLookup.of(root);
        UserLookup.Identity found =
                isAsked
                        ? files.find(asked.getUid(), asked.getGid())
                        : files.find(user.getUsername());
        User.Builder numbers =
                User.newBuilder()
                        .setUID(found.uid())
                        .setGID(found.gid())
                        .addAllAdditionalGids(found.additionalGids());
        for (int gid : user.getAdditionalGidsList()) {
            numbers.addAdditionalGids(gid);
        }
        for (String group : asked.getAdditionalGidsList()) {
            numbers.addAdditionalGids(files.groupId(group));
        }
        return process.toBuilder().setUser(numbers).build();
    }
}
