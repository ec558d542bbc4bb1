/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Headers, outermost first: Ethernet, IPv4 or IPv6, UDP, DNS.
 *
 * One function per header: each checks its bounds once, moves the cursor past the header and returns it,
 * or returns NULL. Nobody else looks at cur->end. The cursor also counts the offset, because subtracting
 * packet pointers takes CAP_PERFMON.
 *
 * Headers are read in the linear part of a frame, where every driver puts them; a frame whose headers are
 * spread over several buffers counts as malformed.
 */
#ifndef CTGA_PARSE_H
#define CTGA_PARSE_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct cursor {
	void *pos;
	void *end;
	__u32 offset; /* of pos from the start of the frame */
};

static __always_inline struct cursor start_of(struct xdp_md *ctx)
{
	return (struct cursor){
		.pos = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
}

static __always_inline void *take(struct cursor *cur, __u32 length)
{
	void *header = cur->pos;

	if (header + length > cur->end)
		return NULL;
	cur->pos = header + length;
	cur->offset += length;
	return header;
}

struct vlan_header {
	__be16 tci;
	__be16 ethertype;
};

/* Returns the EtherType below at most one VLAN tag (IEEE 802.1Q or 802.1ad), or 0. */
static __always_inline __be16 parse_ethernet(struct cursor *cur)
{
	struct ethhdr *ethernet = take(cur, sizeof(*ethernet));
	struct vlan_header *vlan;

	if (!ethernet)
		return 0;
	if (ethernet->h_proto != bpf_htons(ETH_P_8021Q) && ethernet->h_proto != bpf_htons(ETH_P_8021AD))
		return ethernet->h_proto;
	vlan = take(cur, sizeof(*vlan));
	return vlan ? vlan->ethertype : 0;
}

/* Where an IP packet lies in its frame, and as much of its header as the verdict depends on. */
struct ip_packet {
	__u32 start;   /* offset of the IP header */
	__u32 length;  /* of header and payload as the header says; checked against the frame */
	__u8 protocol; /* of the payload, or of what the fragments add up to */
	bool fragment;
};

/* A frame may be longer than its packet (Ethernet pads to 60 bytes), never shorter. */
static __always_inline bool fits(struct xdp_md *ctx, const struct ip_packet *packet)
{
	return packet->start + packet->length <= bpf_xdp_get_buff_len(ctx);
}

#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff

/* RFC 791, Section 3.1. Returns false if the header contradicts itself or the frame. */
static __always_inline bool parse_ipv4(struct xdp_md *ctx, struct cursor *cur, struct ip_packet *packet)
{
	struct iphdr *ip;
	__u32 header_length;

	packet->start = cur->offset;
	ip = take(cur, sizeof(*ip));
	if (!ip || ip->version != 4 || ip->ihl < 5)
		return false;
	header_length = ip->ihl * 4;
	packet->length = bpf_ntohs(ip->tot_len);
	packet->protocol = ip->protocol;
	packet->fragment = ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET);
	if (packet->length < header_length || !fits(ctx, packet))
		return false;
	return take(cur, header_length - sizeof(*ip)); /* options */
}

struct ipv6_fragment_header {
	__u8 next_header;
	__u8 reserved;
	__be16 offset_and_more;
	__be32 identification;
};

/*
 * RFC 8200, Section 3, and the Fragment header (Section 4.5) where it comes first. Atomic fragments
 * (RFC 6946) are fragments here: reassembly hands them on at once. Other extension headers are left to
 * the protocol check, which passes them by. A payload length of zero is a jumbogram's (RFC 2675).
 */
static __always_inline bool parse_ipv6(struct xdp_md *ctx, struct cursor *cur, struct ip_packet *packet)
{
	struct ipv6_fragment_header *fragment;
	struct ipv6hdr *ip;
	__u32 payload_length;

	packet->start = cur->offset;
	ip = take(cur, sizeof(*ip));
	if (!ip || ip->version != 6)
		return false;
	payload_length = bpf_ntohs(ip->payload_len);
	packet->length = sizeof(*ip) + payload_length;
	packet->protocol = ip->nexthdr;
	packet->fragment = ip->nexthdr == IPPROTO_FRAGMENT;
	if (payload_length == 0 || !fits(ctx, packet))
		return false;
	if (!packet->fragment)
		return true;
	fragment = take(cur, sizeof(*fragment));
	if (!fragment || payload_length < sizeof(*fragment))
		return false;
	packet->protocol = fragment->next_header;
	return true;
}

static __always_inline struct udphdr *parse_udp(struct cursor *cur)
{
	return take(cur, sizeof(struct udphdr));
}

/* RFC 1035, Section 4.1.1. */
struct dns_header {
	__be16 id;
	__be16 flags;
	__be16 question_count;
	__be16 answer_count;
	__be16 authority_count;
	__be16 additional_count;
};

#define DNS_PORT 53
#define DNS_FLAG_RESPONSE 0x8000
#define DNS_OPCODE_MASK 0x7800
#define DNS_OPCODE_QUERY 0
#define DNS_TYPE_TXT 16
#define DNS_CLASS_IN 1

static __always_inline struct dns_header *parse_dns(struct cursor *cur)
{
	return take(cur, sizeof(struct dns_header));
}

/*
 * One question, one answer. The other sections are not looked at: an OPT record is normal there. Nor is
 * TC: user space counts truncated answers.
 */
static __always_inline bool is_single_answer(const struct dns_header *dns)
{
	return (dns->flags & bpf_htons(DNS_FLAG_RESPONSE | DNS_OPCODE_MASK)) ==
		       bpf_htons(DNS_FLAG_RESPONSE | DNS_OPCODE_QUERY) &&
	       dns->question_count == bpf_htons(1) && dns->answer_count == bpf_htons(1);
}

#endif
