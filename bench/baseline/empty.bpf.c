// SPDX-License-Identifier: GPL-2.0-only
/* What every figure is held against: a program that looks at nothing. It has ctga's maps, and uses none. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"

SEC("xdp.frags")
int ctga(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
