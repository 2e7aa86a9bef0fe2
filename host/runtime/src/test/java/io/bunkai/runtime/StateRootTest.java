// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.testkit.TestRoot;
import io.bunkai.vmm.VirtualMachineSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StateRootTest {
    private final TestRoot root = TestRoot.create();

    @AfterEach
    void end() {
        root.close();
    }

    private Path ofLength(int bytes) {
        int missing = bytes - root.path().toString().length() - 1;
        return root.path().resolve("x".repeat(missing));
    }

    @Test
    void isMadeForItsOwnerAlone() throws IOException {
        StateRoot state = StateRoot.open(root.resolve("a/b"));
        for (Path directory : new Path[] {state.run(), state.library(), state.logs()}) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
                    .isEqualTo("rwx------");
        }
        assertThat(StateRoot.open(root.resolve("a/b"))).isEqualTo(state);
    }

    @Test
    void hasNoSymbolicLinksInIt() throws IOException {
        Path real = Files.createDirectory(root.resolve("real"));
        Path link = Files.createSymbolicLink(root.resolve("link"), real);
        assertThat(StateRoot.open(link).path()).isEqualTo(real.toRealPath());
    }

    @Test
    void theLongestHasRoomForAMachine() {
        StateRoot state = StateRoot.open(ofLength(StateRoot.LONGEST));
        Path machine = state.sandboxes().resolve(ContainerNames.newId());
        assertThat(machine.toString().getBytes(StandardCharsets.UTF_8).length)
                .isEqualTo(VirtualMachineSpec.LONGEST_DIRECTORY);
    }

    @Test
    void aLongerOneIsRefusedAndNotMade() {
        Path path = ofLength(StateRoot.LONGEST + 1);
        Fault fault = catchThrowableOfType(Fault.class, () -> StateRoot.open(path));
        assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(fault.hint().orElseThrow()).contains("59 bytes");
        assertThat(path).doesNotExist();
    }

    @Test
    void oneThatCannotBeMadeIsNamed() throws IOException {
        Path file = Files.createFile(root.resolve("file"));
        Fault fault =
                catchThrowableOfType(Fault.class, () -> StateRoot.open(file.resolve("below")));
        assertThat(fault.code()).isEqualTo(FaultCode.INTERNAL);
        assertThat(fault).hasMessageContaining(file.toString());
    }
}
