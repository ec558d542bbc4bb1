/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Keyed hashing of names, answers and datagram identities, in two steps.
 *
 * A text becomes two sums of NH, the universal hash of UMAC (RFC 4418, Section 5.2), over words of
 * 64 bits. The sums have keys of their own, with one multiplication for each word in each. Any two
 * texts that are chosen without the keys have the same sums with a probability of at most 2^-62.
 * But sums are linear in parts of the text, so whatever shows of them gives the keys away. A name
 * has one sum: it only says where to look, and then the name itself is compared.
 *
 * SipHash-1-3, a pseudorandom function, makes the tag of them, so what shows of tags (which answers
 * share a slot in the cache, say) is as good as chance. A datagram's identity is short, so it goes
 * into SipHash as it is. xdp/README.md says what follows from this.
 *
 * This is plain C, included by the program and by the addon, which fills the table of known names.
 */
#ifndef CTGA_HASH_H
#define CTGA_HASH_H

#include <linux/types.h>

/* A text's two sums of NH. A text is known by both. */
struct sums {
	__u64 first;
	__u64 second;
};

/* The keys of one word, for the two sums. */
struct key_pair {
	__u64 first;
	__u64 second;
};

static inline __attribute__((always_inline)) __u64 nh_word(__u64 word, __u64 key)
{
	__u32 low = (__u32)word + (__u32)key;
	__u32 high = (__u32)(word >> 32) + (__u32)(key >> 32);

	return (__u64)low * high;
}

static inline __attribute__((always_inline)) void nh_add(struct sums *sums, __u64 word,
							 const struct key_pair *key)
{
	sums->first += nh_word(word, key->first);
	sums->second += nh_word(word, key->second);
	asm volatile("" : "+r"(sums->first), "+r"(sums->second));
}

/* nh_add of a word in memory: two loads of 32 bits are fewer instructions than one and two shifts. */
static inline __attribute__((always_inline)) void nh_add_at(struct sums *sums, const __u64 *word,
							    const struct key_pair *key)
{
	const __u32 *halves = (const __u32 *)word;
	const __u32 *first = (const __u32 *)&key->first;
	const __u32 *second = (const __u32 *)&key->second;

	sums->first += (__u64)(__u32)(halves[0] + first[0]) * (__u32)(halves[1] + first[1]);
	sums->second += (__u64)(__u32)(halves[0] + second[0]) * (__u32)(halves[1] + second[1]);
	/* One word after the other: otherwise clang keeps all words of a block on the stack. */
	asm volatile("" : "+r"(sums->first), "+r"(sums->second));
}

/*
 * SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) of whole words: one
 * round for each word, and three at the end.
 */
struct siphash {
	__u64 v0, v1, v2, v3;
};

static inline __attribute__((always_inline)) __u64 rotate_left(__u64 word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static inline __attribute__((always_inline)) void sip_round(struct siphash *state)
{
	state->v0 += state->v1;
	state->v2 += state->v3;
	state->v1 = rotate_left(state->v1, 13) ^ state->v0;
	state->v3 = rotate_left(state->v3, 16) ^ state->v2;
	state->v0 = rotate_left(state->v0, 32) + state->v3;
	state->v2 += state->v1;
	state->v3 = rotate_left(state->v3, 21) ^ state->v0;
	state->v1 = rotate_left(state->v1, 17) ^ state->v2;
	state->v2 = rotate_left(state->v2, 32);
}

static inline __attribute__((always_inline)) struct siphash sip_begin(const __u64 key[2])
{
	struct siphash state = {
		key[0] ^ 0x736f6d6570736575ULL,
		key[1] ^ 0x646f72616e646f6dULL,
		key[0] ^ 0x6c7967656e657261ULL,
		key[1] ^ 0x7465646279746573ULL,
	};

	return state;
}

static inline __attribute__((always_inline)) void sip_word(struct siphash *state, __u64 word)
{
	state->v3 ^= word;
	sip_round(state);
	state->v0 ^= word;
}

/* `words` is how many went in. */
static inline __attribute__((always_inline)) __u64 sip_end(struct siphash *state, int words)
{
	sip_word(state, (__u64)words << 59); /* the length in bytes, in the highest byte */
	state->v2 ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(state);
	return state->v0 ^ state->v1 ^ state->v2 ^ state->v3;
}

/* The tag of a text by its sums. */
static inline __attribute__((always_inline)) __u64 tag_of_sums(const struct sums *sums,
							       const __u64 key[2])
{
	struct siphash state = sip_begin(key);

	sip_word(&state, sums->first);
	sip_word(&state, sums->second);
	return sip_end(&state, 2);
}

/* The bucket of a name in the table of known names, before the table's mask. */
static inline __attribute__((always_inline)) __u32 bucket_of_sum(__u64 sum)
{
	return sum * 0x9e3779b97f4a7c15ULL >> 40;
}

#define EACH_BYTE(value) (0x0101010101010101ULL * (value))

/*
 * Eight bytes of a name as they are hashed: letters in lower case. So are a few other bytes from 0x40
 * on, but no byte of a known name is one of those, and digits and lengths of labels (RFC 1035,
 * Section 3.1) are below.
 */
static inline __attribute__((always_inline)) __u64 fold_name_word(__u64 word)
{
	return word | (word & EACH_BYTE(0x40)) >> 1; /* 0x40 >> 1 is 'a' - 'A' */
}

#endif
