/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs that p4c-ebpf makes of main.p4 use of its runtime, declared once more, so that
 * they can be built without p4c. A build with p4c's own headers takes its file of this name.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define SK_BUFF struct __sk_buff

/* Loads of big-endian numbers, which end within the packet: p4c compares before. */
#define load_byte(data, offset) (((u8 *)(data))[offset])
#define load_half(data, offset) bpf_ntohs(*(u16 *)((u8 *)(data) + (offset)))
#define load_word(data, offset) bpf_ntohl(*(u32 *)((u8 *)(data) + (offset)))
#define load_dword(data, offset) bpf_be64_to_cpu(*(u64 *)((u8 *)(data) + (offset)))

#define htons(number) bpf_htons(number)
#define htonl(number) bpf_htonl(number)
#define htonll(number) bpf_cpu_to_be64(number)

/* Maps, in the form that libbpf reads from BTF. Pinned by their names, by which tools find them. */
#define REGISTER_START()
#define REGISTER_END()
#define BPF_ANNOTATE_KV_PAIR(name, key_type, value_type)

#define REGISTER_TABLE(name, kind, key_type, value_type, size)                                     \
	struct {                                                                                   \
		__uint(type, kind);                                                                \
		key_type *key;                                                                     \
		value_type *value;                                                                 \
		__uint(max_entries, size);                                                         \
		__uint(pinning, LIBBPF_PIN_BY_NAME);                                               \
	} name SEC(".maps");

/* By sizes: clang leaves the types of maps that only other maps hold out of BTF. */
#define REGISTER_TABLE_INNER(name, kind, key_type, value_type, size, id, index)                    \
	struct name {                                                                              \
		__uint(type, kind);                                                                \
		__uint(key_size, sizeof(key_type));                                                \
		__uint(value_size, sizeof(value_type));                                            \
		__uint(max_entries, size);                                                         \
	} name SEC(".maps");

#define REGISTER_TABLE_OUTER(name, kind, key_type, value_type, size, id, inner)                    \
	struct {                                                                                   \
		__uint(type, kind);                                                                \
		key_type *key;                                                                     \
		value_type *value;                                                                 \
		__uint(max_entries, size);                                                         \
		__uint(pinning, LIBBPF_PIN_BY_NAME);                                               \
		__array(values, struct inner);                                                     \
	} name SEC(".maps");

#define BPF_MAP_LOOKUP_ELEM(map, key) bpf_map_lookup_elem(&map, key)
#define BPF_MAP_UPDATE_ELEM(map, key, value, flags) bpf_map_update_elem(&map, key, value, flags)
