/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes its share of the packets that could be copied: one in n, where n is a power of two up to
 * 32. The target reads the settings from its registers, which it has in a form of its own.
 */
struct sampling_t {
	/* n less one: the bits that must be zero in what is copied. */
	bit<32> mask;
	/*
	 * Secrets that the control plane draws, so nobody else knows which datagrams are sampled.
	 */
	bit<32> key_a;
	bit<32> key_b;
	bit<32> key_c;
}

#define ROTATED(key, by) (((key) << (by)) | ((key) >> (32 - (by))))

/*
 * The parity of those bits of a datagram's identity that a key chooses: a random linear function.
 */
control Parity(in bit<32> a, in bit<32> b, in bit<32> c, in bit<32> key_a, in bit<32> key_b,
	       in bit<32> key_c, out bit<1> parity)
{
	bit<32> bits;

	apply {
		bits = (a & key_a) ^ (b & key_b) ^ (c & key_c);
		bits = bits ^ (bits >> 16);
		bits = bits ^ (bits >> 8);
		bits = bits ^ (bits >> 4);
		bits = bits ^ (bits >> 2);
		bits = bits ^ (bits >> 1);
		parity = bits[0:0];
	}
}

/* What the fragments of a datagram have in common, in 96 bits: IPv6 addresses are folded. */
control DatagramOf(in headers_t headers, out bit<32> a, out bit<32> b, out bit<32> c)
{
	apply {
		a = headers.ipv4.source;
		b = headers.ipv4.destination;
		c = (bit<32>)headers.ipv4.identification;
		if (headers.ipv6_fragment.isValid()) {
			a = headers.ipv6.source[127:96] ^ headers.ipv6.source[95:64] ^
			    headers.ipv6.source[63:32] ^ headers.ipv6.source[31:0];
			b = headers.ipv6.destination[127:96] ^ headers.ipv6.destination[95:64] ^
			    headers.ipv6.destination[63:32] ^ headers.ipv6.destination[31:0];
			c = headers.ipv6_fragment.identification;
		}
	}
}

/* Five bits that the fragments of a datagram share, each by keys that are rotated differently. */
control FateOf(in headers_t headers, in sampling_t sampling, out bit<32> fate)
{
	DatagramOf() datagram_of;
	Parity() parity;
	bit<32> a;
	bit<32> b;
	bit<32> c;
	bit<1> bit_0;
	bit<1> bit_1;
	bit<1> bit_2;
	bit<1> bit_3;
	bit<1> bit_4;

#define PARITY(by, result)                                                                      \
	parity.apply(a, b, c, ROTATED(sampling.key_a, by), ROTATED(sampling.key_b, by),         \
		     ROTATED(sampling.key_c, by), result)
	apply {
		datagram_of.apply(headers, a, b, c);
		PARITY(1, bit_0);
		PARITY(6, bit_1);
		PARITY(12, bit_2);
		PARITY(19, bit_3);
		PARITY(25, bit_4);
		fate = 27w0 ++ bit_4 ++ bit_3 ++ bit_2 ++ bit_1 ++ bit_0;
	}
}

/* `answers` counts the answers to known names, including this packet if it is one. */
control Sampling(in headers_t headers, in sampling_t sampling, in bit<32> answers,
		 inout bit<8> verdict)
{
	FateOf() fate_of;
	bit<32> fate;

	apply {
		if (verdict == ANSWERS_COPIED) {
			if ((answers & sampling.mask) != 0)
				verdict = ANSWERS_SAMPLED_OUT;
		} else if (verdict == FRAGMENTS_COPIED) {
			fate_of.apply(headers, sampling, fate);
			if ((fate & sampling.mask) != 0)
				verdict = FRAGMENTS_SAMPLED_OUT;
		}
	}
}
