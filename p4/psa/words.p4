/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a name as a target does that looks ahead: eight bytes at a time into metadata. Nothing of
 * it is extracted, so nothing of it must be put together again.
 */
struct headers_t {
	HEADERS_BEFORE_NAME
}

#include "../sume/parser.p4"

/* The first label of a question, and the eight bytes of its name behind so many bits. */
header sth_label_t {
	bit<32> length_and_text;
}

#define WORD_TYPE(number, bits)                                                         \
	header word_##number##_t {                                                      \
		bit<bits> before;                                                       \
		bit<64> word;                                                           \
	}

WORD_TYPE(0, 32)
WORD_TYPE(1, 96)
WORD_TYPE(2, 160)
WORD_TYPE(3, 224)
WORD_TYPE(4, 288)
WORD_TYPE(5, 352)
WORD_TYPE(6, 416)
WORD_TYPE(7, 480)
WORD_TYPE(8, 544)
WORD_TYPE(9, 608)
WORD_TYPE(10, 672)
WORD_TYPE(11, 736)
WORD_TYPE(12, 800)
WORD_TYPE(13, 864)
WORD_TYPE(14, 928)
WORD_TYPE(15, 992)

parser FrameParser(packet_in packet, in bit<32> frame_length, out headers_t headers,
		   out user_metadata_t meta, out name_words_t name)
{
	HeaderParser() header_parser;

	state start {
		name = { { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } };
		header_parser.apply(packet, frame_length, headers, meta);
		transition select(meta.verdict) {
			QUESTION: sth;
			default: accept;
		}
	}

	state sth {
		meta.offset = meta.offset + 4;
		meta.name_start = meta.offset;
		meta.first_label = (bit<16>)packet.lookahead<sth_label_t>().length_and_text[31:24];
		transition select(packet.lookahead<sth_label_t>().length_and_text) {
			LABEL_STH &&& LABEL_STH_MASK: behind_sth;
			LABEL_CHE &&& LABEL_CHE_MASK: behind_sth;
			default: not_tree_head;
		}
	}

	state behind_sth {
		transition select(LEAVES(8)) {
			1: word_0;
			default: answer;
		}
	}

#define WORD_STATE(number, part, place, next)                                           \
	state word_##number {                                                           \
		name.part.place = packet.lookahead<word_##number##_t>().word;           \
		meta.offset = meta.offset + 8;                                          \
		transition select(LEAVES(8)) {                                          \
			1: next;                                                        \
			default: answer;                                                \
		}                                                                       \
	}

	WORD_STATE(0, part_1, w0, word_1)
	WORD_STATE(1, part_1, w1, word_2)
	WORD_STATE(2, part_1, w2, word_3)
	WORD_STATE(3, part_1, w3, word_4)
	WORD_STATE(4, part_2, w0, word_5)
	WORD_STATE(5, part_2, w1, word_6)
	WORD_STATE(6, part_2, w2, word_7)
	WORD_STATE(7, part_2, w3, word_8)
	WORD_STATE(8, part_3, w0, word_9)
	WORD_STATE(9, part_3, w1, word_10)
	WORD_STATE(10, part_3, w2, word_11)
	WORD_STATE(11, part_3, w3, word_12)
	WORD_STATE(12, part_4, w0, word_13)
	WORD_STATE(13, part_4, w1, word_14)
	WORD_STATE(14, part_4, w2, word_15)

	state word_15 {
		name.part_4.w3 = packet.lookahead<word_15_t>().word;
		transition answer;
	}

	state not_tree_head {
		meta.verdict = NOT_TREE_HEAD;
		transition accept;
	}

	/* Unless the name, type or class turns out to be another's. */
	state answer {
		meta.verdict = ANSWER;
		transition accept;
	}
}
