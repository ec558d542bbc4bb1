/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks the name of an answer up among those that the control plane has put in the tables, and then
 * whether it is asked for TXT, IN.
 *
 * A name has up to 128 bytes, and an exact key at most 384 bits on SUME. So there are four tables,
 * each for 32 bytes of the name behind "sth". The first three give a number to what a name begins
 * with, which is in the key of the next; the last knows the whole. Names are compared exactly, and
 * without regard to case. Every one goes through all four, whatever it is.
 */
#include "name_word.p4"

/* Two words of a piece; zeros if the datagram has none, or the half that it has. */
#define WORDS_OF(piece, before, first, second)                                          \
	first = 0;                                                                      \
	second = 0;                                                                     \
	if (headers.piece.isValid()) {                                                  \
		first = headers.piece.a;                                                \
		second = headers.piece.b;                                               \
	} else if (headers.before.isValid() && headers.half_piece.isValid()) {          \
		first = headers.half_piece.a;                                           \
	}

control KnownNames(in headers_t headers, in user_metadata_t meta, inout bit<8> verdict)
{
	NameWords() words_1;
	NameWords() words_2;
	NameWords() words_3;
	NameWords() words_4;
	name_t name;
	words_t words;
	/* The number of what the name begins with; zero for what no known name begins with. */
	bit<16> so_far;
	bit<64> length;

	action unknown()
	{
		so_far = 0;
	}

	action part_1(bit<16> id)
	{
		so_far = id;
	}

	@name(".known_names_1")
	table known_names_1 {
		key = {
			words.w0: exact @name("w0");
			words.w1: exact @name("w1");
			words.w2: exact @name("w2");
			words.w3: exact @name("w3");
		}
		actions = { part_1; unknown; }
		default_action = unknown();
		size = KNOWN_NAMES;
	}

	action part_2(bit<16> id)
	{
		so_far = id;
	}

	@name(".known_names_2")
	table known_names_2 {
		key = {
			so_far: exact @name("so_far");
			words.w0: exact @name("w0");
			words.w1: exact @name("w1");
			words.w2: exact @name("w2");
			words.w3: exact @name("w3");
		}
		actions = { part_2; unknown; }
		default_action = unknown();
		size = KNOWN_NAMES;
	}

	action part_3(bit<16> id)
	{
		so_far = id;
	}

	@name(".known_names_3")
	table known_names_3 {
		key = {
			so_far: exact @name("so_far");
			words.w0: exact @name("w0");
			words.w1: exact @name("w1");
			words.w2: exact @name("w2");
			words.w3: exact @name("w3");
		}
		actions = { part_3; unknown; }
		default_action = unknown();
		size = KNOWN_NAMES;
	}

	action part_4(bit<16> id)
	{
		so_far = id;
	}

	@name(".known_names_4")
	table known_names_4 {
		key = {
			so_far: exact @name("so_far");
			words.w0: exact @name("w0");
			words.w1: exact @name("w1");
			words.w2: exact @name("w2");
			words.w3: exact @name("w3");
		}
		actions = { part_4; unknown; }
		default_action = unknown();
		size = KNOWN_NAMES;
	}

	apply {
		name.not_name = 0;
		name.end = 0;
		name.lengths = 0;
		name.not_txt = 0;

		WORDS_OF(piece_1, sth, words.w0, words.w1)
		WORDS_OF(piece_2, piece_1, words.w2, words.w3)
		words_1.apply(name, words);
		known_names_1.apply();

		WORDS_OF(piece_3, piece_2, words.w0, words.w1)
		WORDS_OF(piece_4, piece_3, words.w2, words.w3)
		words_2.apply(name, words);
		known_names_2.apply();

		WORDS_OF(piece_5, piece_4, words.w0, words.w1)
		WORDS_OF(piece_6, piece_5, words.w2, words.w3)
		words_3.apply(name, words);
		known_names_3.apply();

		WORDS_OF(piece_7, piece_6, words.w0, words.w1)
		WORDS_OF(piece_8, piece_7, words.w2, words.w3)
		words_4.apply(name, words);
		known_names_4.apply();

		length = name.lengths + (name.lengths >> 32);
		length = length + (length >> 16);
		length = (length + (length >> 8)) & 0xff;
		if (so_far == 0 ||
		    BEFORE(meta.udp_end,
			   meta.name_start + (bit<32>)length + 1 + 4 + SHORTEST_RECORD) == 1)
			verdict = UNKNOWN_NAME;
		else if (name.not_txt != 0)
			verdict = NOT_TREE_HEAD;
		else
			verdict = KNOWN_ANSWER;
	}
}
