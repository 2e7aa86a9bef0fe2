// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.base.Deadline;
import io.bunkai.linux.Fd;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A device's state on its way through a pipe, on a thread of its own that ends with it: the
 * front-end reads or writes the other end only after it has been told that all is well.
 */
final class StateTransfer {
    private static final System.Logger LOG = System.getLogger(StateTransfer.class.getName());

    private final FutureTask<Boolean> result;

    private StateTransfer(FutureTask<Boolean> result) {
        this.result = result;
    }

    /** Starts a transfer, which owns the pipe. */
    static StateTransfer start(DeviceState state, boolean load, Fd pipe) {
        FutureTask<Boolean> work = new FutureTask<>(() -> run(state, load, pipe));
        Thread.ofPlatform().name("device state").daemon(true).start(work);
        return new StateTransfer(work);
    }

    private static boolean run(DeviceState state, boolean load, Fd pipe) {
        try (pipe) { // its end tells the front-end that this was all
            if (load) {
                InputStream in = new BufferedInputStream(pipe.input());
                state.load(in);
            } else {
                OutputStream out = new BufferedOutputStream(pipe.output());
                state.save(out);
                out.flush();
            }
            return true;
        } catch (IOException | RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "the device's state was lost load=" + load, e);
            return false;
        }
    }

    /** {@return whether all arrived, once it has ended; false if it has not by then} */
    boolean succeeded(Deadline deadline) {
        try {
            return result.get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException | TimeoutException e) {
            return false;
        }
    }
}
