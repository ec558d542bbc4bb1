/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Datagrams that were merged into one packet: by the kernel as it received them (GRO), or by a
 * sender behind a software device (UDP_SEGMENT). TC ingress sees such a packet whole, with one set
 * of headers and the payloads one behind the other. XDP in a driver never does.
 *
 * Each datagram is judged, counted and copied with headers of its own, as it would be on a wire:
 * Ethernet, IP without options and UDP, made of those of the packet. The packet stays as it is.
 */
#ifndef CTGA_MERGED_H
#define CTGA_MERGED_H

#include "headers.h"
#include "source.h"

/* UDP_MAX_SEGMENTS of Linux. */
#define MAX_MERGED 128

/* The sum of 16-bit words that checksums are made of (RFC 1071). `length` is a constant. */
static __always_inline __u32 sum_words(const __u8 *bytes, const __u32 length)
{
	__u32 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < length; i += 2)
		sum += *(const __u16 *)(bytes + i);
	return sum;
}

static __always_inline __u16 fold_sum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/*
 * Makes the headers for a payload of so many bytes. Of the UDP checksum it leaves what a sender
 * leaves that has its network card compute it: the sum of the pseudo-header, or over IPv4 nothing.
 */
static __always_inline void set_lengths(struct segment *segment, __u16 length)
{
	struct udphdr *udp = (void *)(segment->headers + segment_headers(segment) - sizeof(*udp));
	struct ipv6hdr *ipv6 = (void *)(segment->headers + ETH_HLEN);
	struct iphdr *ipv4 = (void *)ipv6;

	length += sizeof(*udp);
	udp->len = bpf_htons(length);
	udp->check = 0;
	if (segment->ipv6) {
		ipv6->payload_len = udp->len;
		udp->check = fold_sum(sum_words((const __u8 *)&ipv6->saddr, 32) + udp->len +
				      bpf_htons(IPPROTO_UDP));
		return;
	}
	ipv4->tot_len = bpf_htons(sizeof(*ipv4) + length);
	ipv4->check = 0;
	ipv4->check = ~fold_sum(sum_words((const __u8 *)ipv4, sizeof(*ipv4)));
}

/*
 * Finds where the payloads begin, and takes the headers from the window. Returns false for packets
 * that are not UDP over IP.
 */
static __always_inline bool find_segments(const struct bytes *bytes, struct segment *segment)
{
	struct ip_packet packet = {};
	const struct ethhdr *ethernet;
	const struct ipv6hdr *ipv6;
	const struct iphdr *ipv4;
	const struct udphdr *udp;
	enum network network = parse_link(bytes, &packet.start);

	if (network == NETWORK_IPV4 ? !parse_ipv4(bytes, &packet) :
				      network != NETWORK_IPV6 || !parse_ipv6(bytes, &packet))
		return false;
	ethernet = bytes_at(bytes, 0, sizeof(*ethernet));
	udp = bytes_at(bytes, packet.payload, sizeof(*udp));
	if (!packet.udp || packet.fragment || !ethernet || !udp)
		return false;
	segment->ipv6 = network == NETWORK_IPV6;
	segment->at = packet.payload + sizeof(*udp);
	*(struct ethhdr *)segment->headers = *ethernet;
	if (segment->ipv6) {
		ipv6 = bytes_at(bytes, packet.start, sizeof(*ipv6));
		if (!ipv6)
			return false;
		*(struct ipv6hdr *)(segment->headers + ETH_HLEN) = *ipv6;
		((struct ipv6hdr *)(segment->headers + ETH_HLEN))->nexthdr = IPPROTO_UDP;
	} else {
		ipv4 = bytes_at(bytes, packet.start, sizeof(*ipv4));
		if (!ipv4)
			return false;
		*(struct iphdr *)(segment->headers + ETH_HLEN) = *ipv4;
		segment->headers[ETH_HLEN] = 0x45; /* version 4, without options */
	}
	((struct ethhdr *)segment->headers)->h_proto =
		segment->ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	*(struct udphdr *)(segment->headers + segment_headers(segment) - sizeof(*udp)) = *udp;
	return true;
}

#endif
