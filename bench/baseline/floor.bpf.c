// SPDX-License-Identifier: GPL-2.0-only
/*
 * About the least that a program can do that knows tree heads' answers from others: it checks the
 * same headers (of IPv4 alone), reads one word of each line of the answer, looks once into the table
 * of names, and counts. It finds no name. It has ctga's maps.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"

#define LINES 6

SEC("xdp.frags")
int ctga(struct xdp_md *ctx)
{
	const __u8 *start = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethhdr *ethernet = (const void *)start;
	const struct iphdr *ip = (const void *)(ethernet + 1);
	const struct udphdr *udp = (const void *)(ip + 1);
	const __be16 *dns = (const void *)(udp + 1);
	const __u64 *question = (const void *)(dns + 6);
	struct counters *counters = only_value(&verdicts);
	const struct generation *generation = generation_of(generation_in_force());
	const struct ports *set = only_value(&ports);
	const struct name_place *found;
	__u64 sum;
	__u16 port;

	if (!counters || !generation || !set || (void *)(ethernet + 1) > (void *)end)
		return XDP_PASS;
	if (ethernet->h_proto != bpf_htons(ETH_P_IP)) {
		COUNT(counters->not_ip);
		return XDP_PASS;
	}
	if ((void *)(ip + 1) > (void *)end)
		return XDP_PASS;
	if (ip->protocol != IPPROTO_UDP) {
		COUNT(counters->not_udp[ip->protocol]);
		return XDP_PASS;
	}
	if ((void *)(udp + 1) > (void *)end || ip->ihl != 5 || ip->frag_off & bpf_htons(0x3fff))
		return XDP_PASS;
	port = bpf_ntohs(udp->source);
	if (!(set->words[port / 64] >> (port % 64) & 1)) {
		COUNT(counters->other_port[0]);
		return XDP_PASS;
	}
	if ((void *)(question + 1) > (void *)end)
		return XDP_PASS;
	if ((dns[1] & bpf_htons(0xf800)) != bpf_htons(0x8000) || dns[2] != bpf_htons(1) ||
	    dns[3] != bpf_htons(1)) {
		COUNT(counters->not_tree_head);
		return XDP_PASS;
	}
	sum = *question;
#pragma unroll
	for (int line = 1; line < LINES; line++) {
		if (start + 64 * line + 8 <= end)
			sum += *(const __u64 *)(start + 64 * line);
	}
	found = &generation->names.buckets[bucket_of_sum(sum) % MAX_NAME_BUCKETS][0];
	if (found->sum == sum)
		COUNT(counters->not_tree_head);
	else
		COUNT(counters->unknown_name);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
