// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Seccomp;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OptionParserTest {
    private static ServerOptions parse(String... arguments) {
        List<String> all = new ArrayList<>(List.of("--socket-path=/s"));
        all.addAll(List.of(arguments));
        return OptionParser.parse(all);
    }

    @Test
    void theDefaultsAreThoseOfTheRustDaemon() {
        ServerOptions options = parse("--shared-dir", "/d");
        assertThat(options.sharedDir()).isEqualTo(Path.of("/d"));
        assertThat(options.sandbox()).isEqualTo(Sandbox.NAMESPACE);
        assertThat(options.seccomp()).isEqualTo(Seccomp.Action.KILL);
        FileSystemOptions files = options.files();
        assertThat(files.cache()).isEqualTo(CacheMode.AUTO);
        assertThat(files.timeoutNanos()).isEqualTo(1_000_000_000L);
        assertThat(files.writeback()).isFalse();
        assertThat(files.xattrs()).isNull();
        assertThat(files.posixAcl()).isFalse();
        assertThat(files.killprivV2()).isFalse();
        assertThat(files.readdirplus()).isTrue();
        assertThat(files.submounts()).isTrue();
        assertThat(files.readOnly()).isFalse();
        assertThat(files.directIo()).isFalse();
    }

    @Test
    void theCommandLineOfKataIsTaken() {
        ServerOptions options =
                OptionParser.parse(
                        List.of(
                                "--fd=3",
                                "-o",
                                "source=/d,cache=always,no_posix_lock,xattr",
                                "--thread-pool-size=1",
                                "--announce-submounts",
                                "-f"));
        assertThat(options.fd()).hasValue(3);
        assertThat(options.threadPoolSize()).hasValue(1);
        assertThat(options.files().cache()).isEqualTo(CacheMode.ALWAYS);
        assertThat(options.files().xattrs()).isNotNull();
        assertThat(options.sharedDir()).isEqualTo(Path.of("/d"));
    }

    @Test
    void theFormOfTheCDaemonIsTaken() {
        ServerOptions options =
                parse(
                        "-osource=/d,sandbox=chroot,timeout=2.5,writeback,no_readdirplus,"
                                + "allow_direct_io,killpriv_v2,log_level=warn,announce_submounts");
        assertThat(options.sandbox()).isEqualTo(Sandbox.CHROOT);
        assertThat(options.files().timeoutNanos()).isEqualTo(2_500_000_000L);
        assertThat(options.files().writeback()).isTrue();
        assertThat(options.files().readdirplus()).isFalse();
        assertThat(options.files().directIo()).isTrue();
        assertThat(options.files().killprivV2()).isTrue();
        assertThat(options.logLevel()).isEqualTo(ServerOptions.LogLevel.WARN);
    }

    @Test
    void theLastOfSeveralCounts() {
        ServerOptions options =
                parse(
                        "--shared-dir=/d",
                        "--cache=never",
                        "--cache=always",
                        "--xattr",
                        "--no-xattr");
        assertThat(options.files().cache()).isEqualTo(CacheMode.ALWAYS);
        assertThat(options.files().xattrs()).isNull();
    }

    @Test
    void anotherDirectoryAfterwardsIsRefused() {
        assertThatThrownBy(() -> parse("--shared-dir=/d", "-o", "source=/"))
                .isInstanceOf(Fault.class)
                .hasMessage("--shared-dir is said twice, '/d' and '/'");
        assertThat(parse("--shared-dir=/d", "-o", "source=/d").sharedDir())
                .isEqualTo(Path.of("/d"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--sandbox=chroot --sandbox=none",
                "--seccomp=kill --seccomp=none",
                "--fd=3",
                "--cache=sometimes",
                "--cache",
                "--sandbox=jail",
                "--xattr=yes",
                "--thread-pool-size=-1",
                "--thread-pool-size=x",
                "--translate-uid=map:0:1000",
                "--translate-uid=map:0:1000:10 --translate-uid=map:5:2000:1",
                "--translate-uid=lead:1:2:3",
                "--xattrmap=:map:trusted.",
                "--xattrmap=:ok:client:user.::",
                "--posix-acl --translate-uid=map:0:1000:1",
                "--no-xattr --posix-acl --no-xattr",
                "--tag=0123456789012345678901234567890123456",
                "--modcaps=sys_admin",
                "--modcaps=+sysadmin",
                "--inode-file-handles=always",
                "--timeout=-1",
                "--fs-bw-size=-1",
                "--fs-bw-size=10MB",
                "--fs-bw-size=2000000G",
                "--fs-bw-burst=1",
                "--fs-ops-burst=1",
                "--fs-bw-size=10 --fs-bw-read-size=10",
                "--fs-bw-size=10 --fs-bw-write-size=10",
                "--fs-bw-read-burst=10 --fs-bw-write-size=10",
                "--fs-bw-size=10 --fs-bw-burst-mode=sometimes",
                "--fs-bw-size=10 --fs-bw-burst=5 --fs-bw-burst-mode=refill",
                "--fs-bw-size=10 --fs-bw-refill-time=0",
                "--fs-bw-size=10 --fs-bw-refill-time=1s",
                "--control-fd=5 --control-socket=/c",
                "--no-such-option",
                "-x",
                "word"
            })
    void whatMakesNoSenseIsRefused(String words) {
        List<String> all = new ArrayList<>(List.of("--shared-dir=/d"));
        all.addAll(List.of(words.split(" ")));
        assertThatThrownBy(() -> parse(all.toArray(String[]::new)))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--syslog",
                "--daemonize",
                "--posix-lock",
                "--flock",
                "--uid-map=:0:1000:1:",
                "--gid-map=:0:1000:1:",
                "--migration-mode=find-paths",
                "--migration-confirm-paths"
            })
    void whatIsNotThereYetIsRefusedWithTheReason(String word) {
        assertThatThrownBy(() -> parse("--shared-dir=/d", word))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> assertThat(fault.code()).isEqualTo(FaultCode.UNIMPLEMENTED))
                .hasMessageContaining(" is refused: ");
    }

    @Test
    void limitsHaveUnitsAndDefaults() {
        long second = 1_000_000_000;
        assertThat(parse("--shared-dir=/d").limits()).isEqualTo(Limits.NONE);
        assertThat(parse("--shared-dir=/d", "--fs-bw-size=0").limits()).isEqualTo(Limits.NONE);
        assertThat(parse("--shared-dir=/d", "--fs-bw-size=10M", "--fs-bw-burst=20M").limits())
                .isEqualTo(
                        new Limits(
                                Map.of(
                                        Meter.TOTAL,
                                        new Limit(10_000_000, 20_000_000, false, second))));
        Limits apart =
                parse(
                                "--shared-dir=/d",
                                "--fs-bw-read-size=3Ki",
                                "--fs-bw-write-size=1Gi",
                                "--fs-bw-write-burst=2Gi",
                                "--fs-bw-burst-mode=refill",
                                "--fs-bw-refill-time=100",
                                "--fs-ops-size=2k",
                                "--fs-ops-refill-time=50")
                        .limits();
        assertThat(apart)
                .isEqualTo(
                        new Limits(
                                Map.of(
                                        Meter.READ,
                                        new Limit(3072, 0, true, second / 10),
                                        Meter.WRITE,
                                        new Limit(1L << 30, 2L << 30, true, second / 10),
                                        Meter.OPERATIONS,
                                        new Limit(2000, 0, false, second / 20))));
        assertThat(Limits.of(apart.settings())).isEqualTo(apart);
    }

    @Test
    void whyLimitsAreRefusedIsSaid() {
        assertThatThrownBy(() -> parse("--shared-dir=/d", "--fs-bw-burst=1"))
                .hasMessage("--fs-bw-burst makes no sense without fs-bw-size");
        assertThatThrownBy(() -> parse("--shared-dir=/d", "--fs-bw-size=1", "--fs-bw-read-size=1"))
                .hasMessage(
                        "--fs-bw-size limits reads and writes together, fs-bw-read-size apart: only"
                                + " one of both can be");
    }

    @Test
    void aDirectoryAndASocketAreNeeded() {
        assertThatThrownBy(() -> OptionParser.parse(List.of("--socket-path=/s")))
                .hasMessage("there is no --shared-dir");
        assertThatThrownBy(() -> OptionParser.parse(List.of("--shared-dir=/d")))
                .hasMessage("there is neither --socket-path nor --fd");
        assertThat(OptionParser.parse(List.of("--print-capabilities")).printCapabilities())
                .isTrue();
    }

    @Test
    void theHelpNamesEveryOptionThatDoesSomething() {
        String help = Option.help();
        Option.BY_NAME.values().stream()
                .filter(option -> !option.text().isEmpty())
                .forEach(option -> assertThat(help).contains("--" + option.name()));
        assertThat(help.lines().mapToInt(String::length).max().orElse(0)).isLessThan(110);
    }

    @Test
    void spaceIsASizeAndANumberOfFiles() {
        assertThat(space("512M")).isEqualTo(new SpaceLimit(512_000_000, SpaceLimit.NO_LIMIT));
        assertThat(space("4096,10")).isEqualTo(new SpaceLimit(4096, 10));
        assertThat(space("2Gi,1")).isEqualTo(new SpaceLimit(2L << 30, 1));
        for (String bad :
                List.of("", "-1", "much", "1m", "1M,", "1M,0", "1M,-5", "1M,x", "1M,2,3")) {
            assertThatThrownBy(() -> space(bad)).as(bad).isInstanceOf(Fault.class);
        }
    }

    private static @Nullable SpaceLimit space(String text) {
        return OptionParser.parse(List.of("--fd=3", "--shared-dir=/x", "--fs-quota=" + text))
                .files()
                .space();
    }
}
