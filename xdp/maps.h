/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps. User space pins all but `states`, `window` and `texts` beside the link, so that a new process finds the names, the
 * settings, the counts, the keys and the copies that an earlier one left.
 */
#ifndef CTGA_MAPS_H
#define CTGA_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "record.h"

/*
 * Copied packets. Two buffers, so that a flood of fragments, which anybody can send, never takes the room of
 * answers; each is one for all CPUs, which keeps its records in order. The sizes are set at load.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} answer_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} fragment_ring SEC(".maps");

/* Keyed hash of a known name. A plain hash map, not LRU: an attacker must not be able to evict a name. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_KNOWN_NAMES);
	__type(key, __u64);
	__type(value, __u8);
} name_hashes SEC(".maps");

/* Maps and not .rodata, because these change while the program runs, or outlive it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ports);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct keys);
} keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} reasons SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seen_answers);
} seen SEC(".maps");

/* What a CPU keeps from one packet to the next. */
struct bucket {
	__u64 tick;   /* when it was filled last, in jiffies */
	__u64 tokens; /* copies that are allowed now, in 1/65536 */
};

struct cpu_state {
	struct bucket answers;
	struct bucket fragments;
	__u64 answers_counted; /* for every n-th */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_state);
} states SEC(".maps");

/* The beginning of a frame whose headers are not in one piece: see source.h. */
#define WINDOW 2048

struct window {
	__u64 available; /* bytes of the present frame; behind them lie those of an earlier one */
	__u64 zero;      /* always 0, which the verifier cannot know: see bytes_at */
	__u8 bytes[WINDOW];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct window);
} window SEC(".maps");

/* And of such a frame the texts of its answer, each at a place of its own. */
struct texts {
	__u64 name[MAX_NAME_WORDS];
	__u64 rdata[MAX_RDATA_WORDS];
	__u64 rdata_last;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct texts);
} texts SEC(".maps");

/*
 * Adds one. The unique (and empty) instruction keeps the compiler from merging two of these into one that adds to
 * a chosen pointer, which the verifier refuses without CAP_PERFMON.
 */
#define COUNT(counter)                                           \
	do {                                                     \
		(counter)++;                                     \
		asm volatile("" : : "i"(__COUNTER__) : "memory"); \
	} while (0)

/* The single value of an array map. Never NULL for key 0, which the verifier cannot know. */
static __always_inline void *only_value(void *map)
{
	const __u32 key = 0;

	return bpf_map_lookup_elem(map, &key);
}

#endif
