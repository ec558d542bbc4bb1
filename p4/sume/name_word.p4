/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a name eight bytes at a time, all of them at once, with shifts by constants and sums: no
 * loop, and no state for each label. Flags are the highest bits of the bytes that they stand for.
 * A name ends at its first zero byte (RFC 1035, Section 3.1), whatever its labels are, and type and
 * class are the four bytes behind.
 */
const bit<64> FLAGS = 0x8080808080808080;
const bit<64> SEVEN_BITS = 0x7f7f7f7f7f7f7f7f;

/* The bytes whose flags are set, whole. */
#define BYTES(flags) (((flags) << 1) - ((flags) >> 7))

control NameWord(inout user_metadata_t meta, in bit<64> word, out bit<64> folded)
{
	bit<64> low;
	bit<64> not_name;
	bit<64> end;
	bit<64> capital;
	bit<64> end_half;
	bit<64> behind;

	/*
	 * The bytes that are zero, and the first if the name has ended before. What is computed is
	 * in several actions, for the reason that the round in shared/fate.p4 is one.
	 */
	action find_zeros()
	{
		low = word & SEVEN_BITS;
		not_name = ((((low + SEVEN_BITS) | word) & FLAGS) ^ FLAGS) | (meta.not_name << 24);
	}

	/* And all behind them. */
	action spread_1()
	{
		not_name = not_name | (not_name >> 8);
	}

	action spread_2()
	{
		not_name = not_name | (not_name >> 16);
	}

	action spread_4()
	{
		not_name = not_name | (not_name >> 32);
	}

	/* From A to Z: the sums reach a flag from 0x41 on, and from 0x5b on. */
	action find_capitals()
	{
		end = not_name ^ (not_name & ((not_name >> 8) | (meta.not_name << 24)));
		capital = (low + 0x3f3f3f3f3f3f3f3f) & FLAGS;
		capital = capital ^ (capital & ((low + 0x2525252525252525) | word));
	}

	action fold()
	{
		folded = (word | (capital >> 2)) & BYTES(not_name ^ FLAGS);
		meta.name_lengths = meta.name_lengths + ((not_name ^ FLAGS) >> 7);
		end_half = end >> 32;
		behind = (end >> 8) | (end >> 16) | (end >> 24) | end_half | (meta.name_end << 24) |
			 (meta.name_end << 16) | (meta.name_end << 8) | meta.name_end;
	}

	/* Type 16 and class 1: 0, 16, 0, 1. */
	action compare_type()
	{
		meta.not_txt = meta.not_txt |
			       ((word & BYTES(behind)) ^ ((end >> 19) | (end_half >> 7) |
							  (meta.name_end << 13) | (meta.name_end >> 7)));
		meta.not_name = not_name << 32;
		meta.name_end = end << 32;
	}

	apply {
		find_zeros();
		spread_1();
		spread_2();
		spread_4();
		find_capitals();
		fold();
		compare_type();
	}
}

/* Four words in place, with the letters folded and zeros behind the name. */
control NameWords(inout user_metadata_t meta, inout words_t words)
{
	NameWord() word_0;
	NameWord() word_1;
	NameWord() word_2;
	NameWord() word_3;
	words_t folded;

	apply {
		word_0.apply(meta, words.w0, folded.w0);
		word_1.apply(meta, words.w1, folded.w1);
		word_2.apply(meta, words.w2, folded.w2);
		word_3.apply(meta, words.w3, folded.w3);
		words = folded;
	}
}
