// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies CT-over-DNS answers and small IP fragments to user space, and passes every packet on.
 *
 * On the packets' path the program never drops, delays or rewrites anything: whatever the bytes, it
 * returns that the packet goes on. That is the first half of aggregation indistinguishability: no
 * packet shows that somebody looked at it. The second half is that the cost of a packet does not
 * tell whether it was copied.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "answer.h"
#include "copy.h"
#include "headers.h"
#include "maps.h"
#include "merged.h"
#include "record.h"
#include "source.h"

/* What a packet is to us. Each packet is exactly one of these, and is counted as such. */
enum verdict {
	NOT_IP,
	MORE_TAGS,
	MPLS,
	NOT_UDP,
	OTHER_PORT,
	MALFORMED,
	NOT_TREE_HEAD,
	UNKNOWN_NAME,
	KNOWN_ANSWER,
	FRAGMENT,
};

/* Whether user space has listed this UDP source port. */
static __always_inline bool is_listed(__u16 port)
{
	const struct ports *set = only_value(&ports);

	return set && set->words[port / 64] >> (port % 64) & 1;
}

/*
 * Whether the frame has the `length` bytes that the IP header promises. Where the frame is read in
 * place, they must be in its linear part; otherwise the frame is judged again in the window, so
 * that an answer has a tag however the driver splits it.
 */
static __always_inline bool has_bytes(const struct bytes *bytes, void *ctx, enum hook hook,
				      __u32 length)
{
	return bytes->window ? length <= frame_length(ctx, hook) : is_linear(ctx, hook, length);
}

/* A UDP datagram that is not fragmented. Fills in `answer` if it is one to a known name. */
static __always_inline enum verdict judge_datagram(const struct bytes *bytes, void *ctx,
						   enum hook hook, struct ip_packet *packet,
						   struct answer *answer)
{
	const struct udphdr *udp = bytes_at(bytes, packet->payload, sizeof(*udp));
	const struct dns_header *dns;
	__u32 message, end, count, first_bytes;
	const __u8 *name;

	if (!udp)
		return MALFORMED;
	if (!is_listed(bpf_ntohs(udp->source))) {
		packet->tunnel = is_tunnel_port(udp->dest);
		return OTHER_PORT;
	}
	end = packet->payload + bpf_ntohs(udp->len);
	message = packet->payload + sizeof(*udp);
	dns = bytes_at(bytes, message, sizeof(*dns));
	message += sizeof(*dns);
	if (!dns)
		return MALFORMED;
	if (message > end || end > packet->end) {
		/* No length is a jumbogram's (RFC 2675), but Linux takes it in any over IPv6. */
		if (udp->len != 0 || !packet->ipv6 || message > packet->end)
			return MALFORMED;
		end = packet->end;
	}
	if (!has_answer(dns))
		return NOT_TREE_HEAD;
	if (!has_bytes(bytes, ctx, hook, packet->end))
		return MALFORMED;
	name = bytes_at(bytes, message, 4);
	if (!name || message + 4 > end)
		return NOT_TREE_HEAD;
	/* Read now: the verifier of Linux 6.1 does not know later that the name is there. */
	first_bytes = *(const __u32 *)name;
	barrier_var(first_bytes);
	/* Behind a second question, it is not known where the records begin. */
	count = dns->question_count == bpf_htons(1) ? bpf_ntohs(dns->answer_count) : 0;
	switch (parse_answer(bytes, ctx, hook, count, message, end, answer)) {
	case ANSWER_OTHER:
		return NOT_TREE_HEAD;
	case ANSWER_UNKNOWN_NAME:
		return begins_with_known_label(first_bytes) ? UNKNOWN_NAME : NOT_TREE_HEAD;
	case ANSWER_KNOWN:
		return KNOWN_ANSWER;
	}
	return MALFORMED;
}

/* Judges a whole frame, header by header. The packet's path through the program, in order. */
static __always_inline enum verdict judge(const struct bytes *bytes, void *ctx, enum hook hook,
					  struct ip_packet *packet, struct answer *answer)
{
	switch (parse_link(bytes, &packet->start)) {
	case NETWORK_OTHER:
		return NOT_IP;
	case NETWORK_TAGGED:
		return MORE_TAGS;
	case NETWORK_MPLS:
		return MPLS;
	case NETWORK_CUT:
		return MALFORMED;
	case NETWORK_IPV4:
		if (!parse_ipv4(bytes, packet))
			return MALFORMED;
		break;
	case NETWORK_IPV6:
		packet->ipv6 = true;
		if (!parse_ipv6(bytes, packet))
			return MALFORMED;
		break;
	}
	if (!packet->udp)
		return NOT_UDP;
	if (packet->fragment)
		return has_bytes(bytes, ctx, hook, packet->end) ? FRAGMENT : MALFORMED;
	return judge_datagram(bytes, ctx, hook, packet, answer);
}

/* Judges a frame that cannot be read in place, in a copy of its beginning. */
static __always_inline enum verdict judge_in_window(void *ctx, enum hook hook,
						    struct ip_packet *packet, struct answer *answer)
{
	struct window *copy = only_value(&window);
	struct bytes bytes;
	__u32 length;

	if (!copy)
		return MALFORMED;
	if (lacks_ethernet(hook))
		copy->front = find_ip(ctx);
	length = frame_length(ctx, hook);
	copy->available = length < WINDOW ? length : WINDOW;
	if (!load_frame(ctx, hook, copy->bytes, copy->available, WINDOW))
		return MALFORMED;
	bytes = bytes_of_window(copy);
	*packet = (struct ip_packet){};
	return judge(&bytes, ctx, hook, packet, answer);
}

/*
 * The threshold applies to fragments alone. It limits how much is copied of what cannot be judged:
 * only a first fragment has ports and a name, and a later one may be anybody's (Section 4.4.2 of
 * "Aggregation-Based Certificate Transparency Gossip"). An unfragmented answer to a known name has
 * been judged, so it is copied whole: otherwise a log could evade us by padding its answers (RFC
 * 7830) past the threshold.
 */
static __always_inline void judge_fragment(void *ctx, enum hook hook,
					   const struct ip_packet *packet,
					   struct counters *counters)
{
	const struct settings *settings = only_value(&limits);

	if (!settings)
		return;
	if (packet->end - packet->start > settings->fragment_threshold ||
	    packet->end > RECORD_CAPACITY)
		COUNT(counters->fragments_too_large);
	else
		handle_fragment(ctx, hook, packet, settings, counters);
}

/* Judges one frame, counts it and copies it if it is to be copied. */
static __always_inline void observe(void *ctx, enum hook hook)
{
	struct counters *counters = only_value(&verdicts);
	struct answer answer; /* filled in for known names */
	struct ip_packet packet = {};
	enum verdict verdict = MALFORMED;
	struct bytes bytes;

	if (!counters)
		return;
	if (reads_in_place(hook)) {
		bytes = bytes_of_frame(ctx, hook);
		verdict = judge(&bytes, ctx, hook, &packet, &answer);
	}
	if (verdict == MALFORMED && !is_linear(ctx, hook, frame_length(ctx, hook)))
		verdict = judge_in_window(ctx, hook, &packet, &answer);

	switch (verdict) {
	case NOT_IP:
		COUNT(counters->not_ip);
		break;
	case MORE_TAGS:
		COUNT(counters->more_tags);
		break;
	case MPLS:
		COUNT(counters->mpls);
		break;
	case NOT_UDP:
		COUNT(counters->not_udp[packet.protocol]);
		break;
	case OTHER_PORT:
		/* Without CAP_PERFMON, an index must not be known on one way and unknown on another. */
		if (packet.tunnel)
			COUNT(counters->other_port[1]);
		else
			COUNT(counters->other_port[0]);
		break;
	case MALFORMED:
		COUNT(counters->malformed);
		break;
	case NOT_TREE_HEAD:
		COUNT(counters->not_tree_head);
		break;
	case UNKNOWN_NAME:
		COUNT(counters->unknown_name);
		break;
	case FRAGMENT:
		judge_fragment(ctx, hook, &packet, counters);
		break;
	case KNOWN_ANSWER:
		if (packet.end > RECORD_CAPACITY)
			COUNT(counters->answers_too_large);
		else
			handle_answer(ctx, hook, packet.end, &answer, counters);
		break;
	}
}

/*
 * Frames of several buffers come here too (BPF_F_XDP_HAS_FRAGS): otherwise a native attach cuts the
 * peer's MTU or fails on jumbo frames.
 */
SEC("xdp.frags")
int ctga(struct xdp_md *ctx)
{
	observe(ctx, HOOK_XDP);
	return XDP_PASS;
}

/*
 * What a P4 switch puts in front of each copy that it sends to its CPU port: cpu_t in
 * p4/bmv2/types.p4.
 */
struct cpu_header {
	__u8 ingress_port[2];
	__u8 reason; /* 1: an answer; 2: a fragment */
	__u8 version;
	__u8 original_length[2];
	__u8 timestamp_us[6];
};

#define CPU_HEADER_VERSION 1

/*
 * Runs at the other end of a P4 switch's CPU port, where copies come in that the switch made for us
 * alone. The program judges each copy as if the packet itself had come by, so that names, repeats
 * and records are the same whichever data plane copied it, and then drops it. A frame that is no
 * such copy goes on.
 */
SEC("xdp.frags")
int ctga_cpu(struct xdp_md *ctx)
{
	const struct cpu_header *header = data_of(ctx, HOOK_XDP);

	if ((void *)(header + 1) > data_end_of(ctx, HOOK_XDP))
		return XDP_PASS;
	if (header->version != CPU_HEADER_VERSION || header->reason < 1 || header->reason > 2)
		return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, sizeof(*header)))
		return XDP_PASS;
	observe(ctx, HOOK_XDP);
	return XDP_DROP;
}

/* Not inlined, as stacks of all that call each other share 512 bytes. */
__noinline int observe_whole(struct __sk_buff *ctx)
{
	observe(ctx, HOOK_TC);
	return 0;
}

__noinline int observe_segment(struct __sk_buff *ctx)
{
	if (constants.parts_merged)
		observe(ctx, HOOK_SEGMENT);
	return 0;
}

/* Whether it is a packet of merged UDP datagrams from a listed port: each was observed then. */
__noinline bool observe_merged(struct __sk_buff *ctx)
{
	struct segment *segment = only_value(&segments);
	struct window *copy = only_value(&window);
	__u32 end = frame_length(ctx, HOOK_TC), size = ctx->gso_size;
	const struct udphdr *udp;
	struct bytes bytes;

	if (!constants.parts_merged || !segment || !copy)
		return false;
	copy->available = end < WINDOW ? end : WINDOW;
	if (!load_frame(ctx, HOOK_TC, copy->bytes, copy->available, WINDOW))
		return false;
	bytes = bytes_of_window(copy);
	if (!find_segments(&bytes, segment))
		return false;
	udp = bytes_at(&bytes, segment->at - sizeof(*udp), sizeof(*udp));
	if (!udp || !is_listed(bpf_ntohs(udp->source)))
		return false;
	for (int i = 0; i < MAX_MERGED && segment->at < end; i++) {
		segment->length = end - segment->at < size ? end - segment->at : size;
		set_lengths(segment, segment->length);
		observe_segment(ctx);
		segment->at += size;
	}
	return true;
}

/* The same at TC ingress, for an interface that takes no XDP program or has somebody else's. */
SEC("tc")
int ctga_tc(struct __sk_buff *ctx)
{
	/* Without CAP_PERFMON, the verifier refuses the loop and the headers that it makes. */
	if (!READS_IN_PLACE || !ctx->gso_size || !observe_merged(ctx))
		observe_whole(ctx);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
