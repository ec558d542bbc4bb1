/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the bytes of a frame come from: the hook that the program runs at, and the way to read
 * them.
 *
 * The linear part of a frame is read in place, which costs nothing. Where headers go on beyond it
 * (jumbo frames of some drivers, socket buffers at TC), the program first copies the beginning of
 * the frame to a window and reads it there. It does so with every frame of a link without Ethernet,
 * and if its loader has no CAP_PERFMON: the verifier then allows nothing but constants to be added
 * to packet pointers. All
 * parsing is written once, over `struct bytes`, and compiled for both ways.
 */
#ifndef CTGA_SOURCE_H
#define CTGA_SOURCE_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"

enum hook {
	HOOK_XDP,
	HOOK_TC,
	HOOK_SEGMENT, /* TC, and one datagram of a packet that several were merged into: merged.h */
};

const volatile struct constants constants = {
	.has_ethernet = true,
	.parts_merged = true,
};

/* The Makefile defines this for the object that loads without CAP_PERFMON. */
#ifdef CTGA_WITHOUT_PERFMON
#define READS_IN_PLACE false
#else
#define READS_IN_PLACE true
#endif

/* `hook` is a constant wherever these are called, so the compiler keeps one branch of each. */
static __always_inline void *data_of(void *ctx, enum hook hook)
{
	return hook == HOOK_XDP ? (void *)(long)((struct xdp_md *)ctx)->data :
				  (void *)(long)((struct __sk_buff *)ctx)->data;
}

static __always_inline void *data_end_of(void *ctx, enum hook hook)
{
	return hook == HOOK_XDP ? (void *)(long)((struct xdp_md *)ctx)->data_end :
				  (void *)(long)((struct __sk_buff *)ctx)->data_end;
}

static __always_inline __u32 interface_of(void *ctx, enum hook hook)
{
	return hook == HOOK_XDP ? ((struct xdp_md *)ctx)->ingress_ifindex :
				  ((struct __sk_buff *)ctx)->ifindex;
}

/* Whether frames begin with IP, as tunnels and point-to-point links have them. */
static __always_inline bool lacks_ethernet(enum hook hook)
{
	return hook == HOOK_TC && !constants.has_ethernet;
}

static __always_inline bool reads_in_place(enum hook hook)
{
	return READS_IN_PLACE && hook != HOOK_SEGMENT && !lacks_ethernet(hook);
}

static __always_inline __u32 segment_headers(const struct segment *segment)
{
	return segment->ipv6 ? ETH_HLEN + 40 + 8 : ETH_HLEN + 20 + 8;
}

/* The verifier allows up to 0xffff to be added to a packet pointer. This stays well below. */
#define LARGEST_OFFSET 0x7fff

/* Whether the first `length` bytes of the frame can be read in place. */
static __always_inline bool is_linear(void *ctx, enum hook hook, __u32 length)
{
	return reads_in_place(hook) && length <= LARGEST_OFFSET &&
	       data_of(ctx, hook) + length <= data_end_of(ctx, hook);
}

/*
 * How many bytes lie in front of IP on a link without Ethernet: none on most. What comes out of
 * IPsec (vti, xfrm) has the Ethernet header in which it came there, and what GRE takes from anybody
 * has the outer headers. The kernel tells programs what its network header is and not where, so the
 * two are compared at each of these places: of Ethernet, and of IPv4 with GRE of zero to three
 * fields (RFC 2784, RFC 2890). Not inlined, so that the verifier does not judge the rest of the
 * program once for each of them.
 */
__noinline __u32 find_ip(struct __sk_buff *ctx)
{
	const __u32 places[] = { 0, ETH_HLEN, 24, 28, 32, 36 };
	__u64 header[2], found[2];

	if (bpf_skb_load_bytes_relative(ctx, 0, header, sizeof(header), BPF_HDR_START_NET))
		return 0;
#pragma unroll
	for (int i = 0; i < 6; i++) {
		if (bpf_skb_load_bytes(ctx, places[i], found, sizeof(found)))
			return 0;
		if (found[0] == header[0] && found[1] == header[1])
			return places[i];
	}
	return 0;
}

/* What is added to an offset in a frame without Ethernet for the header that load_frame makes. */
static __always_inline __u32 added_header(enum hook hook)
{
	const struct window *copy = lacks_ethernet(hook) ? only_value(&window) : NULL;

	return copy ? ETH_HLEN - (__u32)copy->front : 0;
}

/* Length of the frame in all its buffers, with the Ethernet header that load_frame makes. */
static __always_inline __u32 frame_length(void *ctx, enum hook hook)
{
	const struct segment *segment;

	if (hook == HOOK_SEGMENT) {
		segment = only_value(&segments);
		return segment ? segment_headers(segment) + segment->length : 0;
	}
	if (hook == HOOK_TC)
		return ((struct __sk_buff *)ctx)->len + added_header(hook);
	return bpf_xdp_get_buff_len(ctx);
}

/*
 * Copies `length` bytes, from 1 to `max`, at `offset` of the frame to `to`; false if the frame has
 * fewer. The verifier must see both bounds in the register itself, and that of Linux 6.1 learns
 * nothing from a comparison with zero: so zero is made to wrap, and one comparison refuses both
 * ends.
 */
static __always_inline bool load(void *ctx, enum hook hook, __u32 offset, void *to, __u64 length,
				 __u64 max)
{
	const struct segment *segment;

	if (hook == HOOK_SEGMENT) {
		segment = only_value(&segments);
		if (!segment)
			return false;
		offset += segment->at - segment_headers(segment);
		hook = HOOK_TC;
	}
	length -= 1;
	barrier_var(length);
	if (length >= max)
		return false;
	barrier_var(length);
	length += 1;
	if (hook == HOOK_TC)
		return bpf_skb_load_bytes(ctx, offset - added_header(hook), to, length) == 0;
	return bpf_xdp_load_bytes(ctx, offset, to, length) == 0;
}

/* Likewise of a segment's frame, behind so many bytes of headers, a constant. */
static __always_inline bool load_segment(void *ctx, const struct segment *segment, void *to,
					 __u64 length, __u64 max, const __u32 headers)
{
	__builtin_memcpy(to, segment->headers, headers);
	return load(ctx, HOOK_SEGMENT, headers, to + headers, length - headers, max - headers);
}

/*
 * Likewise from the beginning of the frame. A frame without an Ethernet header gets one, of no
 * addresses, so that all that follows knows one link layer, and user space too.
 */
static __always_inline bool load_frame(void *ctx, enum hook hook, void *to, __u64 length, __u64 max)
{
	const struct segment *segment;

	if (hook == HOOK_SEGMENT) {
		segment = only_value(&segments);
		if (!segment)
			return false;
		if (segment->ipv6)
			return load_segment(ctx, segment, to, length, max, ETH_HLEN + 40 + 8);
		return load_segment(ctx, segment, to, length, max, ETH_HLEN + 20 + 8);
	}
	if (!lacks_ethernet(hook))
		return load(ctx, hook, 0, to, length, max);
	*(struct ethhdr *)to = (struct ethhdr){ .h_proto = ((struct __sk_buff *)ctx)->protocol };
	return load(ctx, hook, ETH_HLEN, to + ETH_HLEN, length - ETH_HLEN, max - ETH_HLEN);
}

/*
 * Bytes to parse. `window` is a constant: true for the copy in the window, false for the frame
 * itself.
 */
struct bytes {
	const __u8 *start;
	const __u8 *end; /* in place: the end of the linear part */
	__u32 available; /* in the window: how many bytes of the frame it holds */
	__u64 zero;      /* in the window: its zero */
	bool window;
};

static __always_inline struct bytes bytes_of_frame(void *ctx, enum hook hook)
{
	return (struct bytes){
		.start = data_of(ctx, hook),
		.end = data_end_of(ctx, hook),
		.window = false,
	};
}

static __always_inline struct bytes bytes_of_window(const struct window *window)
{
	return (struct bytes){
		.start = window->bytes,
		.available = window->available,
		.zero = window->zero,
		.window = true,
	};
}

/*
 * The `length` bytes at `offset`, or NULL if they are not all there. `length` is a constant.
 *
 * Without CAP_PERFMON, the verifier demands that an instruction that adds to a pointer adds either
 * a known or an unknown value on every path through it. Adding the window's zero makes every offset
 * unknown.
 */
static __always_inline const void *bytes_at(const struct bytes *bytes, __u32 offset,
					    const __u32 length)
{
	const __u8 *found;
	__u64 unknown;

	if (bytes->window) {
		unknown = offset + bytes->zero;
		/* The verifier of Linux 6.1 must see the register compared that is added. */
		barrier_var(unknown);
		if (unknown > WINDOW - length || unknown + length > bytes->available)
			return NULL;
		barrier_var(unknown);
		return bytes->start + unknown;
	}
	/* The verifier must see this comparison, even if the compiler knows its result. */
	if (!__builtin_constant_p(offset))
		barrier_var(offset);
	if (offset > LARGEST_OFFSET)
		return NULL;
	found = bytes->start + offset;
	/* Otherwise the compiler compares the pointer with NULL, which needs CAP_PERFMON. */
	__builtin_assume(found);
	return found + length <= bytes->end ? found : NULL;
}

#endif
