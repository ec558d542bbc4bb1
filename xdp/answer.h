/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A DNS message that answers a question for a tree head: a question for IN TXT sth.<name>, of a
 * name that we look for, and at least one answer ("Aggregation-Based Certificate Transparency
 * Gossip", Section 4.1).
 *
 * The name is looked up by a keyed hash of its bytes in lower case: resolvers randomise the case
 * (draft-vixie-dnsext-dns0x20) and authorities echo it. User space compares whole names.
 *
 * The functions that loop are global, not static. The verifier then walks through each of them once
 * by itself, instead of verifying the rest of the program again for each turn at which a loop might
 * end.
 */
#ifndef CTGA_ANSWER_H
#define CTGA_ANSWER_H

#include <bpf/bpf_endian.h>

#include "hash.h"
#include "records.h"
#include "source.h"

/* RFC 1035, Section 4.1.1. */
struct dns_header {
	__be16 id;
	__be16 flags;
	__be16 question_count;
	__be16 answer_count;
	__be16 authority_count;
	__be16 additional_count;
};

#define DNS_RESPONSE 0x8000
#define DNS_CLASS_IN 1

/*
 * Whether this is a response with a question and an answer. Nothing else of the header matters,
 * because some client takes the answer all the same: c-ares and Go's resolver do not look at the
 * opcode, dig prints an answer with any RCODE, and some clients ignore TC.
 */
static __always_inline bool has_answer(const struct dns_header *dns)
{
	return (dns->flags & bpf_htons(DNS_RESPONSE)) && dns->question_count && dns->answer_count;
}

/* Whether the first label is that of every tree head's name (draft-ct-over-dns-01), in any case. */
static __always_inline bool begins_with_sth(const __u8 *name)
{
	return name[0] == 3 && (name[1] | 0x20) == 's' && (name[2] | 0x20) == 't' &&
	       (name[3] | 0x20) == 'h';
}

#define NAME_MALFORMED 0
#define NAME_OF_MANY_LABELS (MAX_NAME_LENGTH + 1)

/*
 * Length of the name at `offset` in bytes, with its root label, or NAME_MALFORMED or
 * NAME_OF_MANY_LABELS. A compression pointer (RFC 1035, Section 4.1.4) is malformed: there is no
 * name before the first question that it could point at.
 */
static __always_inline __u32 name_length(const struct bytes *bytes, const __u32 offset)
{
	__u32 at = offset;

	/*
	 * Unrolled: without CAP_PERFMON, the verifier also follows the turns that a CPU may
	 * speculate on.
	 */
#pragma unroll
	for (int label = 0; label <= MAX_LABELS; label++) {
		const __u8 *length = bytes_at(bytes, at, 1);

		if (!length || *length > MAX_LABEL_LENGTH || at - offset >= MAX_NAME_LENGTH)
			return NAME_MALFORMED;
		if (*length == 0)
			return at - offset + 1;
		at += 1 + *length;
	}
	return NAME_OF_MANY_LABELS;
}

/*
 * What is not inlined is verified once, for one type of context. So each function that reads a
 * frame in place is there for either hook.
 */
static __always_inline __u32 name_length_in_frame(void *ctx, enum hook hook, __u32 offset)
{
	const struct bytes bytes = bytes_of_frame(ctx, hook);

	return name_length(&bytes, offset & LARGEST_OFFSET);
}

__noinline __u32 name_length_at_xdp(struct xdp_md *ctx, __u32 offset)
{
	return name_length_in_frame(ctx, HOOK_XDP, offset);
}

__noinline __u32 name_length_at_tc(struct __sk_buff *ctx, __u32 offset)
{
	return name_length_in_frame(ctx, HOOK_TC, offset);
}

__noinline __u32 name_length_in_window(__u32 offset)
{
	const struct window *copy = only_value(&window);
	struct bytes bytes;

	if (!copy)
		return NAME_MALFORMED;
	bytes = bytes_of_window(copy);
	return name_length(&bytes, offset & LARGEST_OFFSET);
}

/*
 * The sums of NH over the name in lower case and over the RDATA. Zeros fill up the last word of the
 * name. The last word of the RDATA is the eight bytes before its end, which may overlap the word
 * before: so no byte behind the RDATA is read. Lengths count too: the name holds those of its
 * labels, and that of the RDATA is a term of its sums.
 *
 * All of these return false if the frame is cut off.
 */
#define SHORTEST_HASHED_RDATA 8

/* `left` is the number of bytes from this word to the end of the name. */
static __always_inline void add_name_word(struct sums *sums, __u64 word, __u32 left,
					  const struct key_pair *key)
{
	nh_add(sums, fold_word(left < 8 ? first_bytes(word, left) : word), key);
}

static __always_inline void add_rdata_end(struct sums *sums, __u64 last, __u32 length,
					  const struct keys *keys)
{
	nh_add(sums, last, &keys->rdata_last);
	sums->first += keys->rdata_length.first * length;
	sums->second += keys->rdata_length.second * length;
}

/* In place, bounds are checked once for each block of so many bytes. */
#define NAME_BLOCK 32
#define RDATA_BLOCK 64

/* Reads up to 7 bytes behind the name: an answer is longer than that. */
static __always_inline bool sum_name_in_frame(void *ctx, enum hook hook, __u32 offset,
					      __u32 length, __u32 number, struct sums *result)
{
	const struct bytes bytes = bytes_of_frame(ctx, hook);
	const struct generation *generation = generation_of(number);
	const __u64 *words;
	struct sums sums = {};
	__u32 at = 0;

	offset &= LARGEST_OFFSET;
	if (!generation || !result)
		return false;
	for (int block = 0; block < MAX_NAME_WORDS * 8 / NAME_BLOCK && at + NAME_BLOCK <= length;
	     block++) {
		words = bytes_at(&bytes, offset + at, NAME_BLOCK);
		if (!words)
			return false;
#pragma unroll
		for (int i = 0; i < NAME_BLOCK / 8; i++)
			nh_add(&sums, fold_word(words[i]), &generation->keys.name[at / 8 + i]);
		at += NAME_BLOCK;
	}
	for (int i = 0; i < NAME_BLOCK / 8 && at < length && at < MAX_NAME_WORDS * 8; i++) {
		words = bytes_at(&bytes, offset + at, 8);
		if (!words)
			return false;
		add_name_word(&sums, *words, length - at, &generation->keys.name[at / 8]);
		at += 8;
	}
	*result = sums;
	return true;
}

__noinline bool sum_name_at_xdp(struct xdp_md *ctx, __u32 offset, __u32 length, __u32 number,
				struct sums *result)
{
	return sum_name_in_frame(ctx, HOOK_XDP, offset, length, number, result);
}

__noinline bool sum_name_at_tc(struct __sk_buff *ctx, __u32 offset, __u32 length, __u32 number,
			       struct sums *result)
{
	return sum_name_in_frame(ctx, HOOK_TC, offset, length, number, result);
}

/* `length` is from SHORTEST_HASHED_RDATA to MAX_HASHED_RDATA. */
static __always_inline bool sum_rdata_in_frame(void *ctx, enum hook hook, __u32 offset,
					       __u32 length, __u32 number, struct sums *result)
{
	const struct bytes bytes = bytes_of_frame(ctx, hook);
	const struct generation *generation = generation_of(number);
	const __u64 *words;
	struct sums sums = {};
	__u32 at = 0;

	offset &= LARGEST_OFFSET;
	if (!generation || !result)
		return false;
	words = bytes_at(&bytes, offset + length - 8, 8);
	if (!words)
		return false;
	add_rdata_end(&sums, *words, length, &generation->keys);
	for (int block = 0; block < MAX_HASHED_RDATA / RDATA_BLOCK && at + RDATA_BLOCK < length;
	     block++) {
		words = bytes_at(&bytes, offset + at, RDATA_BLOCK);
		if (!words)
			return false;
#pragma unroll
		for (int i = 0; i < RDATA_BLOCK / 8; i++)
			nh_add_at(&sums, &words[i], &generation->keys.rdata[at / 8 + i]);
		at += RDATA_BLOCK;
	}
	for (int i = 0; i < RDATA_BLOCK / 8 && at + 8 < length && at < MAX_HASHED_RDATA; i++) {
		words = bytes_at(&bytes, offset + at, 8);
		if (!words)
			return false;
		nh_add(&sums, *words, &generation->keys.rdata[at / 8]);
		at += 8;
	}
	*result = sums;
	return true;
}

__noinline bool sum_rdata_at_xdp(struct xdp_md *ctx, __u32 offset, __u32 length, __u32 number,
				 struct sums *result)
{
	return sum_rdata_in_frame(ctx, HOOK_XDP, offset, length, number, result);
}

__noinline bool sum_rdata_at_tc(struct __sk_buff *ctx, __u32 offset, __u32 length, __u32 number,
				struct sums *result)
{
	return sum_rdata_in_frame(ctx, HOOK_TC, offset, length, number, result);
}

/*
 * The same sums over copies at fixed places. The loops are unrolled, so that nothing is added to a
 * pointer: that would need CAP_PERFMON.
 */
__noinline bool sum_copied_name(__u32 length, __u32 number, struct sums *result)
{
	const struct texts *copy = only_value(&texts);
	const struct generation *generation = generation_of(number);
	struct sums sums = {};

	if (!copy || !generation || !result)
		return false;
#pragma unroll
	for (__u32 i = 0; i < MAX_NAME_WORDS; i++) {
		if (i * 8 >= length)
			break;
		add_name_word(&sums, copy->name[i], length - i * 8, &generation->keys.name[i]);
	}
	*result = sums;
	return true;
}

__noinline bool sum_copied_rdata(__u32 length, __u32 number, struct sums *result)
{
	const struct texts *copy = only_value(&texts);
	const struct generation *generation = generation_of(number);
	struct sums sums = {};

	if (!copy || !generation || !result)
		return false;
	add_rdata_end(&sums, copy->rdata_last, length, &generation->keys);
#pragma unroll
	for (__u32 i = 0; i < MAX_RDATA_WORDS; i++) {
		if (i * 8 + 8 >= length)
			break;
		nh_add(&sums, copy->rdata[i], &generation->keys.rdata[i]);
	}
	*result = sums;
	return true;
}

static __always_inline bool sum_name(const struct bytes *bytes, void *ctx, enum hook hook,
				     __u32 offset, __u32 length, __u32 number, struct sums *result)
{
	struct texts *copy;

	if (!bytes->window)
		return hook == HOOK_XDP ?
			       sum_name_at_xdp(ctx, offset, length, number, result) :
			       sum_name_at_tc(ctx, offset, length, number, result);
	copy = only_value(&texts);
	return copy && load(ctx, hook, offset, copy->name, length, MAX_NAME_LENGTH) &&
	       sum_copied_name(length, number, result);
}

static __always_inline bool sum_rdata(const struct bytes *bytes, void *ctx, enum hook hook,
				      __u32 offset, __u32 length, __u32 number, struct sums *result)
{
	struct texts *copy;

	if (length < SHORTEST_HASHED_RDATA || length > MAX_HASHED_RDATA)
		return false;
	if (!bytes->window)
		return hook == HOOK_XDP ?
			       sum_rdata_at_xdp(ctx, offset, length, number, result) :
			       sum_rdata_at_tc(ctx, offset, length, number, result);
	copy = only_value(&texts);
	return copy && load(ctx, hook, offset, copy->rdata, length, MAX_HASHED_RDATA) &&
	       load(ctx, hook, offset + length - 8, &copy->rdata_last, 8, 8) &&
	       sum_copied_rdata(length, number, result);
}

#define NAME_UNKNOWN MAX_KNOWN_NAMES

/*
 * The number of a known name, or NAME_UNKNOWN. All places of its bucket are compared, so the cost
 * does not tell how far a stranger's name is from a known one.
 */
static __always_inline __u32 number_of_name(const struct known_names *names,
					    const struct sums *name)
{
	__u32 bucket = bucket_of_sums(name) & names->bucket_mask & (MAX_NAME_BUCKETS - 1);
	const struct sums *known = names->buckets[bucket];
	__u64 differs = 1, place = 0;

	/*
	 * Without a branch: at each, a verifier that follows speculation (CAP_PERFMON is missing)
	 * would go on in two states.
	 */
#pragma unroll
	for (int i = 0; i < NAMES_PER_BUCKET; i++) {
		__u64 bits = (known[i].first ^ name->first) | (known[i].second ^ name->second);

		barrier_var(bits);
		bits = (bits | -bits) >> 63;
		differs &= bits;
		place |= (__u64)i & (bits - 1);
	}
	return differs ? NAME_UNKNOWN : (__u16)(names->numbers[bucket] >> 16 * place);
}

struct question_end {
	__be16 type;
	__be16 class;
} __attribute__((packed));

/* An answer to a known name. */
struct answer {
	struct answer_place place;
	__u32 name;  /* its number */
	__u32 names; /* how many are known */
};

enum answer_result {
	ANSWER_MALFORMED,
	ANSWER_OTHER,
	ANSWER_UNKNOWN_NAME,
	ANSWER_KNOWN,
};

/*
 * Fills in where the text lies among the `count` records at `behind`, and its sums. Returns false
 * if the answer gets no tag: see records.h.
 */
static __always_inline bool sum_text(const struct bytes *bytes, void *ctx, enum hook hook,
				     __u32 behind, __u32 end, __u32 count, __u32 number,
				     struct answer_place *place, struct sums *rdata)
{
	const __u64 text = only_text(bytes, ctx, hook, behind, end, count);

	place->rdata_offset = text >> 16;
	place->rdata_length = text;
	return text && sum_rdata(bytes, ctx, hook, place->rdata_offset, place->rdata_length, number,
				 rdata);
}

/*
 * Judges the message behind its DNS header, from `offset` to `end`, the end of the datagram, and
 * fills in `answer`, and its place if it gets a tag. `count` is the number of records in its answer
 * section, or 0 for one that is to get none. Nothing that the tag does not cover (other records, TTL, further
 * sections, checksums, addresses) may decide whether user space accepts such an answer: otherwise a
 * log could make a genuine answer pass as the repeat of one that user space refused.
 *
 * The name is looked up last, so that an answer to an unknown name costs nearly as much as one that
 * was seen before.
 */
static __always_inline enum answer_result parse_answer(const struct bytes *bytes, void *ctx,
						       enum hook hook, __u32 count, __u32 offset,
						       __u32 end, struct answer *answer)
{
	const __u32 number = generation_in_force();
	struct answer_place *place = &answer->place;
	const struct question_end *question_end;
	const struct generation *generation;
	struct sums name = {}, rdata = {};
	__u32 length, behind;
	bool has_tag;

	if (bytes->window)
		length = name_length_in_window(offset);
	else if (hook == HOOK_XDP)
		length = name_length_at_xdp(ctx, offset);
	else
		length = name_length_at_tc(ctx, offset);
	if (length == NAME_MALFORMED)
		return ANSWER_MALFORMED;
	if (length >= NAME_OF_MANY_LABELS)
		return ANSWER_UNKNOWN_NAME;
	behind = offset + length;
	if (behind + sizeof(*question_end) + SHORTEST_RECORD > end)
		return ANSWER_MALFORMED;
	question_end = bytes_at(bytes, behind, sizeof(*question_end));
	if (!question_end)
		return ANSWER_MALFORMED;
	if (question_end->type != bpf_htons(DNS_TYPE_TXT) ||
	    question_end->class != bpf_htons(DNS_CLASS_IN))
		return ANSWER_OTHER;

	place->name_offset = offset;
	place->name_length = length;
	if (!sum_name(bytes, ctx, hook, offset, length, number, &name))
		return ANSWER_MALFORMED;
	has_tag = sum_text(bytes, ctx, hook, behind + sizeof(*question_end), end, count, number,
			   place, &rdata);
	generation = generation_of(number);
	if (!generation)
		return ANSWER_UNKNOWN_NAME;
	answer->name = number_of_name(&generation->names, &name);
	answer->names = generation->names.count;
	if (answer->name == NAME_UNKNOWN)
		return ANSWER_UNKNOWN_NAME;
	if (has_tag) {
		rdata.first += name.first;
		rdata.second += name.second;
		place->tag = tag_of_sums(&rdata, generation->keys.tag);
	} else {
		*place = (struct answer_place){};
	}
	return ANSWER_KNOWN;
}

#endif
