// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NegotiationTest {
    private static final int READAHEAD = 128 * 1024;

    @Test
    void agreesOnWhatBothSidesHave() {
        Agreement agreement =
                agree(
                        offer(45, InitFlag.ASYNC_READ, InitFlag.MAX_PAGES, InitFlag.POSIX_LOCKS),
                        wanting(InitFlag.ASYNC_READ, InitFlag.MAX_PAGES, InitFlag.SUBMOUNTS));

        assertThat(agreement.features())
                .isEqualTo(EnumSet.of(InitFlag.ASYNC_READ, InitFlag.MAX_PAGES));
        assertThat(agreement.minor()).isEqualTo(45);
        assertThat(agreement.maxWrite()).isEqualTo(1 << 20);
        assertThat(agreement.maxPages()).isEqualTo(256);
        assertThat(agreement.maxReadahead()).isEqualTo(READAHEAD);
    }

    @ParameterizedTest
    @ValueSource(ints = {27, 31, 32, 38, 45})
    void speaksTheVersionOfAnOlderKernel(int minor) {
        assertThat(agree(offer(minor), wanting()).minor()).isEqualTo(minor);
    }

    @Test
    void speaksItsOwnVersionToANewerKernel() {
        assertThat(agree(offer(99), wanting()).minor()).isEqualTo(Negotiation.MINOR);
        assertThat(agree(offer(-1), wanting()).minor()).isEqualTo(Negotiation.MINOR);
    }

    @Test
    void refusesKernelsWhoseStructuresAreOfLongAgo() {
        assertThat(Negotiation.of(offer(26), wanting()))
                .isEqualTo(
                        new Negotiation.Refused(
                                71, "the kernel speaks version 7.26, the least is 7.27"));
        assertThat(Negotiation.of(init(6, 99, 0), wanting()))
                .isInstanceOf(Negotiation.Refused.class);
    }

    @Test
    void tellsItsVersionToAKernelOfALaterMajorVersion() {
        assertThat(Negotiation.of(init(8, 0, 0), wanting())).isEqualTo(new Negotiation.Newer());
        assertThat(Negotiation.of(init(-1, 0, 0), wanting())).isEqualTo(new Negotiation.Newer());
    }

    @Test
    void hasNoUpperHalfOfFlagsWithoutInitExt() {
        Agreement without =
                agree(
                        offer(34, InitFlag.ASYNC_READ, InitFlag.SECURITY_CTX),
                        wanting(InitFlag.ASYNC_READ, InitFlag.SECURITY_CTX));
        Agreement with =
                agree(
                        offer(38, InitFlag.INIT_EXT, InitFlag.SECURITY_CTX),
                        wanting(InitFlag.SECURITY_CTX));

        assertThat(without.flags() >>> 30).isZero();
        assertThat(with.features()).isEqualTo(EnumSet.of(InitFlag.INIT_EXT, InitFlag.SECURITY_CTX));
    }

    @Test
    void writesAtMost32PagesToAKernelThatIsNotToldMore() {
        Agreement agreement = agree(offer(31), wanting(InitFlag.MAX_PAGES));

        assertThat(agreement.maxWrite()).isEqualTo(32 * 4096);
        assertThat(agreement.maxPages()).isZero();
    }

    @Test
    void countsAPageForEachPartOfIt() {
        InitOptions odd =
                new InitOptions(Set.of(InitFlag.MAX_PAGES), Set.of(), 4097, 0, 1, 0, 0, 0, 0);

        assertThat(agree(offer(31, InitFlag.MAX_PAGES), odd).maxPages()).isEqualTo(2);
    }

    @Test
    void refusesAKernelWithoutAFeatureThatIsRequired() {
        InitOptions options =
                new InitOptions(
                        Set.of(),
                        Set.of(InitFlag.POSIX_ACL, InitFlag.DONT_MASK),
                        1 << 20,
                        0,
                        1,
                        0,
                        0,
                        0,
                        0);

        assertThat(Negotiation.of(offer(45, InitFlag.DONT_MASK), options))
                .isEqualTo(new Negotiation.Refused(71, "the kernel does not have [POSIX_ACL]"));
        assertThat(agree(offer(45, InitFlag.DONT_MASK, InitFlag.POSIX_ACL), options).features())
                .isEqualTo(EnumSet.of(InitFlag.DONT_MASK, InitFlag.POSIX_ACL));
    }

    @Test
    void neverAgreesOnOtherTransports() {
        Set<InitFlag> all = EnumSet.allOf(InitFlag.class);
        Agreement agreement = agree(init(7, 45, InitFlag.word(all)), InitOptions.wanting(all));

        assertThat(agreement.features())
                .doesNotContainAnyElementsOf(Negotiation.NEVER)
                .hasSize(all.size() - Negotiation.NEVER.size());
    }

    @Test
    void leavesOutWhatDependsOnAFeatureThatIsNotThere() {
        Agreement agreement =
                agree(
                        offer(45, InitFlag.READDIRPLUS_AUTO),
                        wanting(InitFlag.READDIRPLUS_AUTO, InitFlag.DO_READDIRPLUS));

        assertThat(agreement.flags()).isZero();
        InitOptions timed =
                new InitOptions(
                        Set.of(InitFlag.REQUEST_TIMEOUT, InitFlag.MAP_ALIGNMENT),
                        Set.of(),
                        1 << 20,
                        0,
                        1,
                        0,
                        0,
                        12,
                        60);
        assertThat(agree(offer(45), timed).mapAlignment()).isZero();
        assertThat(agree(offer(45), timed).requestTimeoutSeconds()).isZero();
        FuseRequest.Init offer =
                offer(45, InitFlag.INIT_EXT, InitFlag.REQUEST_TIMEOUT, InitFlag.MAP_ALIGNMENT);
        Agreement both = agree(offer, timed);
        assertThat(both.mapAlignment()).isEqualTo(12);
        assertThat(both.requestTimeoutSeconds()).isEqualTo(60);
    }

    @Test
    void refusesOptionsOutsideOfTheirRanges() {
        assertThatThrownBy(() -> new InitOptions(Set.of(), Set.of(), 4095, 0, 1, 0, 0, 0, 0))
                .hasMessageContaining("max_write is 4095");
        assertThatThrownBy(() -> new InitOptions(Set.of(), Set.of(), 4096, 0, 250, 0, 0, 0, 0))
                .hasMessageContaining("time_gran");
        assertThatThrownBy(() -> new InitOptions(Set.of(), Set.of(), 4096, 0, 1, 65536, 0, 0, 0))
                .hasMessageContaining("max_background");
    }

    private static Agreement agree(FuseRequest.Init offer, InitOptions options) {
        return ((Negotiation.Agreed) Negotiation.of(offer, options)).agreement();
    }

    private static InitOptions wanting(InitFlag... flags) {
        return InitOptions.wanting(Set.of(flags));
    }

    private static FuseRequest.Init offer(int minor, InitFlag... flags) {
        return init(7, minor, InitFlag.word(Set.of(flags)));
    }

    private static FuseRequest.Init init(int major, int minor, long flags) {
        return new FuseRequest.Init(Messages.header(Opcode.INIT), major, minor, READAHEAD, flags);
    }
}
