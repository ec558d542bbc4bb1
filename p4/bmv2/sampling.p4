/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes its share of the packets that could be copied: every n-th answer, and one in n of the
 * datagrams that arrive as fragments. The control plane writes n; zero and one both mean that
 * everything is copied.
 */
control Sampling(in headers_t headers, inout bit<8> verdict)
{
	register<bit<32>>(1) every_nth;
	register<bit<32>>(1) answer_count;
	/* The control plane draws this key, so nobody else knows which datagrams are sampled. */
	register<bit<64>>(1) datagram_key;

	apply {
		bit<32> n;
		bit<32> count;
		bit<32> remainder;
		bit<64> key;

		every_nth.read(n, 0);
		if (n > 1) {
			if (verdict == ANSWERS_COPIED) {
				answer_count.read(count, 0);
				count = count + 1;
				if (count >= n)
					count = 0;
				answer_count.write(0, count);
				if (count != 0)
					verdict = ANSWERS_SAMPLED_OUT;
			} else if (verdict == FRAGMENTS_COPIED) {
				/*
				 * What the fragments of a datagram have in common decides (RFC 791,
				 * Section 3.2; RFC 8200, Section 4.5), so they share one fate.
				 */
				datagram_key.read(key, 0);
				if (headers.ipv4.isValid())
					hash(remainder, HashAlgorithm.crc32, (bit<32>)0,
					     { key, headers.ipv4.source, headers.ipv4.destination,
					       headers.ipv4.identification }, n);
				else
					hash(remainder, HashAlgorithm.crc32, (bit<32>)0,
					     { key, headers.ipv6.source, headers.ipv6.destination,
					       headers.ipv6_fragment.identification }, n);
				if (remainder != 0)
					verdict = FRAGMENTS_SAMPLED_OUT;
			}
		}
	}
}
