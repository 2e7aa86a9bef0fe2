// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.qmp.QmpProtocolException;
import io.bunkai.qmp.QmpValue;
import io.bunkai.vmm.DiskLimits;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The throttle group that the limited disks of a machine are members of. It is there without
 * limits, too, so that they can be set later.
 *
 * <p>A group is a bucket that leaks at the rate; a request waits while the bucket is full. Its
 * size, {@code -max} times {@code -max-length} of one second, is therefore what can be saved up: a
 * second's share and the burst. Left to itself QEMU would take a tenth of a second's share.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP ThrottleLimits
 */
final class DiskThrottle {
    static final String GROUP = "limits";
    static final String PATH = "/objects/" + GROUP;
    static final String PROPERTY = "limits";

    private static final String BANDWIDTH = "bps-total";
    private static final String BANDWIDTH_SAVED = "bps-total-max";
    private static final String OPERATIONS = "iops-total";
    private static final String OPERATIONS_SAVED = "iops-total-max";

    private DiskThrottle() {}

    /** {@return the value of {@code -object}; only as JSON it takes the limits as QMP does} */
    static String object(DiskLimits limits) {
        String values =
                values(limits).entrySet().stream()
                        .map(entry -> "\"" + entry.getKey() + "\":" + entry.getValue())
                        .collect(Collectors.joining(",", "{", "}"));
        return "{\"qom-type\":\"throttle-group\",\"id\":\"%s\",\"%s\":%s}"
                .formatted(GROUP, PROPERTY, values);
    }

    /** {@return what the group's property is set to} */
    static Map<String, Long> values(DiskLimits limits) {
        Map<String, Long> values = new LinkedHashMap<>();
        values.put(BANDWIDTH, limits.bandwidth());
        values.put(BANDWIDTH_SAVED, limits.bandwidth() + limits.burst());
        values.put(OPERATIONS, limits.operations());
        values.put(OPERATIONS_SAVED, limits.operations() + limits.operationsBurst());
        return values;
    }

    /** {@return the limits that the group's property means} */
    static DiskLimits limits(QmpValue values) throws QmpProtocolException {
        long bandwidth = values.number(BANDWIDTH);
        long operations = values.number(OPERATIONS);
        return new DiskLimits(
                bandwidth,
                Math.max(0, values.number(BANDWIDTH_SAVED) - bandwidth),
                operations,
                Math.max(0, values.number(OPERATIONS_SAVED) - operations));
    }
}
