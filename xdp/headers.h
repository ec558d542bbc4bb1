/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The headers in front of UDP, outermost first: Ethernet with VLAN tags and PPPoE, then IPv4, or
 * IPv6 with extension headers.
 *
 * Each function reads its headers at an offset, sets the offset behind them, and says if the frame
 * is cut off there. No field is read before the verdict needs it: most packets are not for us, and
 * end here.
 */
#ifndef CTGA_HEADERS_H
#define CTGA_HEADERS_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>

#include "source.h"

struct vlan_header {
	__be16 tci;
	__be16 ethertype;
};

/* RFC 2516, Section 4, with the protocol number of PPP (RFC 1661, Section 2) that follows. */
struct pppoe_header {
	__u8 version_and_type;
	__u8 code;
	__be16 session;
	__be16 length;
	__be16 ppp_protocol;
};

#define PPPOE_VERSION_1_TYPE_1 0x11
#define PPP_IPV4 0x0021
#define PPP_IPV6 0x0057

/* What a frame carries, according to its link layer. */
enum network {
	NETWORK_OTHER,
	NETWORK_IPV4,
	NETWORK_IPV6,
	NETWORK_TAGGED, /* below more than MAX_VLAN_TAGS */
	NETWORK_MPLS,
	NETWORK_CUT, /* the frame ends within the headers of the link layer */
};

#define MAX_VLAN_TAGS 3

/* IEEE 802.1Q and 802.1ad, and what switches used for outer tags before. */
static __always_inline bool is_vlan(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD) ||
	       ethertype == bpf_htons(ETH_P_QINQ1) || ethertype == bpf_htons(ETH_P_QINQ2) ||
	       ethertype == bpf_htons(ETH_P_QINQ3);
}

/* RFC 5332, Section 3. */
static __always_inline bool is_mpls(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_MPLS_UC) || ethertype == bpf_htons(ETH_P_MPLS_MC);
}

static __always_inline enum network parse_link(const struct bytes *bytes, __u32 *offset)
{
	const struct ethhdr *ethernet = bytes_at(bytes, 0, sizeof(*ethernet));
	const struct pppoe_header *pppoe;
	const struct vlan_header *vlan;
	__be16 ethertype;

	if (!ethernet)
		return NETWORK_CUT;
	*offset = sizeof(*ethernet);
	ethertype = ethernet->h_proto;
	/* IP is asked for first, since most frames carry it. */
#pragma unroll
	for (int tags = 0; tags <= MAX_VLAN_TAGS; tags++) {
		if (ethertype == bpf_htons(ETH_P_IP))
			return NETWORK_IPV4;
		if (ethertype == bpf_htons(ETH_P_IPV6))
			return NETWORK_IPV6;
		if (!is_vlan(ethertype))
			break;
		if (tags == MAX_VLAN_TAGS)
			return NETWORK_TAGGED;
		vlan = bytes_at(bytes, *offset, sizeof(*vlan));
		if (!vlan)
			return NETWORK_CUT;
		*offset += sizeof(*vlan);
		ethertype = vlan->ethertype;
	}
	if (ethertype != bpf_htons(ETH_P_PPP_SES))
		return is_mpls(ethertype) ? NETWORK_MPLS : NETWORK_OTHER;

	pppoe = bytes_at(bytes, *offset, sizeof(*pppoe));
	if (!pppoe)
		return NETWORK_CUT;
	*offset += sizeof(*pppoe);
	if (pppoe->version_and_type != PPPOE_VERSION_1_TYPE_1 || pppoe->code != 0)
		return NETWORK_OTHER;
	if (pppoe->ppp_protocol == bpf_htons(PPP_IPV4))
		return NETWORK_IPV4;
	return pppoe->ppp_protocol == bpf_htons(PPP_IPV6) ? NETWORK_IPV6 : NETWORK_OTHER;
}

/* What the verdict depends on of an IP packet. Offsets count from the beginning of the frame. */
struct ip_packet {
	__u32 start; /* offset of the IP header */
	__u32 end;   /* where the header says that the packet ends; not checked against the frame */
	__u32 payload; /* offset of what follows the IP headers */
	__u8 protocol; /* what follows the IP headers */
	bool udp;      /* UDP, or a fragment that may belong to UDP */
	bool fragment;
	bool ipv6;
	bool tunnel;  /* UDP to a port where tunnels end */
	__u64 fate;   /* of a fragment: as good as chance, and the same for all of its datagram */
	__u64 source; /* of a fragment: likewise, and the same for all of its sender's fragments */
};

/*
 * What the fragments of a datagram have in common decides (RFC 791, Section 3.2; RFC 8200, Section
 * 4.5). Both are 0 if there are no keys, which cannot be.
 */
static __always_inline void set_fate_of_ipv4(struct ip_packet *packet, const struct iphdr *ip)
{
	const struct generation *generation = generation_of(generation_in_force());
	struct siphash state, sender;

	if (!generation)
		return;
	state = sip_begin(generation->keys.datagram);
	sip_word(&state, ip->saddr);
	sender = state;
	packet->source = sip_end(&sender, 1);
	sip_word(&state, (__u64)ip->daddr << 32 | ip->id);
	packet->fate = sip_end(&state, 2);
}

/*
 * The sender is known by the first 48 bits of its address, which is what a site is given at most
 * (RFC 6177): whoever has one has as many addresses as he likes.
 */
static __always_inline void set_fate_of_ipv6(struct ip_packet *packet, const struct ipv6hdr *ip,
					     __be32 identification)
{
	const struct generation *generation = generation_of(generation_in_force());
	struct siphash state, sender;
	__u64 addresses[4], site;

	if (!generation)
		return;
	__builtin_memcpy(addresses, &ip->saddr, sizeof(addresses));
	site = bpf_be64_to_cpu(addresses[0]);
	state = sip_begin(generation->keys.datagram);
	sip_word(&state, site >> 16 | 1ULL << 63); /* no IPv4 address */
	sender = state;
	packet->source = sip_end(&sender, 1);
#pragma unroll
	for (int i = 1; i < 4; i++)
		sip_word(&state, addresses[i]);
	sip_word(&state, (site & 0xffff) << 32 | identification);
	packet->fate = sip_end(&state, 5);
}

#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff

/*
 * RFC 791, Section 3.1. Returns false if the header is cut off or contradicts itself. Where the
 * packet is not UDP, only `udp` and `protocol` are set.
 */
static __always_inline bool parse_ipv4(const struct bytes *bytes, struct ip_packet *packet)
{
	const struct iphdr *ip = bytes_at(bytes, packet->start, sizeof(*ip));
	__u32 header_length;

	if (!ip)
		return false;
	packet->protocol = ip->protocol;
	packet->udp = ip->protocol == IPPROTO_UDP;
	if (!packet->udp)
		return true;
	header_length = ip->ihl * 4;
	packet->end = packet->start + bpf_ntohs(ip->tot_len);
	packet->payload = packet->start + header_length;
	if (ip->version != 4 || ip->ihl < 5 || packet->payload > packet->end)
		return false;
	packet->fragment = ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET);
	if (packet->fragment)
		set_fate_of_ipv4(packet, ip);
	return true;
}

struct ipv6_extension {
	__u8 next_header;
	__u8 length; /* in units of 8 bytes, the first 8 not counted */
};

struct ipv6_fragment {
	__u8 next_header;
	__u8 reserved;
	__be16 offset_and_more;
	__be32 identification;
};

#define IPV6_FRAGMENT_OFFSET 0xfff8

/* RFC 8200, Section 4.1: each extension header occurs at most once, destination options twice. */
#define MAX_EXTENSION_HEADERS 5

static __always_inline bool is_extension(__u8 header)
{
	return header == IPPROTO_HOPOPTS || header == IPPROTO_ROUTING || header == IPPROTO_DSTOPTS;
}

/*
 * RFC 8200, Sections 3 and 4. Skips extension headers in front of a fragment header or of UDP, and
 * returns false if the headers are cut off or contradict themselves. What follows a fragment
 * header, which may be further extension headers, is left to reassembly; in a later fragment the
 * next header means nothing (Section 4.5). Atomic fragments (RFC 6946) count as fragments:
 * reassembly hands them on at once. A payload length of zero belongs to a jumbogram (RFC 2675),
 * which carries no answer.
 */
static __always_inline bool parse_ipv6(const struct bytes *bytes, struct ip_packet *packet)
{
	const struct ipv6hdr *ip = bytes_at(bytes, packet->start, sizeof(*ip));
	const struct ipv6_extension *extension;
	const struct ipv6_fragment *fragment;
	__u8 next;

	if (!ip)
		return false;
	next = ip->nexthdr;
	packet->end = packet->start + sizeof(*ip) + bpf_ntohs(ip->payload_len);
	packet->payload = packet->start + sizeof(*ip);
	packet->udp = false;
#pragma unroll
	for (int count = 0; count < MAX_EXTENSION_HEADERS && is_extension(next); count++) {
		extension = bytes_at(bytes, packet->payload, sizeof(*extension));
		if (!extension)
			return false;
		next = extension->next_header;
		packet->payload += 8 + extension->length * 8;
	}
	if (next == IPPROTO_FRAGMENT) {
		fragment = bytes_at(bytes, packet->payload, sizeof(*fragment));
		if (!fragment)
			return false;
		packet->payload += sizeof(*fragment);
		next = fragment->next_header;
		if (fragment->offset_and_more & bpf_htons(IPV6_FRAGMENT_OFFSET))
			next = IPPROTO_UDP;
		packet->fragment = true;
		set_fate_of_ipv6(packet, ip, fragment->identification);
	}
	packet->protocol = next;
	packet->udp = next == IPPROTO_UDP || (packet->fragment && is_extension(next));
	if (!packet->udp)
		return true;
	return ip->version == 6 && ip->payload_len != 0 && packet->payload <= packet->end;
}

/* VXLAN (RFC 7348), as Linux had it before, Geneve (RFC 8926) and GTP-U (3GPP TS 29.281). */
#define PORT_VXLAN 4789
#define PORT_VXLAN_OF_LINUX 8472
#define PORT_GENEVE 6081
#define PORT_GTP_U 2152

/* Whether a tunnel ends at this UDP port. Without a branch, as most packets are no tunnel's. */
static __always_inline bool is_tunnel_port(__be16 port)
{
	__u64 none_is_zero =
		(__u64)(port ^ bpf_htons(PORT_VXLAN)) * (port ^ bpf_htons(PORT_VXLAN_OF_LINUX));

	none_is_zero *= (__u64)(port ^ bpf_htons(PORT_GENEVE)) * (port ^ bpf_htons(PORT_GTP_U));
	return (none_is_zero - 1) >> 63 & ~none_is_zero >> 63;
}

#endif
