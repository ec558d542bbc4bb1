/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What becomes of a packet, included within an apply block beside tables.p4, for one-hot ports: a copy is the DMA port of the
 * port where the packet came in, added to those where it goes. The target defines, each used once:
 *
 *   READ_MASK(result)        one match in so many is copied, a power of two: less one
 *   READ_THRESHOLD(result)   largest IP length of a fragment that is copied; 0: 400
 *   READ_KEY_A, B, C(result) 32 secret bits each
 *   COUNT_ANSWER(result)     adds one, and reads
 *   COUNT_VERDICT(index)     adds one
 */
bit<32> mask;
bit<32> threshold;
bit<32> count;
bit<32> key_a;
bit<32> key_b;
bit<32> key_c;
bit<32> a;
bit<32> b;
bit<32> c;
bit<32> fate;

route.apply();
READ_MASK(mask);
READ_THRESHOLD(threshold);
READ_KEY_A(key_a);
READ_KEY_B(key_b);
READ_KEY_C(key_c);
if (threshold == 0)
	threshold = 400;

NAME_KEY = (headers.label_1.text | FOLD_16) ++ (headers.label_2.text | FOLD_16) ++
	   ((headers.label_3.text | FOLD_16) ^
	    (headers.label_4.text[63:0] ++ headers.label_4.text[127:64] | FOLD_16));
if (USER.verdict == KNOWN_OR_NOT) {
	USER.verdict = UNKNOWN_NAME;
	known_names.apply();
	if (USER.known == 1) {
		COUNT_ANSWER(count);
		USER.verdict = ANSWERS_COPIED;
		if ((count & mask) != 0)
			USER.verdict = ANSWERS_SAMPLED_OUT;
		if (USER.ip_end > LARGEST_COPY)
			USER.verdict = ANSWERS_TOO_LARGE;
	}
} else if (USER.verdict == FRAGMENT) {
	/*
	 * Fragments of one datagram share one fate: bits of a random linear function of what they have in common,
	 * each the parity of those bits that a secret chooses.
	 */
	a = headers.ipv4.source;
	b = headers.ipv4.destination;
	c = (bit<32>)headers.ipv4.identification;
	if (headers.ipv6_fragment.isValid()) {
		a = headers.ipv6.source[127:96] ^ headers.ipv6.source[95:64] ^ headers.ipv6.source[63:32] ^
		    headers.ipv6.source[31:0];
		b = headers.ipv6.destination[127:96] ^ headers.ipv6.destination[95:64] ^
		    headers.ipv6.destination[63:32] ^ headers.ipv6.destination[31:0];
		c = headers.ipv6_fragment.identification;
	}
#define ROTATED(key, by) (((key) << (by)) | ((key) >> (32 - (by))))
#define FATE(bit_of, by)                                                                                        \
fate = (a & ROTATED(key_a, by)) ^ (b & ROTATED(key_b, by)) ^ (c & ROTATED(key_c, by));                   \
fate = fate ^ (fate >> 16);                                                                             \
fate = fate ^ (fate >> 8);                                                                              \
fate = fate ^ (fate >> 4);                                                                              \
fate = fate ^ (fate >> 2);                                                                              \
fate = fate ^ (fate >> 1);                                                                              \
count = count | ((fate & 1) << (bit_of));

	count = 0;
	FATE(0, 1)
	FATE(1, 6)
	FATE(2, 12)
	FATE(3, 19)
	FATE(4, 25)
	USER.verdict = FRAGMENTS_COPIED;
	if ((count & mask) != 0)
		USER.verdict = FRAGMENTS_SAMPLED_OUT;
	if (USER.ip_end - USER.ip_start > threshold || USER.ip_end > LARGEST_COPY)
		USER.verdict = FRAGMENTS_TOO_LARGE;
	if (USER.packet_end < USER.ip_end)
		USER.verdict = MALFORMED;
}
COUNT_VERDICT(USER.verdict);
if (USER.verdict == ANSWERS_COPIED || USER.verdict == FRAGMENTS_COPIED)
	SUME.dst_port = SUME.dst_port | (SUME.src_port << 1);
