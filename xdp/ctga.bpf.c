// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies CT-over-DNS answers and small IP fragments to user space, and passes every packet on.
 *
 * Never drops, delays or rewrites: whatever the bytes, the verdict is XDP_PASS, returned in one place.
 * That is aggregation indistinguishability, first half: no packet shows that it was looked at.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "copy.h"
#include "maps.h"
#include "name.h"
#include "parse.h"
#include "record.h"

/* What a packet is to us: exactly one of these, and each is counted. */
enum verdict {
	NOT_IP,
	NOT_UDP53,
	MALFORMED,
	NOT_DNS_ANSWER,
	UNKNOWN_NAME,
	KNOWN_ANSWER,
	FRAGMENT_TOO_LARGE,
	SMALL_FRAGMENT,
};

/* `cur` is behind the IP header of an unfragmented UDP datagram. */
static __always_inline enum verdict judge_datagram(struct xdp_md *ctx, struct cursor *cur,
						   const struct ip_packet *packet)
{
	__u32 packet_end = packet->start + packet->length;
	__u32 datagram_end = cur->offset;
	struct question *question;
	struct dns_header *dns;
	struct udphdr *udp;

	udp = parse_udp(cur);
	if (!udp)
		return MALFORMED;
	if (udp->source != bpf_htons(DNS_PORT))
		return NOT_UDP53;
	datagram_end += bpf_ntohs(udp->len);
	if (datagram_end > packet_end)
		return MALFORMED;

	dns = parse_dns(cur);
	if (!dns || cur->offset > datagram_end)
		return MALFORMED;
	if (!is_single_answer(dns))
		return NOT_DNS_ANSWER;

	question = only_value(&scratch);
	if (!question)
		return NOT_DNS_ANSWER;
	switch (read_question(ctx, cur->offset, datagram_end, question)) {
	case QUESTION_MALFORMED:
		return MALFORMED;
	case QUESTION_OTHER:
		return NOT_DNS_ANSWER;
	case QUESTION_IN_TXT:
		break;
	}
	return bpf_map_lookup_elem(&known_names, &question->name) ? KNOWN_ANSWER : UNKNOWN_NAME;
}

/*
 * The threshold holds for fragments alone. It is data minimisation for bytes that cannot be judged: only
 * a first fragment has ports and a name, and a later one may be anybody's (Section 4.4.2 of "Aggregation-Based
 * Certificate Transparency Gossip"). An unfragmented answer to a known name is judged, so it is copied
 * whole: otherwise a log could evade us by padding its answers (RFC 7830) past the threshold.
 */
static __always_inline enum verdict judge(struct xdp_md *ctx, const struct settings *settings,
					  struct ip_packet *packet)
{
	struct cursor cur = start_of(ctx);

	switch (parse_ethernet(&cur)) {
	case bpf_htons(ETH_P_IP):
		if (!parse_ipv4(ctx, &cur, packet))
			return MALFORMED;
		break;
	case bpf_htons(ETH_P_IPV6):
		if (!parse_ipv6(ctx, &cur, packet))
			return MALFORMED;
		break;
	default:
		return NOT_IP;
	}
	if (packet->protocol != IPPROTO_UDP)
		return NOT_UDP53;
	if (packet->fragment)
		return packet->length <= settings->fragment_threshold ? SMALL_FRAGMENT : FRAGMENT_TOO_LARGE;
	return judge_datagram(ctx, &cur, packet);
}

static __always_inline void observe(struct xdp_md *ctx, const struct settings *settings, struct counters *counters)
{
	struct ip_packet packet = {};

	counters->packets++;
	switch (judge(ctx, settings, &packet)) {
	case NOT_IP:
		counters->not_ip++;
		break;
	case NOT_UDP53:
		counters->not_udp53++;
		break;
	case MALFORMED:
		counters->malformed++;
		break;
	case NOT_DNS_ANSWER:
		counters->not_dns_answer++;
		break;
	case UNKNOWN_NAME:
		counters->unknown_name++;
		break;
	case FRAGMENT_TOO_LARGE:
		counters->fragments_too_large++;
		break;
	case KNOWN_ANSWER:
		copy_packet(ctx, &packet, RECORD_ANSWER, settings, &counters->answers);
		break;
	case SMALL_FRAGMENT:
		copy_packet(ctx, &packet, RECORD_FRAGMENT, settings, &counters->fragments);
		break;
	}
}

/* frags: without it a native attach cuts the peer's MTU or fails on jumbo frames. */
SEC("xdp.frags")
int ctga(struct xdp_md *ctx)
{
	struct settings *current_settings = only_value(&settings);
	struct counters *this_cpu = only_value(&counters);

	if (current_settings && this_cpu)
		observe(ctx, current_settings, this_cpu);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
