/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The name in a DNS question: which of the known names it is, if it is one.
 *
 * The name is taken to end at its first zero byte, as each known name does, and nobody asks whether
 * it consists of labels: all that counts is whether its bytes are those of a known name, in any case
 * of letters (RFC 4343), since resolvers randomise it (draft-vixie-dnsext-dns0x20) and authorities
 * echo it. Where it has a byte that can begin a compression pointer (RFC 1035, Section 4.1.4), which
 * no honest server sends in a question, it may go on as any name: some clients follow it wherever it
 * leads, and user space does. One walk over the words finds the end and adds up a sum, which leads to a bucket of the
 * table and to one known name at most; a second walk compares the name with that one. So a name with
 * the sum of a known one gains nothing.
 *
 * The functions that loop are global, not static. The verifier then walks through each of them once
 * by itself, instead of verifying the rest of the program again for each turn at which a loop might
 * end. What is not inlined is also verified for one type of context. So each function that reads a
 * frame in place is there for either hook.
 */
#ifndef CTGA_NAME_H
#define CTGA_NAME_H

#include <bpf/bpf_endian.h>

#include "hash.h"
#include "source.h"

/*
 * Whether the first label is one of those that we know names by, in any case: `sth`, that of every
 * tree head's name (draft-ct-over-dns-01), or `checkpoint`, of which four bytes will do, since this
 * decides only how an unknown name is counted.
 */
static __always_inline bool begins_with_known_label(__u32 first_bytes)
{
	const __u32 folded = first_bytes | bpf_htonl(0x00202020);

	return folded == bpf_htonl(0x03737468) || folded == bpf_htonl(0x0a636865);
}

/*
 * What a look-up finds: `found` of struct name_place, or NAME_COMPRESSED beside the length of a name
 * with its compression pointer, and a number that no name has unless there are MAX_KNOWN_NAMES.
 */
#define NAME_UNKNOWN 0
#define NAME_COMPRESSED 0x8000
#define LENGTH_OF_NAME(found) ((found) >> 16)
#define NUMBER_OF_NAME(found) ((found) & (MAX_KNOWN_NAMES - 1))

static __always_inline __u32 compressed_name(__u32 pointer_at)
{
	return (pointer_at + 2) << 16 | NAME_COMPRESSED | (MAX_KNOWN_NAMES - 1);
}

enum name_walk {
	WALK_ON,
	WALK_ENDED,
	WALK_POINTS, /* the sum is where the pointer stands */
	WALK_CUT,
};

/*
 * Adds a word of the name to its sum. The walk ends with the last one, where zeros take the place
 * of what follows the name. No known name has a byte above 0x80: that ends the walk with 0, which
 * is no name's sum, or with the byte's place in the word if it can begin a pointer.
 */
static __always_inline enum name_walk add_name_word(__u64 *sum, __u64 word, const __u64 *key)
{
	__u64 ends = (word - EACH_BYTE(0x01)) & EACH_BYTE(0x80);

	if (ends) {
		ends &= -ends; /* the first of these */
		if (word & ends) {
			/* The product's highest byte is the number of bytes below. */
			*sum = (ends >> 7) * 0x0001020304050607ULL >> 56;
			if (word & ends >> 1)
				return WALK_POINTS;
			*sum = 0;
			return WALK_ENDED;
		}
		word &= (ends >> 7) - 1; /* the bytes below */
		*sum += nh_word(fold_name_word(word), *key);
		return WALK_ENDED;
	}
	*sum += nh_word(fold_name_word(word), *key);
	return WALK_ON;
}

/*
 * The known name with this sum, which may be another's too. No name's sum is 0. All places are
 * compared, without a branch: from branches the compiler makes a pointer that differs by the path,
 * to which a program without CAP_PERFMON may add nothing.
 */
static __always_inline __u32 name_of_sum(const struct known_names *names, __u64 sum)
{
	const struct name_place *places;
	__u64 found = NAME_UNKNOWN;
	__u32 bucket;

	/* Nor may a constant be added on one path and something else on another. */
	if (!sum)
		return NAME_UNKNOWN;
	bucket = bucket_of_sum(sum) & names->bucket_mask & (MAX_NAME_BUCKETS - 1);
	places = names->buckets[bucket];
#pragma unroll
	for (int i = 0; i < NAMES_PER_BUCKET; i++) {
		__u64 differs = places[i].sum ^ sum;

		barrier_var(differs);
		differs = (differs | -differs) >> 63;
		found |= places[i].found & (differs - 1);
	}
	return found;
}

static __always_inline __u64 difference(__u64 word, const struct name_word *known)
{
	return (word | known->mask) ^ known->text;
}

/* In place, bounds are checked once for each block of so many words. */
#define NAME_BLOCK 4
#define MAX_NAME_BLOCKS (MAX_NAME_WORDS / NAME_BLOCK)

/*
 * Adds the words of the block at `offset` to the sum of a name; a pointer's place is that in the
 * block. The frame may end within the block,
 * but not within the word where the name ends: what follows in an answer is longer.
 */
static __always_inline enum name_walk walk_block(const struct bytes *bytes, __u32 offset,
						 const __u64 *keys, __u64 *sum)
{
	const __u64 *words = bytes_at(bytes, offset, NAME_BLOCK * 8);
	enum name_walk walk;

	if (words) {
#pragma unroll
		for (__u32 i = 0; i < NAME_BLOCK; i++) {
			walk = add_name_word(sum, words[i], &keys[i]);
			if (walk == WALK_POINTS)
				*sum += i * 8;
			if (walk != WALK_ON)
				return walk;
		}
		return WALK_ON;
	}
	for (__u32 i = 0; i < NAME_BLOCK - 1; i++) {
		words = bytes_at(bytes, offset + i * 8, 8);
		if (!words)
			return WALK_CUT;
		walk = add_name_word(sum, *words, &keys[i]);
		if (walk == WALK_POINTS)
			*sum += i * 8;
		if (walk != WALK_ON)
			return walk;
	}
	return WALK_CUT;
}

/* How the name at `offset` differs from a known one, in the words from there to `length`. */
static __always_inline __u64 difference_of_name(const struct bytes *bytes, __u32 offset,
						__u32 length, const struct name_text *known)
{
	const __u64 *words;
	__u64 differs = 0;

	for (__u32 at = 0; at < MAX_NAME_WORDS && at * 8 < length; at += NAME_BLOCK) {
		words = bytes_at(bytes, offset + at * 8, NAME_BLOCK * 8);
		if (words) {
#pragma unroll
			for (__u32 i = 0; i < NAME_BLOCK; i++)
				differs |= difference(words[i], &known->words[at + i]);
			continue;
		}
		for (__u32 i = 0; i < NAME_BLOCK - 1 && (at + i) * 8 < length; i++) {
			words = bytes_at(bytes, offset + (at + i) * 8, 8);
			if (!words)
				return 1;
			differs |= difference(*words, &known->words[at + i]);
		}
		break;
	}
	return differs;
}

/*
 * Which known name the one at `offset` is. Reads up to 31 bytes behind it.
 *
 * Where no known name has its sum, it is compared with some name all the same: so an unknown name
 * takes as long as a known one.
 */
static __always_inline __u32 find_name_in_frame(void *ctx, enum hook hook, __u32 offset,
						__u32 number)
{
	const struct bytes bytes = bytes_of_frame(ctx, hook);
	const struct generation *generation = generation_of(number);
	__u32 found, length = 0;
	enum name_walk walk;
	__u64 sum = 0;

	offset &= LARGEST_OFFSET;
	if (!generation)
		return NAME_UNKNOWN;
	for (__u32 block = 0; block < MAX_NAME_BLOCKS; block++) {
		if (block >= generation->names.blocks)
			return NAME_UNKNOWN;
		walk = walk_block(&bytes, offset + length,
				  &generation->keys.name[block * NAME_BLOCK], &sum);
		if (walk == WALK_POINTS)
			return compressed_name(length + sum);
		length += NAME_BLOCK * 8;
		if (walk == WALK_ENDED)
			break;
		if (walk == WALK_CUT)
			return NAME_UNKNOWN;
	}
	found = name_of_sum(&generation->names, sum);
	if (found)
		length = LENGTH_OF_NAME(found);
	return difference_of_name(&bytes, offset, length,
				  &generation->names.texts[NUMBER_OF_NAME(found)]) ?
		       NAME_UNKNOWN :
		       found;
}

__noinline __u32 find_name_at_xdp(struct xdp_md *ctx, __u32 offset, __u32 number)
{
	return find_name_in_frame(ctx, HOOK_XDP, offset, number);
}

__noinline __u32 find_name_at_tc(struct __sk_buff *ctx, __u32 offset, __u32 number)
{
	return find_name_in_frame(ctx, HOOK_TC, offset, number);
}

/*
 * The same over a copy at a fixed place. The loops are unrolled, so that nothing is added to a
 * pointer: that would need CAP_PERFMON.
 */
__noinline __u32 find_copied_name(__u32 number)
{
	const struct texts *copy = only_value(&texts);
	const struct generation *generation = generation_of(number);
	const struct name_text *known;
	__u64 sum = 0, differs = 0;
	enum name_walk walk;
	__u32 found;

	if (!copy || !generation)
		return NAME_UNKNOWN;
#pragma unroll
	for (__u32 i = 0; i < MAX_NAME_WORDS; i++) {
		if (i % NAME_BLOCK == 0 && i / NAME_BLOCK >= generation->names.blocks)
			return NAME_UNKNOWN;
		walk = add_name_word(&sum, copy->name[i], &generation->keys.name[i]);
		if (walk == WALK_POINTS)
			return compressed_name(i * 8 + sum);
		if (walk != WALK_ON)
			break;
	}
	found = name_of_sum(&generation->names, sum);
	known = &generation->names.texts[NUMBER_OF_NAME(found)];
#pragma unroll
	for (__u32 i = 0; i < MAX_NAME_WORDS; i++) {
		if (i * 8 >= LENGTH_OF_NAME(found))
			break;
		differs |= difference(copy->name[i], &known->words[i]);
	}
	return differs ? NAME_UNKNOWN : found;
}

/* `available` is the number of bytes from `offset` on, not 0. */
static __always_inline __u32 find_name(const struct bytes *bytes, void *ctx, enum hook hook,
				       __u32 offset, __u32 available, __u32 number)
{
	struct texts *copy;

	if (!bytes->window)
		return hook == HOOK_XDP ? find_name_at_xdp(ctx, offset, number) :
					  find_name_at_tc(ctx, offset, number);
	copy = only_value(&texts);
	if (available > sizeof(copy->name))
		available = sizeof(copy->name);
	/* What is left of an earlier name behind these bytes makes the name end behind the message. */
	if (!copy || !load(ctx, hook, offset, copy->name, available, sizeof(copy->name)))
		return NAME_UNKNOWN;
	return find_copied_name(number);
}

#endif
