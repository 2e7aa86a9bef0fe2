// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.base.Fault;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageDocumentsTest {
    private static final Digest DIGEST = Digest.of(new byte[0]);
    private static final String NAME = DIGEST.toString();

    @Test
    void readsTheConfigOfAnImageMadeByDocker() {
        ImageConfig config =
                read(
                        """
                        {"architecture":"arm64","variant":"v8","os":"linux",
                         "created":"2024-01-01T00:00:00Z","docker_version":"20.10",
                         "config":{"Hostname":"x","User":"1000:50","Env":["PATH=/bin","A=b=c"],
                           "Entrypoint":"/entry","Cmd":["-c","true"],"WorkingDir":"/w",
                           "ExposedPorts":{"80/tcp":{}},"Volumes":{"/data":{}},
                           "Labels":{"k":"v"},"StopSignal":"SIGQUIT","OnBuild":null,
                           "Healthcheck":{"Test":["CMD","ok"],"Interval":5000000000,"Retries":3}},
                         "rootfs":{"type":"layers","diff_ids":["%s"]},
                         "history":[{"created_by":"RUN x","empty_layer":true},{"comment":"c"}]}
                        """
                                .formatted(NAME),
                        ImageConfig.class);

        assertThat(config.platform()).hasToString("linux/arm64/v8");
        var execution = config.config();
        assertThat(execution.user()).isEqualTo("1000:50");
        assertThat(execution.env()).containsExactly("PATH=/bin", "A=b=c");
        assertThat(execution.entrypoint()).containsExactly("/entry");
        assertThat(execution.cmd()).containsExactly("-c", "true");
        assertThat(execution.workingDir()).isEqualTo("/w");
        assertThat(execution.stopSignal()).isEqualTo("SIGQUIT");
        assertThat(execution.exposedPorts()).containsOnlyKeys("80/tcp");
        assertThat(execution.volumes()).containsOnlyKeys("/data");
        assertThat(execution.labels()).containsExactly(Map.entry("k", "v"));
        assertThat(execution.healthcheck())
                .isEqualTo(
                        new ImageConfig.Healthcheck(
                                List.of("CMD", "ok"), 5_000_000_000L, 0, 0, 0, 3));
        assertThat(config.rootfs().diffIds()).containsExactly(DIGEST);
        assertThat(config.history())
                .extracting(ImageConfig.History::emptyLayer)
                .containsExactly(true, false);
    }

    @Test
    void givesEmptyValuesForWhatADocumentLeavesOutOrSetsToNull() {
        ImageConfig absent = read("{}", ImageConfig.class);
        ImageConfig nulls =
                read(
                        "{\"config\":null,\"rootfs\":{\"type\":null,\"diff_ids\":null},"
                                + "\"history\":null,\"os\":null}",
                        ImageConfig.class);
        assertThat(absent).isEqualTo(nulls);
        assertThat(absent.config().env()).isEmpty();
        assertThat(absent.rootfs().diffIds()).isEmpty();
    }

    @Test
    void writesTheSameBytesForTheSameManifest() {
        ImageManifest manifest =
                ImageManifest.of(
                        Descriptor.of(MediaType.OCI_CONFIG, DIGEST, 2),
                        List.of(
                                Descriptor.of(MediaType.OCI_LAYER_GZIP, DIGEST, 3)
                                        .withAnnotations(Map.of("b", "2", "a", "1"))));
        String expected =
                """
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\
                "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"@","size":2},\
                "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"@","size":3,\
                "annotations":{"a":"1","b":"2"}}]}\
                """
                        .replace("@", NAME);
        assertThat(new String(OciJson.write(manifest), UTF_8)).isEqualTo(expected);
        assertThat(read(expected, ImageManifest.class)).isEqualTo(manifest);
    }

    @Test
    void writesAConfigWithoutWhatItDoesNotSay() {
        ImageConfig config =
                ImageConfig.of(
                        Platform.linux("amd64"),
                        ImageConfig.Execution.of(List.of("sh"), List.of("PATH=/bin")),
                        List.of(DIGEST));
        assertThat(new String(OciJson.write(config), UTF_8))
                .isEqualTo(
                        """
                        {"architecture":"amd64","os":"linux",\
                        "config":{"Env":["PATH=/bin"],"Cmd":["sh"]},\
                        "rootfs":{"type":"layers","diff_ids":["@"]}}\
                        """
                                .replace("@", NAME));
    }

    @Test
    void readsAnIndexOfSeveralPlatforms() {
        ImageIndex index =
                read(
                        """
                        {"schemaVersion":2,"manifests":[
                          {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"@","size":7,
                           "platform":{"architecture":"arm64","os":"linux","os.features":["x"]},
                           "annotations":{"org.opencontainers.image.ref.name":"v1"}},
                          {"mediaType":"application/x","digest":"@","size":8}]}
                        """
                                .replace("@", NAME),
                        ImageIndex.class);
        Descriptor first = index.manifests().getFirst();
        assertThat(Platform.linux("arm64").runs(first.platform())).isTrue();
        assertThat(Platform.linux("amd64").runs(first.platform())).isFalse();
        assertThat(first.annotations()).containsEntry(Descriptor.REF_NAME, "v1");
        assertThat(index.manifests().getLast().platform()).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "{",
                "{} {}",
                "{\"schemaVersion\":2}",
                "{\"config\":{\"size\":1}}",
                "{\"config\":{\"digest\":\"sha256:xyz\",\"size\":1}}",
                "{\"config\":{\"digest\":\"../x\",\"size\":1}}",
                "{\"config\":{},\"config\":{}}",
                "{\"layers\":[null]}",
                "{\"layers\":{\"a\":1}}"
            })
    void refusesAManifestThatIsNone(String json) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() -> read(json, ImageManifest.class))
                .withMessageStartingWith("the manifest is not valid: ");
    }

    @Test
    void doesNotPrintTheValuesOfTheEnvironment() {
        var execution = ImageConfig.Execution.of(List.of("sh"), List.of("TOKEN=hush"));
        assertThat(execution.toString()).doesNotContain("hush").contains("1 names");
    }

    @Test
    void knowsMediaTypesByTheirNames() {
        assertThat(MediaType.of("application/vnd.docker.image.rootfs.diff.tar.gzip"))
                .hasValueSatisfying(type -> {
                    assertThat(type.kind()).isEqualTo(MediaType.Kind.LAYER);
                    assertThat(type.compression()).isEqualTo(MediaType.Compression.GZIP);
                });
        assertThat(MediaType.of("application/vnd.wasm.content.layer.v1+wasm")).isEmpty();
        assertThat(MediaType.isEncrypted(MediaType.OCI_LAYER_GZIP.text() + "+encrypted")).isTrue();
    }

    private static <T> T read(String json, Class<T> type) {
        return OciJson.read(json.getBytes(UTF_8), type, "the manifest");
    }
}
