// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Decides which packages make up the guest. Nothing is downloaded for that. */
final class PackageChoice {
    private final PackageSource source;

    PackageChoice(PackageSource source) {
        this.source = source;
    }

    /**
     * {@return these packages and everything they depend on, by name}
     *
     * @throws Fault NOT_FOUND if one of them is not on offer
     */
    Map<String, DebianPackage> withDependencies(Collection<String> names)
            throws IOException, InterruptedException {
        Map<String, DebianPackage> chosen = new TreeMap<>();
        List<List<String>> open = new ArrayList<>();
        names.forEach(name -> open.add(List.of(name)));
        while (!open.isEmpty()) {
            TreeSet<String> asked = new TreeSet<>();
            open.forEach(asked::addAll);
            Map<String, DebianPackage> known = source.find(asked);
            List<List<String>> next = new ArrayList<>();
            for (List<String> alternatives : open) {
                if (alternatives.stream().noneMatch(chosen::containsKey)) {
                    DebianPackage choice = firstOf(alternatives, known);
                    chosen.put(choice.name(), choice);
                    next.addAll(choice.depends());
                }
            }
            next.removeIf(alternatives -> alternatives.stream().anyMatch(chosen::containsKey));
            open.clear();
            open.addAll(next);
        }
        return chosen;
    }

    /**
     * {@return the kernel that {@code name} stands for: the package itself or, for one that only
     * names the newest kernel, the one it depends on; the last one holds the kernel}
     *
     * @throws Fault NOT_FOUND if one of them is not on offer
     */
    Map<String, DebianPackage> kernel(String name) throws IOException, InterruptedException {
        Map<String, DebianPackage> chosen = new LinkedHashMap<>();
        String next = name;
        while (!next.isEmpty() && !chosen.containsKey(next)) {
            DebianPackage choice = firstOf(List.of(next), source.find(List.of(next)));
            chosen.put(choice.name(), choice);
            next =
                    choice.depends().stream()
                            .map(List::getFirst)
                            .filter(dependency -> dependency.startsWith("linux-image-"))
                            .findFirst()
                            .orElse("");
        }
        return chosen;
    }

    private static DebianPackage firstOf(
            List<String> alternatives, Map<String, DebianPackage> known) {
        for (String name : alternatives) {
            DebianPackage candidate = known.get(name);
            if (candidate != null) {
                return candidate;
            }
        }
        throw Fault.notFound("apt offers no package %s", String.join(" or ", alternatives))
                .withHint("run: apt-get update; if that does not help, check apt's sources");
    }
}
