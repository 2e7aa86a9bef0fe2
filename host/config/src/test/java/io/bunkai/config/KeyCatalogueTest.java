// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeyCatalogueTest {
    /** The suffixes of both of Kata's runtimes, as its documentation and code have them. */
    private static final List<String> KATAS_ANNOTATIONS =
            List.of(
                    """
                    hypervisor: asset_hash_type path jailer_path kernel image initrd firmware
                    firmware_volume kernel_hash image_hash initrd_hash hypervisor_hash path_hash
                    jailer_hash firmware_hash firmware_volume_hash kernel_params
                    kernel_verity_params machine_type machine_accelerators cpu_features
                    disable_vhost_net enable_vhost_user_store vhost_user_store_path
                    vhost_user_reconnect_timeout_sec guest_hook_path disable_image_nvdimm
                    cold_plug_vfio hot_plug_vfio pcie_root_port pcie_switch_port entropy_source
                    use_legacy_serial default_gpus default_gpu_model default_vcpus
                    default_max_vcpus default_memory memory_slots memory_offset
                    enable_virtio_mem enable_mem_prealloc reclaim_guest_freed_memory
                    enable_hugepages hugepage_type enable_iommu enable_iommu_platform
                    numa_mapping msize_9p shared_fs virtio_fs_daemon virtio_fs_cache
                    virtio_fs_cache_size virtio_fs_extra_args block_device_driver
                    block_device_aio disable_block_device_use enable_iothreads indep_iothreads
                    block_device_cache_set block_device_cache_direct
                    block_device_cache_noflush blk_logical_sector_size
                    blk_physical_sector_size block_device_num_queues block_device_queue_size
                    rx_rate_limiter_max_rate tx_rate_limiter_max_rate network_queues
                    enable_guest_swap rootless cc_init_data prefetch_files.list
                    """,
                    """
                    runtime: name hypervisor_name agent_name disable_guest_seccomp
                    guest_selinux_label sandbox_cgroup_only enable_vcpus_pinning enable_pprof
                    experimental internetworking_model disable_new_netns vfio_mode
                    create_container_timeout experimental_force_guest_pull shared_mounts
                    sandbox_bind_mounts
                    """,
                    """
                    agent: kernel_modules enable_tracing container_pipe_size policy
                    cdh_api_timeout_ms
                    """);

    private final KeyCatalogue catalogue = KeyCatalogue.standard();

    @Test
    void knowsEveryAnnotationOfKatasAndNoOther() {
        Set<String> expected = new TreeSet<>();
        for (String list : KATAS_ANNOTATIONS) {
            String[] words = list.strip().split("\\s+", -1);
            for (int i = 1; i < words.length; i++) {
                expected.add(words[0].replace(':', '.') + words[i]);
            }
        }

        assertThat(AnnotationNames.all(catalogue))
                .filteredOn(name -> name.kind() != AnnotationNames.AnnotationClass.LIMITS)
                .extracting(AnnotationNames.Name::qualified)
                .containsExactlyInAnyOrderElementsOf(expected);
    }

    @Test
    void everyKeyAcceptsItsOwnDefaults() throws BadValue {
        for (ConfigurationKey key : catalogue.keys()) {
            for (Object value : key.kataDefaults()) {
                assertThat(key.treatmentOf(value))
                        .as(key.path())
                        .isIn(
                                ConfigurationKey.Treatment.DEFAULT,
                                ConfigurationKey.Treatment.HONOURED);
            }
            key.ownDefault().ifPresent(value -> assertThat(key.meaning()).isNotBlank());
        }
    }

    @Test
    void everyListOfValidPathsExistsAndIsHonoured() {
        for (ConfigurationKey key : catalogue.keys()) {
            key.annotation()
                    .flatMap(AnnotationRule::validPaths)
                    .ifPresent(path -> {
                        ConfigurationKey list = catalogue.get(path);
                        assertThat(list.type()).isEqualTo(KeyType.GLOBS);
                        assertThat(list.isHonoured()).as(path).isTrue();
                    });
        }
    }

    @Test
    void everyPathThatAPodMayChooseIsConfined() {
        assertThat(catalogue.keys())
                .filteredOn(key -> key.type() == KeyType.PATH && key.annotation().isPresent())
                .filteredOn(key -> key.annotation().orElseThrow().validPaths().isEmpty())
                // Neither is used here: the one is a path inside the guest, the other a hint.
                .extracting(ConfigurationKey::name)
                .containsExactly("prefetch_list_path", "guest_hook_path");
    }

    @Test
    void onlyTheInstallationsPathsHaveNoDefaultAmongHonouredKeys() {
        assertThat(catalogue.keys())
                .filteredOn(key -> key.isHonoured() && key.ownDefault().isEmpty())
                .extracting(ConfigurationKey::name)
                .containsExactly("path", "kernel", "image", "rootfs_type", "virtio_fs_daemon");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "true",
                "false",
                "0",
                "-7",
                "9223372036854775807",
                "0.25",
                "\"\"",
                "\"a b\"",
                "[]",
                "[\"a\"]",
                "[\"a\", \"\", \"c d\"]",
                "{}"
            })
    void readsLiteralsAsTomlDoes(String literal) {
        List<Problem> problems = new ArrayList<>();
        TomlSource source = TomlSource.parse(Path.of("x"), "value = " + literal, problems);

        assertThat(problems).isEmpty();
        assertThat(TableLiteral.parse(literal))
                .isEqualTo(source.entries(List.of()).getFirst().value());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "\"", "\"a", "\"a\"b\"", "\"\\n\"", "[a]", "[\"a\",\"b\"]", "yes", "1x"})
    void refusesLiteralsThatItDoesNotKnow(String literal) {
        assertThatThrownBy(() -> TableLiteral.parse(literal))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void writesRangesForPeople() {
        assertThat(NumberRange.parse("0..5")).hasToString("0 to 5");
        assertThat(NumberRange.parse("0..")).hasToString("0 or more");
        assertThat(NumberRange.parse("..5")).hasToString("5 or less");
        assertThat(NumberRange.parse("..")).hasToString("any number");
        assertThat(NumberRange.parse("0 or 512..4096 pow2"))
                .hasToString("0, or a power of two from 512 to 4096");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a | int | 1 | | | yes | no | - | both",
                "a | integer | 1 | | | yes | no | - | both | x",
                "a | int | \"1\" | | | yes | no | - | both | x",
                "a | int | = | | | yes | no | - | both | x",
                "a | int | 1 | | 2..3 | yes | no | - | both | x",
                "a | int | 1 | | | yes | no | - | both | x\n"
                        + "a | int | 1 | | | no | no | - | both | x"
            })
    void refusesATableWithAMistake(String lines) {
        assertThatThrownBy(() -> KeyCatalogue.of("[runtime]\n" + lines))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("the ");
    }
}
