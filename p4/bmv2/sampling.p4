/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes its share of the packets that could be copied: every n-th answer, and one in n of the
 * datagrams that arrive as fragments. The control plane writes n; zero and one both mean that
 * everything is copied.
 */
#define IN_WORDS(address) { (address)[127:96], (address)[95:64], (address)[63:32], (address)[31:0] }

control Sampling(in headers_t headers, inout bit<8> verdict)
{
	register<bit<32>>(1) every_nth;
	register<bit<32>>(1) answer_count;
	/* The control plane draws this key, so nobody else knows which datagrams are sampled. */
	register<bit<64>>(1) datagram_key;

	DatagramFate() datagram_fate;

	apply {
		bit<32> n;
		bit<32> count;
		bit<64> key;
		address_t source;
		address_t destination;
		bit<32> identification;
		bit<8> version;
		bit<32> fate;

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
				datagram_key.read(key, 0);
				source = IN_WORDS(headers.ipv6.source);
				destination = IN_WORDS(headers.ipv6.destination);
				identification = headers.ipv6_fragment.identification;
				version = 6;
				if (headers.ipv4.isValid()) {
					source = { 0, 0, 0, headers.ipv4.source };
					destination = { 0, 0, 0, headers.ipv4.destination };
					identification = (bit<32>)headers.ipv4.identification;
					version = 4;
				}
				datagram_fate.apply(source, destination,
						    identification, version, key,
						    fate);
				/* One in n: the upper half of the product is zero. */
				if (((bit<64>)fate * (bit<64>)n)[63:32] != 0)
					verdict = FRAGMENTS_SAMPLED_OUT;
			}
		}
	}
}
