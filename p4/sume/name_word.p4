/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a name eight bytes at a time, all of them at once, with shifts by constants and sums: no
 * loop, and no state for each label. Flags are the highest bits of the bytes that they stand for.
 * A name ends at its first zero byte (RFC 1035, Section 3.1), whatever its labels are, and type and
 * class are the four bytes behind.
 */
const bit<64> FLAGS = 0x8080808080808080;
const bit<64> SEVEN_BITS = 0x7f7f7f7f7f7f7f7f;

struct name_t {
	/* Of the word before: the bytes that are not the name's, and the one where it ends. */
	bit<64> not_name;
	bit<64> end;
	/* How many bytes of the name were in each of the eight places. */
	bit<64> lengths;
	/* Not zero if type and class are others than TXT and IN. */
	bit<64> not_txt;
}

/* The bytes whose flags are set, whole. */
#define BYTES(flags) (((flags) << 1) - ((flags) >> 7))

control NameWord(inout name_t name, in bit<64> word, out bit<64> folded)
{
	bit<64> low;
	bit<64> not_name;
	bit<64> end;
	bit<64> capital;
	bit<64> behind;

	/*
	 * The bytes that are zero, and the first if the name has ended before. What is computed is
	 * in several actions, for the reason that the round in shared/fate.p4 is one.
	 */
	action find_zeros()
	{
		low = word & SEVEN_BITS;
		not_name = ((((low + SEVEN_BITS) | word) & FLAGS) ^ FLAGS) | (name.not_name << 56);
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
		end = not_name ^ (not_name & ((not_name >> 8) | (name.not_name << 56)));
		capital = (low + 0x3f3f3f3f3f3f3f3f) & FLAGS;
		capital = capital ^ (capital & ((low + 0x2525252525252525) | word));
	}

	action fold()
	{
		folded = (word | (capital >> 2)) & BYTES(not_name ^ FLAGS);
		name.lengths = name.lengths + ((not_name ^ FLAGS) >> 7);
		behind = (end >> 8) | (end >> 16) | (end >> 24) | (end >> 32) | (name.end << 56) |
			 (name.end << 48) | (name.end << 40) | (name.end << 32);
	}

	/* Type 16 and class 1: 0, 16, 0, 1. */
	action compare_type()
	{
		name.not_txt = name.not_txt |
			       ((word & BYTES(behind)) ^ ((end >> 19) | (end >> 39) |
							  (name.end << 45) | (name.end << 25)));
		name.not_name = not_name;
		name.end = end;
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

struct words_t {
	bit<64> w0;
	bit<64> w1;
	bit<64> w2;
	bit<64> w3;
}

/* Four words in place, with the letters folded and zeros behind the name. */
control NameWords(inout name_t name, inout words_t words)
{
	NameWord() word_0;
	NameWord() word_1;
	NameWord() word_2;
	NameWord() word_3;
	words_t folded;

	apply {
		word_0.apply(name, words.w0, folded.w0);
		word_1.apply(name, words.w1, folded.w1);
		word_2.apply(name, words.w2, folded.w2);
		word_3.apply(name, words.w3, folded.w3);
		words = folded;
	}
}
