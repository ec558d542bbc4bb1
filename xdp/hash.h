/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keyed hashing of names, answers and datagram identities: NH of UMAC (RFC 4418, Section 5.2) on
 * words of 64 bits, with one multiplication for each word. Without the keys, any two messages that
 * somebody chooses collide with a probability of 2^-32; and if they do not, both were copied, as
 * evidence.
 *
 * This is plain C, included by the program and by the addon, which fills the map of known names.
 */
#ifndef CTGA_HASH_H
#define CTGA_HASH_H

#include <linux/types.h>

static inline __attribute__((always_inline)) __u64 nh_word(__u64 word, __u64 key)
{
	__u32 low = (__u32)word + (__u32)key;
	__u32 high = (__u32)(word >> 32) + (__u32)(key >> 32);

	return (__u64)low * high;
}

/*
 * nh_word on a word in memory: two loads of 32 bits are fewer instructions than one and two shifts.
 */
static inline __attribute__((always_inline)) __u64 nh_word_at(const __u64 *word, const __u64 *key)
{
	const __u32 *halves = (const __u32 *)word;
	const __u32 *key_halves = (const __u32 *)key;

	return (__u64)(__u32)(halves[0] + key_halves[0]) * (__u32)(halves[1] + key_halves[1]);
}

/*
 * Spreads a sum of nh_word over all 64 bits, with the finaliser of MurmurHash3. It is a bijection,
 * so it adds no collisions.
 */
static inline __attribute__((always_inline)) __u64 mix(__u64 sum)
{
	sum ^= sum >> 33;
	sum *= 0xff51afd7ed558ccdULL;
	sum ^= sum >> 33;
	sum *= 0xc4ceb9fe1a85ec53ULL;
	return sum ^ sum >> 33;
}

#define EACH_BYTE(value) (0x0101010101010101ULL * (value))

/*
 * Turns the eight bytes of a word into lower case at once, without branches: ASCII letters only
 * (RFC 4343, Section 3). The length byte of a label is at most 63, below 'A' (65), so folding need
 * not know where labels begin.
 */
static inline __attribute__((always_inline)) __u64 fold_word(__u64 word)
{
	__u64 low = word & EACH_BYTE(0x7f);
	__u64 from_a = low + EACH_BYTE(0x80 - 'A');                /* bit 7: low >= 'A' */
	__u64 above_z = low + EACH_BYTE(0x80 - 'Z' - 1);           /* bit 7: low > 'Z' */
	__u64 upper = from_a & ~above_z & ~word & EACH_BYTE(0x80); /* bit 7: an upper-case letter */

	return word | upper >> 2; /* 0x80 >> 2 is 'a' - 'A' */
}

/* The first `length` bytes of a word, from 1 to 8; the other bytes become zero. */
static inline __attribute__((always_inline)) __u64 first_bytes(__u64 word, __u32 length)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return word & ~0ULL >> (64 - 8 * length);
#else
	return word & ~0ULL << (64 - 8 * length);
#endif
}

#endif
