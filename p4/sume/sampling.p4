/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes its share of the packets that could be copied: one in n, where n is a power of two up to
 * 32. The target reads the settings from its registers, which it has in a form of its own.
 */
struct sampling_t {
	/* n less one: the bits that must be zero in what is copied. */
	bit<32> mask;
	/* A secret that the control plane draws, so nobody else knows which datagrams are sampled. */
	bit<32> key_a;
	bit<32> key_b;
}

/* `answers` counts the answers to known names, including this packet if it is one. */
control Sampling(in headers_t headers, in sampling_t sampling, in bit<32> answers,
		 inout bit<8> verdict)
{
	DatagramFate() datagram_fate;
	address_t source;
	address_t destination;
	bit<32> identification;
	bit<8> version;
	bit<32> fate;

	apply {
		if (verdict == ANSWERS_COPIED) {
			if ((answers & sampling.mask) != 0)
				verdict = ANSWERS_SAMPLED_OUT;
		} else if (verdict == FRAGMENTS_COPIED) {
			source = { headers.ipv6.source_0, headers.ipv6.source_1,
				   headers.ipv6.source_2, headers.ipv6.source_3 };
			destination = { headers.ipv6.destination_0, headers.ipv6.destination_1,
					headers.ipv6.destination_2, headers.ipv6.destination_3 };
			identification = headers.ipv6_fragment.identification;
			version = 6;
			if (headers.ipv4.isValid()) {
				source = { 0, 0, 0, headers.ipv4.source };
				destination = { 0, 0, 0, headers.ipv4.destination };
				identification = (bit<32>)headers.ipv4.identification;
				version = 4;
			}
			datagram_fate.apply(source, destination, identification,
					    version, sampling.key_b ++ sampling.key_a,
					    fate);
			if ((fate & sampling.mask) != 0)
				verdict = FRAGMENTS_SAMPLED_OUT;
		}
	}
}
