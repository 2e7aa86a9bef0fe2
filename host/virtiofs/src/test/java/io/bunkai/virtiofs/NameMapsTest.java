// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.fuse.XattrName;
import io.bunkai.linux.Errno;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Names of extended attributes, and numbers of users, between guest and host. */
class NameMapsTest {
    private static String toHost(XattrMap map, String name) {
        return switch (map.toHost(XattrName.of(name))) {
            case XattrMap.Mapped.Name(XattrName host) -> host.toString();
            case XattrMap.Mapped.Denied() -> "denied";
            case XattrMap.Mapped.Unsupported() -> "unsupported";
        };
    }

    private static String toGuest(XattrMap map, String name) {
        return map.toGuest(XattrName.of(name)).map(XattrName::toString).orElse("hidden");
    }

    @Test
    void aMapOfAllNamesPrependsAndHidesTheRest() {
        XattrMap map = XattrMap.of(":map::user.virtiofs.:");
        assertThat(toHost(map, "security.capability"))
                .isEqualTo("user.virtiofs.security.capability");
        assertThat(toGuest(map, "user.virtiofs.trusted.x")).isEqualTo("trusted.x");
        assertThat(toGuest(map, "user.other")).isEqualTo("hidden");
        assertThat(map.remappedCapability()).isPresent();
    }

    @Test
    void aMapOfSomeNamesKeepsTheOthers() {
        XattrMap map = XattrMap.of("/map/trusted./user.virtiofs./");
        assertThat(toHost(map, "trusted.x")).isEqualTo("user.virtiofs.trusted.x");
        assertThat(toHost(map, "user.x")).isEqualTo("user.x");
        assertThat(toHost(map, "user.virtiofs.trusted.x")).isEqualTo("denied");
        assertThat(toGuest(map, "trusted.x")).isEqualTo("hidden");
        assertThat(toGuest(map, "user.x")).isEqualTo("user.x");
        assertThat(map.remappedCapability()).isEmpty();
    }

    @Test
    void theFirstRuleThatFitsCounts() {
        XattrMap map =
                XattrMap.of(
                        ":unsupported:client:user.no.:: :bad:all:security.:security.:\n"
                                + ":prefix:all:trusted.:user.:\t:ok:all:::");
        assertThat(toHost(map, "user.no.x")).isEqualTo("unsupported");
        assertThat(toHost(map, "security.x")).isEqualTo("denied");
        assertThat(toHost(map, "trusted.x")).isEqualTo("user.trusted.x");
        assertThat(toHost(map, "user.x")).isEqualTo("user.x");
        assertThat(toGuest(map, "security.x")).isEqualTo("hidden");
        assertThat(toGuest(map, "user.trusted.x")).isEqualTo("trusted.x");
    }

    @Test
    void namesThatWouldBecomeTooLongAreDenied() {
        XattrMap map = XattrMap.of(":map::user.virtiofs.:");
        assertThat(toHost(map, "user." + "x".repeat(245))).isEqualTo("denied");
    }

    @Test
    void numbersAreTranslatedBothWays() {
        IdMap map =
                IdMap.of(
                        List.of(
                                "map:0:100000:1000",
                                "squash-guest:1000:65534:10",
                                "forbid-guest:2000:2",
                                "host:5:4294967295:1"));
        assertThat(map.toHost(0)).isEqualTo(100_000);
        assertThat(map.toHost(999)).isEqualTo(100_999);
        assertThat(map.toHost(1005)).isEqualTo(65534);
        assertThat(map.toHost(2001)).isEqualTo(-Errno.EPERM);
        assertThat(map.toHost(5000)).isEqualTo(5000);
        assertThat(map.toHost(-1)).isEqualTo(0xffff_ffffL);
        assertThat(map.toGuest(100_007)).isEqualTo(7);
        assertThat(map.toGuest(5)).isEqualTo(-1);
        assertThat(map.toGuest(1)).isEqualTo(1);
    }
}
