// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostCgroupsTest {
    @TempDir Path mount;

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(60));
    }

    private void hierarchy(String name) throws IOException {
        Files.createDirectories(mount.resolve(name));
        Files.createFile(mount.resolve(name).resolve("cgroup.procs"));
    }

    @Test
    void usesTheHierarchiesOfVersionOneThatAreThere() throws IOException {
        hierarchy("memory");
        hierarchy("cpu");
        hierarchy("freezer");
        Files.createDirectories(mount.resolve("pids")); // not mounted
        assertThat(HostCgroups.find(mount, "bunkai").of("m1"))
                .containsExactly(mount.resolve("cpu/bunkai/m1"), mount.resolve("memory/bunkai/m1"));
    }

    @Test
    void usesTheOneHierarchyOfVersionTwo() throws IOException {
        hierarchy(".");
        Files.createFile(mount.resolve("cgroup.controllers"));
        assertThat(HostCgroups.find(mount, "bunkai").of("m1"))
                .containsExactly(mount.resolve("bunkai/m1"));
    }

    @Test
    void doesWithoutWhereNothingCanBeWritten() throws IOException {
        Files.createFile(mount.resolve("cgroup.controllers"));
        assertThat(HostCgroups.find(mount, "bunkai").of("m1")).isEmpty();
        assertThat(HostCgroups.find(mount.resolve("nowhere"), "bunkai").of("m1")).isEmpty();
    }

    @Test
    void makesAndRemovesGroupsAnyNumberOfTimes() {
        List<Path> groups = List.of(mount.resolve("a/bunkai/m1"), mount.resolve("b/bunkai/m1"));
        HostCgroups.create(groups);
        HostCgroups.create(groups);
        assertThat(groups).allMatch(Files::isDirectory);
        HostCgroups.remove(groups, soon());
        HostCgroups.remove(groups, soon());
        assertThat(groups).noneMatch(Files::exists);
    }

    @Test
    void whatIsInTheBackgroundGetsATenth() throws IOException {
        Path first = Files.createDirectories(mount.resolve("cpu/bunkai/m1"));
        Path second = Files.createDirectories(mount.resolve("unified/bunkai/m1"));
        Path none = Files.createDirectories(mount.resolve("memory/bunkai/m1"));
        Files.writeString(first.resolve("cpu.shares"), "1024");
        Files.writeString(second.resolve("cpu.weight"), "100");
        HostCgroups.putIntoBackground(List.of(first, second, none));
        assertThat(first.resolve("cpu.shares")).hasContent("102");
        assertThat(second.resolve("cpu.weight")).hasContent("10");
        assertThat(none).isEmptyDirectory();
    }

    @Test
    void aGroupThatCannotBeMadeIsNamed() throws IOException {
        Path file = Files.createFile(mount.resolve("file"));
        Fault fault =
                catchThrowableOfType(
                        Fault.class, () -> HostCgroups.create(List.of(file.resolve("m1"))));
        assertThat(fault.code()).isEqualTo(FaultCode.INTERNAL);
        assertThat(fault).hasMessageContaining(file.toString());
        assertThat(fault.hint()).isPresent();
    }

    @Test
    void tellsEachProcessOnce() throws IOException {
        Path one = Files.createDirectory(mount.resolve("one"));
        Path two = Files.createDirectory(mount.resolve("two"));
        Files.writeString(one.resolve("cgroup.procs"), "12\n13\n");
        Files.writeString(two.resolve("cgroup.procs"), "13\n14\n");
        assertThat(HostCgroups.processes(List.of(one, two, mount.resolve("three"))))
                .containsExactly(12, 13, 14);
        assertThat(HostCgroups.procsFiles(List.of(one)))
                .containsExactly(one.resolve("cgroup.procs"));
    }

    @Test
    void aGroupWithGroupsOfItsOwnIsNotRemoved() throws IOException {
        Path group = Files.createDirectory(mount.resolve("m1"));
        Files.createDirectory(group.resolve("child"));
        assertThat(
                        catchThrowableOfType(
                                        Fault.class,
                                        () -> HostCgroups.remove(List.of(group), soon()))
                                .code())
                .isEqualTo(FaultCode.INTERNAL);
    }
}
