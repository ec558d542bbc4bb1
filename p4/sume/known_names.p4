/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks the name of an answer up among those that the control plane has put in the tables, and then
 * whether it is asked for TXT, IN.
 *
 * A name has up to 128 bytes, and an exact key at most 384 bits on SUME. So there are four tables,
 * each for 32 bytes of the name behind its first four. The first three give a number to what a name
 * begins with, which is in the key of the next; the last knows the whole. In the key of the first is
 * the length of the first label, of which the parser has seen those four bytes. Names are compared exactly, and
 * without regard to case. Every one goes through all four, whatever it is.
 */
#include "name_word.p4"

control KnownNames(in name_words_t name_words, inout user_metadata_t meta)
{
	NameWords() words_1;
	NameWords() words_2;
	NameWords() words_3;
	NameWords() words_4;
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
			so_far: exact @name("so_far");
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
		so_far = meta.first_label;
		words = name_words.part_1;
		words_1.apply(meta, words);
		known_names_1.apply();

		words = name_words.part_2;
		words_2.apply(meta, words);
		known_names_2.apply();

		words = name_words.part_3;
		words_3.apply(meta, words);
		known_names_3.apply();

		words = name_words.part_4;
		words_4.apply(meta, words);
		known_names_4.apply();

		length = meta.name_lengths + (meta.name_lengths >> 32);
		length = length + (length >> 16);
		length = (length + (length >> 8)) & 0xff;
		if (so_far == 0 ||
		    BEFORE(meta.udp_end,
			   meta.name_start + (bit<32>)length + 1 + 4 + SHORTEST_RECORD) == 1)
			meta.verdict = UNKNOWN_NAME;
		else if (meta.not_txt != 0)
			meta.verdict = NOT_TREE_HEAD;
		else
			meta.verdict = KNOWN_ANSWER;
	}
}
