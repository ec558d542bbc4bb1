/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A DNS message that answers a question for a tree head: a question for IN TXT
 * sth.<name>, or checkpoint.<name>, of a
 * name that we look for, and at least one answer ("Aggregation-Based Certificate Transparency
 * Gossip", Section 4.1).
 *
 * Most answers end with the look-up of their name (name.h). The tag is of the name's number and the
 * RDATA.
 */
#ifndef CTGA_ANSWER_H
#define CTGA_ANSWER_H

#include <bpf/bpf_endian.h>

#include "hash.h"
#include "name.h"
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

#define DNS_CLASS_IN 1

/*
 * Whether this has a question and an answer. Nothing else of the header matters, because some client
 * takes the answer all the same: c-ares, glibc and dig do not ask whether it is a response, c-ares
 * and Go's resolver do not look at the opcode, dig prints an answer with any RCODE, and some clients
 * ignore TC.
 */
static __always_inline bool has_answer(const struct dns_header *dns)
{
	return dns->question_count && dns->answer_count;
}

/*
 * The sums of NH over the RDATA, in blocks. The last block is the one that ends with the RDATA, and
 * may overlap the block before: so no byte behind the RDATA is read. What is shorter than a block is
 * hashed by words in the same way. The length is a term of the sums, and so is the name's number.
 */
static __always_inline void add_block(struct sums *sums, const __u64 *words,
				      const struct key_pair *keys)
{
#pragma unroll
	for (int i = 0; i < RDATA_BLOCK; i++)
		nh_add_at(sums, &words[i], &keys[i]);
}

static __always_inline __u64 what_of(__u32 found, __u32 length)
{
	return (__u64)NUMBER_OF_NAME(found) << 16 | length;
}

static __always_inline struct sums sums_of_what(__u64 what, const struct keys *keys)
{
	return (struct sums){ keys->what.first * what, keys->what.second * what };
}

/* What to do with each block of the RDATA: see each_block. */
enum block_work {
	BLOCK_HASH,
	BLOCK_COMPARE,
	BLOCK_KEEP,
};

static __always_inline void work_on_block(enum block_work work, const __u64 *words,
					  const struct key_pair *keys, __u64 *kept,
					  struct sums *sums)
{
	if (work == BLOCK_HASH) {
		add_block(sums, words, keys);
		return;
	}
#pragma unroll
	for (int i = 0; i < RDATA_BLOCK; i++) {
		if (work == BLOCK_KEEP)
			kept[i] = words[i];
		else
			sums->first |= words[i] ^ kept[i];
	}
}

/*
 * Adds all blocks of the RDATA to the sums, keeps them in the memo, or compares them with it: then
 * `sums->first` is 0 if none differs. False if the frame is cut off. `work` is a constant.
 */
static __always_inline bool each_block(enum block_work work, const struct bytes *bytes, __u32 at,
				       __u32 length, const struct keys *keys, struct memo *memo,
				       struct sums *sums)
{
	const __u64 *words = bytes_at(bytes, at + length - RDATA_BLOCK * 8, RDATA_BLOCK * 8);

	if (!words)
		return false;
	work_on_block(work, words, keys->rdata_end, memo->rdata_end, sums);
	for (__u32 block = 0; block < MAX_RDATA_BLOCKS && length > RDATA_BLOCK * 8; block++) {
		words = bytes_at(bytes, at, RDATA_BLOCK * 8);
		if (!words)
			return false;
		work_on_block(work, words, &keys->rdata[block * RDATA_BLOCK],
			      &memo->rdata[block * RDATA_BLOCK], sums);
		at += RDATA_BLOCK * 8;
		length -= RDATA_BLOCK * 8;
	}
	return true;
}

/* The same, hashing, for RDATA shorter than a block. */
static __always_inline bool each_word(const struct bytes *bytes, __u32 at, __u32 length,
				      const struct keys *keys, struct sums *sums)
{
	const __u64 *words = bytes_at(bytes, at + length - 8, 8);

	if (!words)
		return false;
	nh_add_at(sums, words, &keys->rdata_end[RDATA_BLOCK - 1]);
	for (__u32 i = 0; i < RDATA_BLOCK - 1 && length > 8; i++) {
		words = bytes_at(bytes, at, 8);
		if (!words)
			return false;
		nh_add_at(sums, words, &keys->rdata[i]);
		at += 8;
		length -= 8;
	}
	return true;
}

/*
 * The memo of this very RDATA, if there is one. All of it is compared, whatever differs, so that the
 * cost does not tell how much of it is right.
 */
static __always_inline bool is_in_memo(const struct bytes *bytes, __u32 at, __u32 length,
				       __u64 what, const struct keys *keys, struct memo *memo)
{
	struct sums difference = {};

	return memo->what == what && memo->key == keys->tag[0] &&
	       each_block(BLOCK_COMPARE, bytes, at, length, keys, memo, &difference) &&
	       !difference.first;
}

/* Keeps an answer whose tag is computed a second time in a row. */
static __always_inline void update_memo(const struct bytes *bytes, __u32 at, __u32 length,
					__u64 what, const struct keys *keys, __u64 tag,
					struct memo *memo)
{
	if (memo->latest != tag) {
		memo->latest = tag;
		return;
	}
	memo->what = 0;
	barrier();
	if (!each_block(BLOCK_KEEP, bytes, at, length, keys, memo, NULL))
		return;
	memo->key = keys->tag[0];
	memo->tag = tag;
	barrier();
	memo->what = what;
}

/*
 * The tag of an answer to the name that was found, or 0 if the frame is cut off. `text` is the offset of its RDATA << 16 | its length, from SHORTEST_HASHED_RDATA
 * to MAX_HASHED_RDATA.
 */
static __always_inline __u64 tag_in_frame(void *ctx, enum hook hook, __u32 found, __u32 text,
					  __u32 number)
{
	const struct bytes bytes = bytes_of_frame(ctx, hook);
	const struct generation *generation = generation_of(number);
	const __u32 at = text >> 16 & LARGEST_OFFSET, length = text & 0xffff;
	const __u64 what = what_of(found, length);
	const __u32 slot = NUMBER_OF_NAME(found) % MEMOS;
	struct memo *memo = bpf_map_lookup_elem(&memos, &slot);
	struct sums sums;
	__u64 tag;

	if (!generation || !memo)
		return 0;
	if (is_in_memo(&bytes, at, length, what, &generation->keys, memo)) {
		tag = memo->tag;
	} else if (length < RDATA_BLOCK * 8) {
		sums = sums_of_what(what, &generation->keys);
		if (!each_word(&bytes, at, length, &generation->keys, &sums))
			return 0;
		tag = tag_of_sums(&sums, generation->keys.tag);
	} else {
		sums = sums_of_what(what, &generation->keys);
		if (!each_block(BLOCK_HASH, &bytes, at, length, &generation->keys, memo, &sums))
			return 0;
		tag = tag_of_sums(&sums, generation->keys.tag);
		update_memo(&bytes, at, length, what, &generation->keys, tag, memo);
	}
	return tag;
}

/* At XDP it is inlined, which saves 8 ns a repeat and costs the verifier nothing. */
__noinline __u64 tag_at_tc(struct __sk_buff *ctx, __u32 found, __u32 text, __u32 number)
{
	return tag_in_frame(ctx, HOOK_TC, found, text, number);
}

/* The same over copies at fixed places: see find_copied_name. */
__noinline __u64 tag_of_copies(__u32 found, __u32 length, __u32 number)
{
	const struct texts *copy = only_value(&texts);
	const struct generation *generation = generation_of(number);
	struct sums sums;

	if (!copy || !generation)
		return 0;
	sums = sums_of_what(what_of(found, length), &generation->keys);
	if (length < RDATA_BLOCK * 8) {
		nh_add_at(&sums, &copy->rdata_end[RDATA_BLOCK - 1],
			  &generation->keys.rdata_end[RDATA_BLOCK - 1]);
#pragma unroll
		for (__u32 i = 0; i < RDATA_BLOCK - 1; i++) {
			if (i * 8 + 8 >= length)
				break;
			nh_add_at(&sums, &copy->rdata[i], &generation->keys.rdata[i]);
		}
		return tag_of_sums(&sums, generation->keys.tag);
	}
	add_block(&sums, copy->rdata_end, generation->keys.rdata_end);
#pragma unroll
	for (__u32 block = 0; block < MAX_RDATA_BLOCKS; block++) {
		if (block * RDATA_BLOCK * 8 + RDATA_BLOCK * 8 >= length)
			break;
		add_block(&sums, &copy->rdata[block * RDATA_BLOCK],
			  &generation->keys.rdata[block * RDATA_BLOCK]);
	}
	return tag_of_sums(&sums, generation->keys.tag);
}

static __always_inline __u64 tag_of(const struct bytes *bytes, void *ctx, enum hook hook,
				    __u32 found, __u32 text, __u32 number)
{
	const __u32 offset = text >> 16, length = text & 0xffff;
	struct texts *copy;

	if (!bytes->window)
		return hook == HOOK_XDP ? tag_in_frame(ctx, HOOK_XDP, found, text, number) :
					  tag_at_tc(ctx, found, text, number);
	copy = only_value(&texts);
	if (!copy || !load(ctx, hook, offset, copy->rdata, length, MAX_HASHED_RDATA))
		return 0;
	if (length < sizeof(copy->rdata_end) ?
		    !load(ctx, hook, offset + length - 8, &copy->rdata_end[RDATA_BLOCK - 1], 8, 8) :
		    !load(ctx, hook, offset + length - sizeof(copy->rdata_end), copy->rdata_end,
			  sizeof(copy->rdata_end), sizeof(copy->rdata_end)))
		return 0;
	return tag_of_copies(found, length, number);
}

struct question_end {
	__be16 type;
	__be16 class;
} __attribute__((packed));

/* An answer to a known name, or to a compressed one that may be known. */
struct answer {
	struct answer_place place;
	__u32 name;  /* its number, whose share pays for the copy */
	__u32 names; /* how many are known */
};

enum answer_result {
	ANSWER_UNKNOWN_NAME, /* or a known one without room for a question and an answer behind it */
	ANSWER_OTHER,
	ANSWER_KNOWN,
};

/*
 * Judges the message behind its DNS header, from `offset` to `end`, the end of the datagram, and
 * fills in `answer`, and its place if it gets a tag. `count` is the number of records in its answer
 * section, or 0 for one that is to get none. Nothing that the tag does not cover (other records, TTL,
 * further sections, checksums, addresses) may decide whether user space accepts such an answer:
 * otherwise a log could make a genuine answer pass as the repeat of one that user space refused.
 *
 * The name is looked up first, before anything is known of the message but that it is an answer. So
 * all answers to all other questions, for tree heads or not, take the same path and cost the same.
 */
static __always_inline enum answer_result parse_answer(const struct bytes *bytes, void *ctx,
						       enum hook hook, __u32 count, __u32 offset,
						       __u32 end, struct answer *answer)
{
	const __u32 number = generation_in_force();
	const struct generation *generation = generation_of(number);
	struct answer_place *place = &answer->place;
	const struct question_end *question_end;
	__u32 found, behind, text, length;

	found = find_name(bytes, ctx, hook, offset, end - offset, number);
	if (found == NAME_UNKNOWN || !generation)
		return ANSWER_UNKNOWN_NAME;
	*answer = (struct answer){
		.name = NUMBER_OF_NAME(found),
		.names = generation->names.count,
	};
	behind = offset + LENGTH_OF_NAME(found);
	question_end = bytes_at(bytes, behind, sizeof(*question_end));
	if (!question_end || behind + sizeof(*question_end) + SHORTEST_RECORD > end)
		return ANSWER_UNKNOWN_NAME;
	if (question_end->type != bpf_htons(DNS_TYPE_TXT) ||
	    question_end->class != bpf_htons(DNS_CLASS_IN))
		return found & NAME_COMPRESSED ? ANSWER_UNKNOWN_NAME : ANSWER_OTHER;

	/* A compressed name is not known here, so there is nothing to make a tag of. */
	if (found & NAME_COMPRESSED)
		return ANSWER_KNOWN;
	text = only_text(bytes, ctx, hook, behind + sizeof(*question_end), end, count);
	length = text & 0xffff;
	if (length < SHORTEST_HASHED_RDATA || length > MAX_HASHED_RDATA)
		return ANSWER_KNOWN;
	place->tag = tag_of(bytes, ctx, hook, found, text, number);
	if (!place->tag)
		return ANSWER_KNOWN;
	place->name_offset = offset;
	place->name_length = LENGTH_OF_NAME(found);
	place->rdata_offset = text >> 16;
	place->rdata_length = length;
	return ANSWER_KNOWN;
}

#endif
