/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes its share of the packets that could be copied: every n-th answer, and one in n of the
 * datagrams that arrive as fragments. Zero and one both mean that everything is copied.
 */
#define IN_WORDS(address) { (address)[127:96], (address)[95:64], (address)[63:32], (address)[31:0] }

control Sampling(in headers_t headers, inout metadata_t meta)
{
	register<bit<32>>(1) answer_count;

	DatagramFate() datagram_fate;

	apply {
		bit<32> count;
		address_t source;
		address_t destination;
		bit<32> identification;
		bit<8> version;
		bit<32> fate;

		if (meta.every_nth > 1) {
			if (meta.verdict == ANSWERS_COPIED) {
				answer_count.read(count, 0);
				count = count + 1;
				if (count >= meta.every_nth)
					count = 0;
				answer_count.write(0, count);
				if (count != 0)
					meta.verdict = ANSWERS_SAMPLED_OUT;
			} else if (meta.verdict == FRAGMENTS_COPIED) {
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
						    identification, version,
						    meta.datagram_key, fate);
				/* One in n: the upper half of the product is zero. */
				if (((bit<64>)fate * (bit<64>)meta.every_nth)[63:32] != 0)
					meta.verdict = FRAGMENTS_SAMPLED_OUT;
			}
		}
	}
}
