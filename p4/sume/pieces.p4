/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a name as a target does that does not look ahead: in pieces, each of which is a header.
 */
header sth_label_t {
	bit<32> length_and_text;
}

/*
 * What follows the first four bytes of a question's name, in pieces whatever its labels are. Behind the end of a name
 * there are 15 bytes at least (type, class, and a record), so the piece that it ends in is whole.
 * Of the next one, type and class may need four bytes, which the half has.
 */
#define PIECE_BYTES 16
header piece_t {
	bit<64> a;
	bit<64> b;
}

#define HALF_BYTES 8
header half_piece_t {
	bit<64> a;
}

struct headers_t {
	HEADERS_BEFORE_NAME
	sth_label_t sth;
	piece_t piece_1;
	piece_t piece_2;
	piece_t piece_3;
	piece_t piece_4;
	piece_t piece_5;
	piece_t piece_6;
	piece_t piece_7;
	piece_t piece_8;
	half_piece_t half_piece;
}

#include "parser.p4"

parser FrameParser(packet_in packet, in bit<32> frame_length, out headers_t headers,
		   out user_metadata_t meta)
{
	HeaderParser() header_parser;

	state start {
		header_parser.apply(packet, frame_length, headers, meta);
		transition select(meta.verdict) {
			QUESTION: sth;
			default: accept;
		}
	}

	state not_tree_head {
		meta.verdict = NOT_TREE_HEAD;
		transition accept;
	}

	state sth {
		packet.extract(headers.sth);
		meta.offset = meta.offset + 4;
		meta.name_start = meta.offset;
		meta.first_label = (bit<16>)headers.sth.length_and_text[31:24];
		transition select(headers.sth.length_and_text, LEAVES(PIECE_BYTES),
				  LEAVES(HALF_BYTES)) {
			(LABEL_STH &&& LABEL_STH_MASK, 1, _): piece_1;
			(LABEL_STH &&& LABEL_STH_MASK, _, 1): half_piece;
			(LABEL_STH &&& LABEL_STH_MASK, _, _): answer;
			(LABEL_CHE &&& LABEL_CHE_MASK, 1, _): piece_1;
			(LABEL_CHE &&& LABEL_CHE_MASK, _, 1): half_piece;
			(LABEL_CHE &&& LABEL_CHE_MASK, _, _): answer;
			default: not_tree_head;
		}
	}

#define PIECE_STATE(name, next)                                                         \
	state name {                                                                    \
		packet.extract(headers.name);                                           \
		meta.offset = meta.offset + PIECE_BYTES;                                \
		transition select(LEAVES(PIECE_BYTES), LEAVES(HALF_BYTES)) {            \
			(1, _): next;                                                   \
			(_, 1): half_piece;                                             \
			default: answer;                                                \
		}                                                                       \
	}

	PIECE_STATE(piece_1, piece_2)
	PIECE_STATE(piece_2, piece_3)
	PIECE_STATE(piece_3, piece_4)
	PIECE_STATE(piece_4, piece_5)
	PIECE_STATE(piece_5, piece_6)
	PIECE_STATE(piece_6, piece_7)
	PIECE_STATE(piece_7, piece_8)

	state piece_8 {
		packet.extract(headers.piece_8);
		transition answer;
	}

	state half_piece {
		packet.extract(headers.half_piece);
		transition answer;
	}

	/* Unless the name, type or class turns out to be another's. */
	state answer {
		meta.verdict = ANSWER;
		transition accept;
	}
}

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

control NameOfPieces(in headers_t headers, out name_words_t name)
{
	apply {
		WORDS_OF(piece_1, sth, name.part_1.w0, name.part_1.w1)
		WORDS_OF(piece_2, piece_1, name.part_1.w2, name.part_1.w3)
		WORDS_OF(piece_3, piece_2, name.part_2.w0, name.part_2.w1)
		WORDS_OF(piece_4, piece_3, name.part_2.w2, name.part_2.w3)
		WORDS_OF(piece_5, piece_4, name.part_3.w0, name.part_3.w1)
		WORDS_OF(piece_6, piece_5, name.part_3.w2, name.part_3.w3)
		WORDS_OF(piece_7, piece_6, name.part_4.w0, name.part_4.w1)
		WORDS_OF(piece_8, piece_7, name.part_4.w2, name.part_4.w3)
	}
}
