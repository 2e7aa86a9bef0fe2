// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.api.agent.FSGroup;
import io.bunkai.api.agent.Storage;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Mounts;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoragesTest {
    @TempDir Path base;
    private final AgentFixture.NotedMounts mounts = new AgentFixture.NotedMounts();
    private Path containers;
    private Storages storages;

    @BeforeEach
    void makePlaces() throws IOException {
        Log.redirect(OutputStream.nullOutputStream());
        GuestLayout layout = AgentFixture.layout(base, base.resolve("crun"), base);
        containers = Files.createDirectories(layout.containers());
        storages = new Storages(layout, mounts);
    }

    @Test
    void mountsADiskByItsPlaceOnTheBus() throws Exception {
        Files.createDirectories(base.resolve("sys/bus/pci/devices/0000:00:05.0/virtio0/block/vdc"));
        Files.createDirectories(base.resolve("dev"));
        Files.createFile(base.resolve("dev/vdc"));
        attach(storage("blk", "/c1/lower").setSource("05").setFstype("erofs").addOptions("ro"));
        assertThat(mounts.notes())
                .containsExactly("mount " + base + "/dev/vdc " + containers + "/c1/lower erofs 1 ");
    }

    @Test
    void givesADiskThatDoesNotAppearUp() {
        assertFault(
                FaultCode.DEADLINE_EXCEEDED,
                storage("blk", "/c1/lower").setSource("05").setFstype("erofs"));
        assertFault(
                FaultCode.DEADLINE_EXCEEDED,
                storage("blk", "/c1/lower").setSource(base + "/dev/vdq").setFstype("erofs"));
        assertFault(
                FaultCode.INVALID_ARGUMENT,
                storage("blk", "/c1/lower").setSource("/etc/passwd").setFstype("erofs"));
    }

    @Test
    void waitsForASharedFileSystemThatIsPlugged() throws Exception {
        mounts.findFileSystemAfter(3);
        attach(storage("virtio-fs", "/shared/containers").setSource("kataShared"));
        assertThat(mounts.notes())
                .containsExactly(
                        "mount kataShared " + containers + "/shared/containers virtiofs 0 ");
    }

    @Test
    void givesASharedFileSystemThatDoesNotAppearUp() {
        mounts.findFileSystemAfter(Integer.MAX_VALUE);
        assertFault(
                FaultCode.DEADLINE_EXCEEDED,
                storage("virtio-fs", "/shared/containers").setSource("kataShared"));
        assertThat(mounts.notes()).isEmpty();
    }

    @Test
    void makesTheWritableLayersDirectoriesLikeTheRootBelow() throws Exception {
        Path lower = Files.createDirectories(base.resolve("lower"));
        Files.setAttribute(lower, "unix:mode", 0751);
        Files.setAttribute(lower, "unix:uid", 12);
        Files.setAttribute(lower, "unix:gid", 13);
        String own = containers + "/c1/rw";
        attach(
                storage("overlayfs", "/c1/rootfs")
                        .setFstype("overlay")
                        .addOptions("lowerdir=" + lower + ":/other")
                        .addOptions("upperdir=" + own + "/upper")
                        .addOptions("workdir=" + own + "/work"));
        assertThat(Files.readAttributes(Path.of(own, "upper"), "unix:mode,uid,gid"))
                .containsEntry("mode", 040751)
                .containsEntry("uid", 12)
                .containsEntry("gid", 13);
        assertThat(Path.of(own, "work")).isDirectory();
        assertThat(mounts.notes())
                .containsExactly(
                        "mount overlay "
                                + containers
                                + "/c1/rootfs overlay 0 lowerdir="
                                + lower
                                + ":/other,upperdir="
                                + own
                                + "/upper,workdir="
                                + own
                                + "/work");
    }

    @Test
    void bindsInTwoStepsSinceTheKernelIgnoresFlagsInTheFirst() throws Exception {
        Path source = Files.createFile(base.resolve("file"));
        attach(
                storage("bind", "/c1/file")
                        .setSource(source.toString())
                        .addOptions("rbind")
                        .addOptions("rprivate")
                        .addOptions("ro")
                        .addOptions("nosuid"));
        String target = containers + "/c1/file";
        long bind = Mounts.MS_BIND | Mounts.MS_REC;
        long again = Mounts.MS_BIND | Mounts.MS_REMOUNT | Mounts.MS_RDONLY | Mounts.MS_NOSUID;
        long isolate = Mounts.MS_PRIVATE | Mounts.MS_REC;
        assertThat(mounts.notes())
                .containsExactly(
                        "mount " + source + " " + target + " bind " + bind + " ",
                        "mount none " + target + " bind " + again + " ",
                        "mount none " + target + " bind " + isolate + " ");
        assertThat(Path.of(target)).isRegularFile();
    }

    @Test
    void givesVolumesToThePodsGroup() throws Exception {
        attach(
                storage("ephemeral", "/sandbox/ephemeral/v")
                        .addOptions("size=1m")
                        .setFsGroup(FSGroup.newBuilder().setGroupId(77)));
        assertThat(Files.readAttributes(containers.resolve("sandbox/ephemeral/v"), "unix:mode,gid"))
                .containsEntry("gid", 77)
                .containsEntry("mode", 042775);
        attach(storage("local", "/sandbox/local/v").addOptions("mode=0700"));
        assertThat(Files.getAttribute(containers.resolve("sandbox/local/v"), "unix:mode"))
                .isEqualTo(040700);
        assertThat(mounts.notes())
                .containsExactly(
                        "mount none " + containers + "/sandbox/ephemeral/v tmpfs 0 size=1m");
    }

    @Test
    void unmountsWhatIsSharedWithTheLastOfItsUsers() throws Exception {
        Storage.Builder shared = storage("ephemeral", "/sandbox/shm");
        Path target = attach(shared);
        attach(shared);
        storages.detach(target);
        assertThat(mounts.notes()).hasSize(1);
        storages.detach(target);
        assertThat(mounts.notes()).last().isEqualTo("unmount " + target);
        assertThat(target).doesNotExist();
    }

    @Test
    void leavesAloneWhatIsStillInADirectoryThatItUnmounted() throws Exception {
        Path target = attach(storage("ephemeral", "/c1/rw"));
        Files.createFile(target.resolve("not ours"));
        storages.detach(target);
        assertThat(target.resolve("not ours")).exists();
    }

    @Test
    void refusesMountPointsElsewhere() throws IOException {
        Files.createDirectories(containers.resolve("c1"));
        Files.createSymbolicLink(containers.resolve("c1/link"), Path.of("/etc"));
        for (String point :
                List.of(
                        "/etc/x",
                        containers.toString(),
                        containers + "/../x",
                        containers + "/c1/link/x",
                        "c1/x",
                        "")) {
            assertFault(
                    FaultCode.INVALID_ARGUMENT,
                    Storage.newBuilder().setDriver("ephemeral").setMountPoint(point));
        }
        assertFault(
                FaultCode.INVALID_ARGUMENT,
                storage("overlayfs", "/c1/rootfs").addOptions("upperdir=/etc/upper"));
    }

    @Test
    void saysWhichDriverItDoesNotHave() {
        assertFault(FaultCode.UNIMPLEMENTED, storage("nvdimm", "/c1/x"));
    }

    private Storage.Builder storage(String driver, String point) {
        return Storage.newBuilder().setDriver(driver).setMountPoint(containers + point);
    }

    private Path attach(Storage.Builder storage) throws IOException, InterruptedException {
        return storages.attach(storage.build(), "c1");
    }

    private void assertFault(FaultCode code, Storage.Builder storage) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() -> attach(storage))
                .satisfies(e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(code));
    }
}
