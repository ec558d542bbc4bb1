/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps. User space pins all but `scratch` beside the link, so that a new process finds the names,
 * the settings, the counts and the copies that an earlier one left.
 */
#ifndef CTGA_MAPS_H
#define CTGA_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "record.h"

/* Copied packets. One buffer for all CPUs keeps them in order; the size is set at load. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} ring SEC(".maps");

/* A plain hash, not LRU: an attacker must not be able to evict a known name. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_KNOWN_NAMES);
	__type(key, struct known_name);
	__type(value, __u8);
} known_names SEC(".maps");

/* A map and not .rodata, because settings change while the program runs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

/* The question of the packet at hand: too large for the 512 bytes of BPF stack. */
struct question {
	__u8 bytes[MAX_NAME_LENGTH + 4 + 5]; /* name, QTYPE, QCLASS; rounded up to a multiple of 8 */
	struct known_name name;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct question);
} scratch SEC(".maps");

/* The single value of an array map. Never NULL for key 0, which the verifier cannot know. */
static __always_inline void *only_value(void *map)
{
	const __u32 key = 0;

	return bpf_map_lookup_elem(map, &key);
}

#endif
