/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The question: its name, folded to lower case, and whether it asks for TXT in class IN.
 *
 * Names arrive in mixed case, because resolvers randomise it (draft-vixie-dnsext-dns0x20) and
 * authorities echo it, while the map of known names compares bytes. Folding follows RFC 4343: ASCII
 * letters only. Length bytes are at most 63, below 'A' (65), so folding need not know where labels begin.
 */
#ifndef CTGA_NAME_H
#define CTGA_NAME_H

#include "maps.h"
#include "parse.h"

#define MAX_LABEL_LENGTH 63
#define MAX_LABELS 128 /* 127 labels of one byte, and the root */
#define QUESTION_FIXED_LENGTH 4 /* QTYPE, QCLASS */

/* Reads `length` bytes, 1 .. max, at `offset` into `to`. */
static __always_inline bool load(struct xdp_md *ctx, __u32 offset, void *to, __u64 length, __u64 max)
{
	/*
	 * The verifier wants to see 1 <= length <= max in the register itself, and the one of Linux 6.1 learns
	 * nothing from a comparison with zero: so zero is made to wrap, and one comparison refuses both ends.
	 */
	length -= 1;
	barrier_var(length);
	if (length >= max)
		return false;
	barrier_var(length);
	length += 1;
	return bpf_xdp_load_bytes(ctx, offset, to, length) == 0;
}

/*
 * Length of the name at the start of `bytes`, with its root label; 0 if it is not a plain name. A
 * compression pointer (RFC 1035, Section 4.1.4) has nothing before it to point at in the first question.
 *
 * Not inlined and not static: the verifier then walks the loop once, apart from what follows it, instead
 * of verifying the rest of the program anew for each label the name might end with. It also wants the
 * check for NULL.
 */
__noinline __u32 name_length(const struct question *question)
{
	__u32 at = 0;

	if (!question)
		return 0;
	for (int label = 0; label < MAX_LABELS; label++) {
		__u32 label_length = question->bytes[at];

		if (label_length == 0)
			return at + 1;
		if (label_length > MAX_LABEL_LENGTH)
			return 0;
		at += 1 + label_length;
		if (at >= MAX_NAME_LENGTH)
			return 0;
	}
	return 0;
}

#define EACH_BYTE(value) (0x0101010101010101ULL * (value))

/* Lower case for the eight bytes of a word at once, without branches: bit 7 is set in upper-case letters. */
static __always_inline __u64 fold_word(__u64 word)
{
	__u64 low = word & EACH_BYTE(0x7f);
	__u64 from_a = low + EACH_BYTE(0x80 - 'A');     /* bit 7: low >= 'A' */
	__u64 above_z = low + EACH_BYTE(0x80 - 'Z' - 1); /* bit 7: low > 'Z' */
	__u64 upper = from_a & ~above_z & ~word & EACH_BYTE(0x80);

	return word | upper >> 2; /* 0x80 >> 2 is 'a' - 'A' */
}

enum question_result {
	QUESTION_OTHER,     /* not TXT, or not IN */
	QUESTION_MALFORMED, /* truncated, compressed or too long */
	QUESTION_IN_TXT,    /* question->name holds the folded name */
};

/* The question between the offsets `start` and `end` of the frame. */
static __always_inline enum question_result read_question(struct xdp_md *ctx, __u32 start, __u32 end,
							  struct question *question)
{
	const __u32 most = MAX_NAME_LENGTH + QUESTION_FIXED_LENGTH;
	__u32 available = end - start;
	__u32 length;
	__u8 *fixed;

	if (available > most)
		available = most;
	if (!load(ctx, start, question->bytes, available, most))
		return QUESTION_MALFORMED;

	/* Behind `available` lie bytes of an earlier packet; a name that runs into them is refused here. */
	length = name_length(question);
	if (length == 0 || length > MAX_NAME_LENGTH || length + QUESTION_FIXED_LENGTH > available)
		return QUESTION_MALFORMED;

	fixed = &question->bytes[length];
	if (fixed[0] != 0 || fixed[1] != DNS_TYPE_TXT || fixed[2] != 0 || fixed[3] != DNS_CLASS_IN)
		return QUESTION_OTHER;

	/* Read again rather than moved: exactly the name, over zeros, makes the key. */
	__builtin_memset(&question->name, 0, sizeof(question->name));
	if (!load(ctx, start, question->name.bytes, length, MAX_NAME_LENGTH))
		return QUESTION_MALFORMED;
	for (int i = 0; i < (int)(sizeof(question->name) / sizeof(__u64)); i++)
		question->name.words[i] = fold_word(question->name.words[i]);
	return QUESTION_IN_TXT;
}

#endif
