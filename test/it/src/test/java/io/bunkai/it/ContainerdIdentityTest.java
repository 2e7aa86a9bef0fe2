// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A container's id says little: namespaces and other containerds have the same ones. */
class ContainerdIdentityTest {
    private static final String ID = "same";

    @RegisterExtension
    @Order(1)
    static final TestContainerd first = new TestContainerd();

    @RegisterExtension
    @Order(2)
    static final TestContainerd second = first.beside();

    @Test
    void containersOfOneIdAreApartAndEndApart() {
        Ctr one = first.in("default");
        Ctr otherNamespace = first.in("other");
        Ctr otherContainerd = second.in("default");
        List<Ctr> all = List.of(one, otherNamespace, otherContainerd);
        all.forEach(ctr -> ctr.startSleeper(ID));
        for (int i = 0; i < all.size(); i++) {
            all.get(i).inside(ID, "sh", "-c", "echo " + i + " >/mine");
        }
        for (int i = 0; i < all.size(); i++) {
            assertThat(all.get(i).inside(ID, "cat", "/mine")).isEqualTo(String.valueOf(i));
        }
        assertThat(all.stream().map(ctr -> ctr.pid(ID))).doesNotHaveDuplicates();

        one.ctr("tasks", "kill", "--signal", "KILL", ID).expectSuccess();
        one.awaitState(ID, "STOPPED");
        assertThat(otherNamespace.inside(ID, "cat", "/mine")).isEqualTo("1");
        assertThat(otherContainerd.inside(ID, "cat", "/mine")).isEqualTo("2");

        one.ctr("tasks", "delete", ID).expectSuccess();
        one.ctr("containers", "delete", ID).expectSuccess();
        assertThat(otherNamespace.inside(ID, "cat", "/mine")).isEqualTo("1");
        assertThat(otherContainerd.inside(ID, "cat", "/mine")).isEqualTo("2");
        assertThat(first.events(otherNamespace, ID))
                .extracting(CtrEvents.Event::summary)
                .doesNotContain("exit same 137");
        assertThat(second.events(otherContainerd, ID))
                .extracting(CtrEvents.Event::summary)
                .doesNotContain("exit same 137");

        otherNamespace.remove(ID);
        assertThat(otherContainerd.inside(ID, "cat", "/mine")).isEqualTo("2");
        otherContainerd.remove(ID);
    }
}
