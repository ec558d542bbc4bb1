/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fate of a datagram, by which its fragments are copied or not, all of them alike:
 * HalfSipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, and its
 * reference code) of what they have in common (RFC 791, Section 3.2; RFC 8200, Section 4.5), under a
 * key that the control plane draws. It is no linear function of the packet, as CRC-32 and parities are, so seeing the
 * fates of some datagrams tells nothing of the next.
 *
 * A round is an action, because p4c puts expressions that it knows into the statements behind, and
 * does not do so over actions: written out, the rounds keep it busy for more than ten minutes.
 */
#ifndef CTGA_FATE_P4
#define CTGA_FATE_P4

struct halfsiphash_t {
	bit<32> v0;
	bit<32> v1;
	bit<32> v2;
	bit<32> v3;
}

#define ROTATE(word, by) word = word[31 - by:0] ++ word[31:32 - by]

control HalfSipRound(inout halfsiphash_t state)
{
	action mix()
	{
		state.v0 = state.v0 + state.v1;
		ROTATE(state.v1, 5);
		state.v1 = state.v1 ^ state.v0;
		ROTATE(state.v0, 16);
		state.v2 = state.v2 + state.v3;
		ROTATE(state.v3, 8);
		state.v3 = state.v3 ^ state.v2;
		state.v0 = state.v0 + state.v3;
		ROTATE(state.v3, 7);
		state.v3 = state.v3 ^ state.v0;
		state.v2 = state.v2 + state.v1;
		ROTATE(state.v1, 13);
		state.v1 = state.v1 ^ state.v2;
		ROTATE(state.v2, 16);
	}

	apply {
		mix();
	}
}

control HalfSipWord(inout halfsiphash_t state, in bit<32> word)
{
	HalfSipRound() round;

	apply {
		state.v3 = state.v3 ^ word;
		round.apply(state);
		state.v0 = state.v0 ^ word;
	}
}

/* An address in words, since not every target computes with 128 bits. */
struct address_t {
	bit<32> w0;
	bit<32> w1;
	bit<32> w2;
	bit<32> w3;
}

/*
 * Of 37 bytes: the four words of either address (an IPv4 address is the last of four), the
 * identification, and the IP version.
 */
control DatagramFate(in address_t source, in address_t destination, in bit<32> identification,
		     in bit<8> version, in bit<64> key, out bit<32> fate)
{
	halfsiphash_t state;
	HalfSipWord() source_0;
	HalfSipWord() source_1;
	HalfSipWord() source_2;
	HalfSipWord() source_3;
	HalfSipWord() destination_0;
	HalfSipWord() destination_1;
	HalfSipWord() destination_2;
	HalfSipWord() destination_3;
	HalfSipWord() of_datagram;
	HalfSipWord() length;
	HalfSipRound() end_1;
	HalfSipRound() end_2;
	HalfSipRound() end_3;

	apply {
		state.v0 = key[31:0];
		state.v1 = key[63:32];
		state.v2 = key[31:0] ^ 0x6c796765;
		state.v3 = key[63:32] ^ 0x74656462;
		source_0.apply(state, source.w0);
		source_1.apply(state, source.w1);
		source_2.apply(state, source.w2);
		source_3.apply(state, source.w3);
		destination_0.apply(state, destination.w0);
		destination_1.apply(state, destination.w1);
		destination_2.apply(state, destination.w2);
		destination_3.apply(state, destination.w3);
		of_datagram.apply(state, identification);
		length.apply(state, 8w37 ++ 16w0 ++ version);
		state.v2 = state.v2 ^ 0xff;
		end_1.apply(state);
		end_2.apply(state);
		end_3.apply(state);
		fate = state.v1 ^ state.v3;
	}
}

#endif
