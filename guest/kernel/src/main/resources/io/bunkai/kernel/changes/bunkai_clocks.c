// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * Clocks whose speed the host knows are told, not measured: measuring keeps an emulated processor busy for more than a
 * tenth of a second of each boot.
 *
 *   tsc_early_khz=KHZ   the kernel's own parameter; here it also keeps the processor's clock from being measured
 *   lapic_timer_hz=HZ   the local interrupt controller's timer, before its divider; QEMU's counts nanoseconds
 */
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <asm/apic.h>
#include <asm/param.h>
#include <asm/x86_init.h>

static unsigned int known_khz;

static unsigned long known_cpu_khz(void)
{
	return known_khz;
}

static int __init know_tsc(char *text)
{
	int error = text ? kstrtouint(text, 0, &known_khz) : -EINVAL;

	if (!error && known_khz)
		x86_platform.calibrate_cpu = known_cpu_khz;
	return error;
}
early_param("tsc_early_khz", know_tsc);

static int __init know_lapic_timer(char *text)
{
	unsigned int hz;
	int error = text ? kstrtouint(text, 0, &hz) : -EINVAL;

	if (!error)
		lapic_timer_period = hz / HZ;
	return error;
}
early_param("lapic_timer_hz", know_lapic_timer);
