/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps. User space pins all but those from `states` on beside the link, so that a new
 * process finds the names, settings, counters, keys and copies that an earlier process left.
 */
#ifndef CTGA_MAPS_H
#define CTGA_MAPS_H

#include <stdbool.h>
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "record.h"

/*
 * Copied packets. There are two ring buffers, so that a flood of fragments, which anybody can send,
 * never takes the room of answers. All CPUs share each buffer, which keeps its records in order.
 * User space sets the sizes before it loads the program.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} answer_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} fragment_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GENERATIONS);
	__type(key, __u32);
	__type(value, struct generation);
} keyed_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct in_force);
} in_force SEC(".maps");

/* These are maps and not .rodata because they change while the program runs, or outlive it. */
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
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seen_answers);
} seen SEC(".maps");

/* A token bucket, which limits the copies in a second. Zeros: nothing of it is used. */
struct bucket {
	__u32 tick; /* when time was last paid for, in jiffies */
	__u32 used; /* in units of 1/4096 copy (ONE_COPY) */
};

/* What each CPU keeps from one packet to the next. */
struct cpu_state {
	struct bucket answers;
	struct bucket fragments;
	__u64 answers_counted; /* to find every n-th */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_state);
} states SEC(".maps");

/* The buckets of the known names, by their numbers. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAX_KNOWN_NAMES);
	__type(key, __u32);
	__type(value, struct bucket);
} name_budgets SEC(".maps");

#define SOURCE_BUCKETS 1024

/* The buckets of the senders of fragments, by a keyed hash of their addresses. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SOURCE_BUCKETS);
	__type(key, __u32);
	__type(value, struct bucket);
} source_budgets SEC(".maps");

/* Where a match goes that is not copied: see copy.h. */
struct scratch {
	__u64 stand_in; /* for what all CPUs share of a ring */
	struct record_header header;
	__u8 bytes[RECORD_CAPACITY];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* A copy of the beginning of a frame that cannot be read in place: see source.h. */
#define WINDOW 2048

struct window {
	__u64 available; /* bytes of the present frame; behind them lie bytes of earlier ones */
	__u64 zero;      /* always 0, which the verifier cannot know: see bytes_at */
	__u64 front;     /* bytes in front of IP where there is no Ethernet: see find_ip */
	__u8 bytes[WINDOW];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct window);
} window SEC(".maps");

/* A datagram of several that were merged into one packet: see merged.h. */
struct segment {
	__u8 headers[64]; /* Ethernet, IP and UDP as the datagram would have them alone */
	__u32 at;         /* where its payload begins in the packet */
	__u32 length;     /* of that payload */
	bool ipv6;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct segment);
} segments SEC(".maps");

/*
 * Copies of such an answer's name and RDATA, each at a fixed place: see find_copied_name in
 * name.h.
 */
struct texts {
	__u64 name[MAX_NAME_WORDS];
	__u64 rdata[MAX_HASHED_RDATA / 8];
	__u64 rdata_end[RDATA_BLOCK];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct texts);
} texts SEC(".maps");

/*
 * The RDATA of an answer whose tag was computed twice in a row, and that tag: comparing takes a third
 * of the time that hashing takes. One for all names whose numbers have these last bits.
 */
#define MEMOS 64

struct memo {
	__u64 what;   /* the name's number << 16 | the RDATA's length; 0: nothing is here */
	__u64 key;    /* of the tag: of other keys, nothing is known */
	__u64 tag;    /* of the RDATA below */
	__u64 latest; /* the tag that was computed last */
	__u64 rdata[MAX_HASHED_RDATA / 8];
	__u64 rdata_end[RDATA_BLOCK];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MEMOS);
	__type(key, __u32);
	__type(value, struct memo);
} memos SEC(".maps");

/*
 * Adds one to a counter. The empty instruction, which is unique in each place, keeps the compiler
 * from merging two of these into one addition through a pointer that it selects before: without
 * CAP_PERFMON, the verifier refuses that.
 */
#define COUNT(counter)                                            \
	do {                                                      \
		(counter)++;                                      \
		asm volatile("" : : "i"(__COUNTER__) : "memory"); \
	} while (0)

/* The single value of an array map. It is never NULL, but the verifier cannot know that. */
static __always_inline void *only_value(void *map)
{
	const __u32 key = 0;

	return bpf_map_lookup_elem(map, &key);
}

/*
 * The number of the generation that is in force. A packet is judged by one alone: who looks up more
 * than once passes the number on.
 */
static __always_inline __u32 generation_in_force(void)
{
	const struct in_force *value = only_value(&in_force);

	return value ? value->drawn % GENERATIONS : 0;
}

static __always_inline const struct generation *generation_of(__u32 number)
{
	return bpf_map_lookup_elem(&keyed_names, &number);
}

#endif
