// SPDX-License-Identifier: GPL-2.0-only
/* Makes every packet another one, and hands it to the program that is measured. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
} measured SEC(".maps");

/* Which bytes of the frame to change: eight letters at `letters`, or two bytes at `number`. */
struct variation {
	__u32 letters; /* offsets; 0: none */
	__u32 number;
	__u64 packets; /* so far */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct variation);
} variation SEC(".maps");

#define LARGEST_OFFSET 1400

SEC("xdp.frags")
int vary(struct xdp_md *ctx)
{
	const __u32 key = 0;
	struct variation *what = bpf_map_lookup_elem(&variation, &key);
	__u8 *start = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 packet, text;
	__u32 at;

	if (!what)
		return XDP_ABORTED;
	packet = what->packets++;
	at = what->letters;
	if (at && at <= LARGEST_OFFSET && start + at + 8 <= end) {
		/* 32 bits, four in each letter from 'a' to 'p'. */
		text = (packet & 0xffff) | (packet & 0xffff0000) << 16;
		text = (text | text << 8) & 0x00ff00ff00ff00ffULL;
		text = (text | text << 4) & 0x0f0f0f0f0f0f0f0fULL;
		*(__u64 *)(start + at) = text + 0x6161616161616161ULL;
	}
	at = what->number;
	if (at && at <= LARGEST_OFFSET && start + at + 2 <= end)
		*(__u16 *)(start + at) = packet;
	bpf_tail_call(ctx, &measured, 0);
	return XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
