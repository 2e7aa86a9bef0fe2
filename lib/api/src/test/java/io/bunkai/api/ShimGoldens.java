// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.bunkai.api.containerd.BootstrapParams;
import io.bunkai.api.containerd.BootstrapResult;
import io.bunkai.api.containerd.Capability;
import io.bunkai.api.containerd.Descriptor;
import io.bunkai.api.containerd.Extension;
import io.bunkai.api.containerd.LogLevel;
import io.bunkai.api.containerd.Mount;
import io.bunkai.api.containerd.ProcessDetails;
import io.bunkai.api.containerd.ProcessInfo;
import io.bunkai.api.containerd.RuntimeInfo;
import io.bunkai.api.containerd.RuntimeOptions;
import io.bunkai.api.containerd.RuntimeRequest;
import io.bunkai.api.containerd.RuntimeVersion;
import java.util.List;

/** Of what a shim is started with and says of itself: see {@link ContainerdGolden}. */
final class ShimGoldens {
    static final List<ContainerdGolden> ALL =
            List.of(
                    mount(),
                    descriptor(),
                    runtimeRequest(),
                    runtimeVersion(),
                    runtimeInfo(),
                    processInfo(),
                    processDetails(),
                    runtimeOptions(),
                    bootstrapParams(),
                    bootstrapParamsWithAnEmptyDirectory(),
                    extension(),
                    bootstrapResult());

    private ShimGoldens() {}

    private static ContainerdGolden processDetails() {
        return new ContainerdGolden(
                "process details",
                "containerd.runc.v1.ProcessDetails",
                ProcessDetails.newBuilder().setExecId("shell").build(),
                """
                exec_id: "shell"
                """,
                """
                0a05 7368656c6c  // 1 exec_id: "shell"
                """);
    }

    private static ContainerdGolden mount() {
        return new ContainerdGolden(
                "mount",
                "containerd.types.Mount",
                Mount.newBuilder()
                        .setType("overlay")
                        .setSource("overlay")
                        .setTarget("/data")
                        .addOptions("lowerdir=/l")
                        .addOptions("upperdir=/u")
                        .build(),
                """
                type: "overlay"
                source: "overlay"
                target: "/data"
                options: "lowerdir=/l"
                options: "upperdir=/u"
                """,
                """
                0a07 6f7665726c6179  // 1 type: "overlay"
                1207 6f7665726c6179  // 2 source: "overlay"
                1a05 2f64617461  // 3 target: "/data"
                220b 6c6f7765726469723d2f6c  // 4 options: "lowerdir=/l"
                220b 75707065726469723d2f75  // 4 options: "upperdir=/u"
                """);
    }

    private static ContainerdGolden descriptor() {
        return new ContainerdGolden(
                "descriptor",
                "containerd.types.Descriptor",
                Descriptor.newBuilder()
                        .setMediaType("application/octet-stream")
                        .setDigest("sha256:00")
                        .setSize(5000000000L)
                        .putAnnotations("k", "v")
                        .build(),
                """
                media_type: "application/octet-stream"
                digest: "sha256:00"
                size: 5000000000
                annotations {
                  key: "k"
                  value: "v"
                }
                """,
                """
                0a18 6170706c69636174696f6e2f6f637465742d73747265616d  // 1 media_type: "application/octet-stream"
                1209 7368613235363a3030  // 2 digest: "sha256:00"
                18 80e497d012  // 3 size: 5000000000
                2a06  // 5 annotations
                   0a01 6b  // 1 key: "k"
                   1201 76  // 2 value: "v"
                """);
    }

    private static ContainerdGolden runtimeRequest() {
        return new ContainerdGolden(
                "runtimeRequest",
                "containerd.types.RuntimeRequest",
                RuntimeRequest.newBuilder()
                        .setRuntimePath("/bin/r")
                        .setOptions(
                                Any.newBuilder()
                                        .setTypeUrl(TypeUrls.RUNTIME_OPTIONS)
                                        .setValue(ByteString.copyFromUtf8("\022\002/c")))
                        .build(),
                """
                runtime_path: "/bin/r"
                options {
                  type_url: "runtimeoptions.v1.Options"
                  value: "\\022\\002/c"
                }
                """,
                """
                0a06 2f62696e2f72  // 1 runtime_path: "/bin/r"
                1221  // 2 options
                   0a19 72756e74696d656f7074696f6e732e76312e4f7074696f6e73  // 1 type_url: "runtimeoptions.v1.Options"
                   1204 12022f63  // 2 value: 4 bytes
                """);
    }

    private static ContainerdGolden runtimeVersion() {
        return new ContainerdGolden(
                "runtimeVersion",
                "containerd.types.RuntimeVersion",
                RuntimeVersion.newBuilder().setVersion("0.1.0").setRevision("f00").build(),
                """
                version: "0.1.0"
                revision: "f00"
                """,
                """
                0a05 302e312e30  // 1 version: "0.1.0"
                1203 663030  // 2 revision: "f00"
                """);
    }

    private static ContainerdGolden runtimeInfo() {
        return new ContainerdGolden(
                "runtimeInfo",
                "containerd.types.RuntimeInfo",
                RuntimeInfo.newBuilder()
                        .setName("io.containerd.bunkai.v2")
                        .setVersion(
                                RuntimeVersion.newBuilder().setVersion("0.1.0").setRevision("f00"))
                        .setOptions(Any.newBuilder().setTypeUrl(TypeUrls.RUNTIME_OPTIONS))
                        .setFeatures(
                                Any.newBuilder()
                                        .setTypeUrl(TypeUrls.OCI_FEATURES)
                                        .setValue(ByteString.copyFromUtf8("{}")))
                        .putAnnotations("k", "v")
                        .build(),
                """
                name: "io.containerd.bunkai.v2"
                version {
                  version: "0.1.0"
                  revision: "f00"
                }
                options {
                  type_url: "runtimeoptions.v1.Options"
                }
                features {
                  type_url: "types.containerd.io/opencontainers/runtime-spec/1/features/Features"
                  value: "{}"
                }
                annotations {
                  key: "k"
                  value: "v"
                }
                """,
                """
                0a17 696f2e636f6e7461696e6572642e62756e6b61692e7632  // 1 name: "io.containerd.bunkai.v2"
                120c  // 2 version
                   0a05 302e312e30  // 1 version: "0.1.0"
                   1203 663030  // 2 revision: "f00"
                1a1b  // 3 options
                   0a19 72756e74696d656f7074696f6e732e76312e4f7074696f6e73  // 1 type_url: "runtimeoptions.v1.Options"
                2249  // 4 features
                   0a43 74797065732e636f6e7461696e6572642e696f2f6f70656e636f6e7461696e6572732f72756e74696d652d737065632f312f66656174757265732f4665617475726573  // 1 type_url: "types.containerd.io/opencontainers/runtime-spec/1/features/Features"
                   1202 7b7d  // 2 value: "{}"
                2a06  // 5 annotations
                   0a01 6b  // 1 key: "k"
                   1201 76  // 2 value: "v"
                """);
    }

    private static ContainerdGolden processInfo() {
        return new ContainerdGolden(
                "processInfo",
                "containerd.v1.types.ProcessInfo",
                ProcessInfo.newBuilder()
                        .setPid(4711)
                        .setInfo(
                                Any.newBuilder()
                                        .setTypeUrl("t")
                                        .setValue(ByteString.copyFromUtf8("{}")))
                        .build(),
                """
                pid: 4711
                info {
                  type_url: "t"
                  value: "{}"
                }
                """,
                """
                08 e724  // 1 pid: 4711
                1207  // 2 info
                   0a01 74  // 1 type_url: "t"
                   1202 7b7d  // 2 value: "{}"
                """);
    }

    private static ContainerdGolden runtimeOptions() {
        return new ContainerdGolden(
                "runtimeOptions",
                "runtimeoptions.v1.Options",
                RuntimeOptions.Options.newBuilder()
                        .setTypeUrl("t")
                        .setConfigPath("/etc/c.toml")
                        .setConfigBody(ByteString.copyFromUtf8("a = 1"))
                        .build(),
                """
                type_url: "t"
                config_path: "/etc/c.toml"
                config_body: "a = 1"
                """,
                """
                0a01 74  // 1 type_url: "t"
                120b 2f6574632f632e746f6d6c  // 2 config_path: "/etc/c.toml"
                1a05 61203d2031  // 3 config_body: "a = 1"
                """);
    }

    private static ContainerdGolden bootstrapParams() {
        return new ContainerdGolden(
                "bootstrapParams",
                "containerd.runtime.bootstrap.v1.BootstrapParams",
                BootstrapParams.newBuilder()
                        .setInstanceId("a1b2")
                        .setNamespace("k8s.io")
                        .setLogLevel(LogLevel.LOG_LEVEL_DEBUG)
                        .setContainerdVersion("2.3.0")
                        .setContainerdTtrpcAddress("/run/t")
                        .setContainerdGrpcAddress("/run/g")
                        .setContainerdBinary("/bin/c")
                        .addExtensions(
                                Extension.newBuilder()
                                        .setValue(
                                                Any.newBuilder()
                                                        .setTypeUrl(TypeUrls.RUNTIME_OPTIONS)
                                                        .setValue(
                                                                ByteString.copyFromUtf8(
                                                                        "\022\002/c"))))
                        .setSocketDir("/run/s")
                        .build(),
                """
                instance_id: "a1b2"
                namespace: "k8s.io"
                log_level: LOG_LEVEL_DEBUG
                containerd_version: "2.3.0"
                containerd_ttrpc_address: "/run/t"
                containerd_grpc_address: "/run/g"
                containerd_binary: "/bin/c"
                extensions {
                  value {
                    type_url: "runtimeoptions.v1.Options"
                    value: "\\022\\002/c"
                  }
                }
                socket_dir: "/run/s"
                """,
                """
                0a04 61316232  // 1 instance_id: "a1b2"
                1206 6b38732e696f  // 2 namespace: "k8s.io"
                18 fcffffffffffffffff01  // 3 log_level: -4, LOG_LEVEL_DEBUG
                2205 322e332e30  // 4 containerd_version: "2.3.0"
                2a06 2f72756e2f74  // 5 containerd_ttrpc_address: "/run/t"
                3206 2f72756e2f67  // 6 containerd_grpc_address: "/run/g"
                3a06 2f62696e2f63  // 7 containerd_binary: "/bin/c"
                4223  // 8 extensions
                   0a21  // 1 value
                      0a19 72756e74696d656f7074696f6e732e76312e4f7074696f6e73  // 1 type_url: "runtimeoptions.v1.Options"
                      1204 12022f63  // 2 value: 4 bytes
                4a06 2f72756e2f73  // 9 socket_dir: "/run/s"
                """);
    }

    private static ContainerdGolden bootstrapParamsWithAnEmptyDirectory() {
        return new ContainerdGolden(
                "bootstrapParamsWithAnEmptyDirectory",
                "containerd.runtime.bootstrap.v1.BootstrapParams",
                BootstrapParams.newBuilder().setSocketDir("").build(),
                """
                socket_dir: ""
                """,
                """
                4a00  // 9 socket_dir: ""
                """);
    }

    private static ContainerdGolden extension() {
        return new ContainerdGolden(
                "extension",
                "containerd.runtime.bootstrap.v1.Extension",
                Extension.newBuilder()
                        .setValue(
                                Any.newBuilder()
                                        .setTypeUrl("t")
                                        .setValue(ByteString.copyFromUtf8("{}")))
                        .build(),
                """
                value {
                  type_url: "t"
                  value: "{}"
                }
                """,
                """
                0a07  // 1 value
                   0a01 74  // 1 type_url: "t"
                   1202 7b7d  // 2 value: "{}"
                """);
    }

    private static ContainerdGolden bootstrapResult() {
        return new ContainerdGolden(
                "bootstrapResult",
                "containerd.runtime.bootstrap.v1.BootstrapResult",
                BootstrapResult.newBuilder()
                        .setVersion(3)
                        .setAddress("unix:///run/s/1")
                        .setProtocol("ttrpc")
                        .addCapabilities(Capability.CAPABILITY_UNSPECIFIED)
                        .putMetadata("k", "v")
                        .build(),
                """
                version: 3
                address: "unix:///run/s/1"
                protocol: "ttrpc"
                capabilities: CAPABILITY_UNSPECIFIED
                metadata {
                  key: "k"
                  value: "v"
                }
                """,
                """
                08 03  // 1 version: 3
                120f 756e69783a2f2f2f72756e2f732f31  // 2 address: "unix:///run/s/1"
                1a05 7474727063  // 3 protocol: "ttrpc"
                2201 00  // 4 capabilities: 0
                2a06  // 5 metadata
                   0a01 6b  // 1 key: "k"
                   1201 76  // 2 value: "v"
                """);
    }
}
