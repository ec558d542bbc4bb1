/* SPDX-License-Identifier: Apache-2.0 */
/* p4c-ebpf 1.2.4.4 of a192a8e6deee441248961bc3a13abf24d629c6ce32ac2ff879ac380ed0e13337 */
#include "ebpf_kernel.h"

#include <stdbool.h>
#include <linux/if_ether.h>
#include "psa.h"

#define EBPF_MASK(t, w) ((((t)(1)) << (w)) - (t)1)
#define BYTES(w) ((w) / 8)
#define write_partial(a, s, v) do { u8 mask = EBPF_MASK(u8, s); *((u8*)a) = ((*((u8*)a)) & ~mask) | (((v) >> (8 - (s))) & mask); } while (0)
#define write_partial_ex(a, w, s, v) do { *((u8*)a) = ((*((u8*)a)) & ~(EBPF_MASK(u8, w) << s)) | (v << s) ; } while (0)
#define write_byte(base, offset, v) do { *(u8*)((base) + (offset)) = (v); } while (0)
#define bpf_trace_message(fmt, ...)


#define CLONE_MAX_PORTS 64
#define CLONE_MAX_INSTANCES 1
#define CLONE_MAX_CLONES (CLONE_MAX_PORTS * CLONE_MAX_INSTANCES)
#define CLONE_MAX_SESSIONS 1024

#ifndef PSA_PORT_RECIRCULATE
#define PSA_PORT_RECIRCULATE 0
#endif
#define P4C_PSA_PORT_RECIRCULATE 0xfffffffa

#define DEVMAP_SIZE 256

struct internal_metadata {
    __u16 pkt_ether_type;
} __attribute__((aligned(4)));

struct list_key_t {
    __u32 port;
    __u16 instance;
};
typedef struct list_key_t elem_t;

struct element {
    struct clone_session_entry entry;
    elem_t next_id;
} __attribute__((aligned(4)));


struct ethernet_t {
    u64 destination; /* bit<48> */
    u64 source; /* bit<48> */
    u16 ethertype; /* bit<16> */
    u8 ebpf_valid;
};
struct vlan_t {
    u16 tci; /* bit<16> */
    u16 ethertype; /* bit<16> */
    u8 ebpf_valid;
};
struct pppoe_t {
    u16 version_type_code; /* bit<16> */
    u16 session; /* bit<16> */
    u16 length; /* bit<16> */
    u16 ppp_protocol; /* bit<16> */
    u8 ebpf_valid;
};
struct ipv4_t {
    u8 version; /* bit<4> */
    u8 ihl; /* bit<4> */
    u8 tos; /* bit<8> */
    u16 total_length; /* bit<16> */
    u16 identification; /* bit<16> */
    u8 flags; /* bit<2> */
    u16 fragment; /* bit<14> */
    u8 ttl; /* bit<8> */
    u8 protocol; /* bit<8> */
    u16 checksum; /* bit<16> */
    u32 source; /* bit<32> */
    u32 destination; /* bit<32> */
    u8 ebpf_valid;
};
struct ipv6_t {
    u8 version; /* bit<4> */
    u32 class_and_label; /* bit<28> */
    u16 payload_length; /* bit<16> */
    u8 next_header; /* bit<8> */
    u8 hop_limit; /* bit<8> */
    u8 source[16]; /* bit<128> */
    u8 destination[16]; /* bit<128> */
    u8 ebpf_valid;
};
struct ipv6_fragment_t {
    u8 next_header; /* bit<8> */
    u8 reserved; /* bit<8> */
    u16 offset_and_more; /* bit<16> */
    u32 identification; /* bit<32> */
    u8 ebpf_valid;
};
struct udp_t {
    u16 source_port; /* bit<16> */
    u16 destination_port; /* bit<16> */
    u16 length; /* bit<16> */
    u16 checksum; /* bit<16> */
    u8 ebpf_valid;
};
struct dns_t {
    u16 id; /* bit<16> */
    u8 is_response; /* bit<1> */
    u16 flags; /* bit<15> */
    u16 questions; /* bit<16> */
    u16 answers; /* bit<16> */
    u16 authorities; /* bit<16> */
    u16 additionals; /* bit<16> */
    u8 ebpf_valid;
};
struct question_end_t {
    u8 root; /* bit<8> */
    u16 type; /* bit<16> */
    u16 class; /* bit<16> */
    u8 ebpf_valid;
};
struct ipv6_in_words_t {
    u8 version; /* bit<4> */
    u32 class_and_label; /* bit<28> */
    u16 payload_length; /* bit<16> */
    u8 next_header; /* bit<8> */
    u8 hop_limit; /* bit<8> */
    u32 source_0; /* bit<32> */
    u32 source_1; /* bit<32> */
    u32 source_2; /* bit<32> */
    u32 source_3; /* bit<32> */
    u32 destination_0; /* bit<32> */
    u32 destination_1; /* bit<32> */
    u32 destination_2; /* bit<32> */
    u32 destination_3; /* bit<32> */
    u8 ebpf_valid;
};
struct words_t {
    u64 w0; /* bit<64> */
    u64 w1; /* bit<64> */
    u64 w2; /* bit<64> */
    u64 w3; /* bit<64> */
};
struct name_words_t {
    struct words_t part_1; /* words_t */
    struct words_t part_2; /* words_t */
    struct words_t part_3; /* words_t */
    struct words_t part_4; /* words_t */
};
struct user_metadata_t {
    u32 offset; /* bit<32> */
    u32 frame_end; /* bit<32> */
    u32 ip_start; /* bit<32> */
    u32 ip_end; /* bit<32> */
    u32 udp_end; /* bit<32> */
    u32 name_start; /* bit<32> */
    u16 first_label; /* bit<16> */
    u8 is_ipv6; /* bit<1> */
    u8 verdict; /* bit<8> */
    u64 not_name; /* bit<64> */
    u64 name_end; /* bit<64> */
    u64 name_lengths; /* bit<64> */
    u64 not_txt; /* bit<64> */
};
struct halfsiphash_t {
    u32 v0; /* bit<32> */
    u32 v1; /* bit<32> */
    u32 v2; /* bit<32> */
    u32 v3; /* bit<32> */
};
struct address_t {
    u32 w0; /* bit<32> */
    u32 w1; /* bit<32> */
    u32 w2; /* bit<32> */
    u32 w3; /* bit<32> */
};
struct headers_t {
    struct ethernet_t ethernet; /* ethernet_t */
    struct vlan_t outer_tag; /* vlan_t */
    struct vlan_t middle_tag; /* vlan_t */
    struct vlan_t inner_tag; /* vlan_t */
    struct pppoe_t pppoe; /* pppoe_t */
    struct ipv4_t ipv4; /* ipv4_t */
    struct ipv6_in_words_t ipv6; /* ipv6_in_words_t */
    struct ipv6_fragment_t ipv6_fragment; /* ipv6_fragment_t */
    struct udp_t udp; /* udp_t */
    struct dns_t dns; /* dns_t */
};
struct sth_label_t {
    u32 length_and_text; /* bit<32> */
    u8 ebpf_valid;
};
struct word_0_t {
    u32 before; /* bit<32> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_1_t {
    u8 before[12]; /* bit<96> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_2_t {
    u8 before[20]; /* bit<160> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_3_t {
    u8 before[28]; /* bit<224> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_4_t {
    u8 before[36]; /* bit<288> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_5_t {
    u8 before[44]; /* bit<352> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_6_t {
    u8 before[52]; /* bit<416> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_7_t {
    u8 before[60]; /* bit<480> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_8_t {
    u8 before[68]; /* bit<544> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_9_t {
    u8 before[76]; /* bit<608> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_10_t {
    u8 before[84]; /* bit<672> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_11_t {
    u8 before[92]; /* bit<736> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_12_t {
    u8 before[100]; /* bit<800> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_13_t {
    u8 before[108]; /* bit<864> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_14_t {
    u8 before[116]; /* bit<928> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct word_15_t {
    u8 before[124]; /* bit<992> */
    u64 word; /* bit<64> */
    u8 ebpf_valid;
};
struct sampling_t {
    u32 mask; /* bit<32> */
    u32 key_a; /* bit<32> */
    u32 key_b; /* bit<32> */
};
struct empty_t {
};
struct nothing_t {
};
struct psa_metadata_t {
    struct user_metadata_t frame; /* user_metadata_t */
    struct name_words_t name; /* name_words_t */
    u32 first; /* bit<32> */
};
struct _known_names_1_key {
    u16 field0; /* known_names_so_far */
    u64 field1; /* known_names_words.w0 */
    u64 field2; /* known_names_words.w1 */
    u64 field3; /* known_names_words.w2 */
    u64 field4; /* known_names_words.w3 */
} __attribute__((aligned(8)));
#define _KNOWN_NAMES_1_ACT_PSAINGRESS_KNOWN_NAMES_PART_1 1
#define _KNOWN_NAMES_1_ACT_PSAINGRESS_KNOWN_NAMES_UNKNOWN 2
struct _known_names_1_value {
    unsigned int action;
    union {
        struct {
        } _NoAction;
        struct {
            u16 id;
        } PsaIngress_known_names_part_1;
        struct {
        } PsaIngress_known_names_unknown;
    } u;
};
struct _known_names_2_key {
    u16 field0; /* known_names_so_far */
    u64 field1; /* known_names_words.w0 */
    u64 field2; /* known_names_words.w1 */
    u64 field3; /* known_names_words.w2 */
    u64 field4; /* known_names_words.w3 */
} __attribute__((aligned(8)));
#define _KNOWN_NAMES_2_ACT_PSAINGRESS_KNOWN_NAMES_PART_2 1
#define _KNOWN_NAMES_2_ACT_PSAINGRESS_KNOWN_NAMES_UNKNOWN 2
struct _known_names_2_value {
    unsigned int action;
    union {
        struct {
        } _NoAction;
        struct {
            u16 id;
        } PsaIngress_known_names_part_2;
        struct {
        } PsaIngress_known_names_unknown;
    } u;
};
struct _known_names_3_key {
    u16 field0; /* known_names_so_far */
    u64 field1; /* known_names_words.w0 */
    u64 field2; /* known_names_words.w1 */
    u64 field3; /* known_names_words.w2 */
    u64 field4; /* known_names_words.w3 */
} __attribute__((aligned(8)));
#define _KNOWN_NAMES_3_ACT_PSAINGRESS_KNOWN_NAMES_PART_3 1
#define _KNOWN_NAMES_3_ACT_PSAINGRESS_KNOWN_NAMES_UNKNOWN 2
struct _known_names_3_value {
    unsigned int action;
    union {
        struct {
        } _NoAction;
        struct {
            u16 id;
        } PsaIngress_known_names_part_3;
        struct {
        } PsaIngress_known_names_unknown;
    } u;
};
struct _known_names_4_key {
    u16 field0; /* known_names_so_far */
    u64 field1; /* known_names_words.w0 */
    u64 field2; /* known_names_words.w1 */
    u64 field3; /* known_names_words.w2 */
    u64 field4; /* known_names_words.w3 */
} __attribute__((aligned(8)));
#define _KNOWN_NAMES_4_ACT_PSAINGRESS_KNOWN_NAMES_PART_4 1
#define _KNOWN_NAMES_4_ACT_PSAINGRESS_KNOWN_NAMES_UNKNOWN 2
struct _known_names_4_value {
    unsigned int action;
    union {
        struct {
        } _NoAction;
        struct {
            u16 id;
        } PsaIngress_known_names_part_4;
        struct {
        } PsaIngress_known_names_unknown;
    } u;
};
struct _route_key {
    u32 field0; /* istd.ingress_port */
} __attribute__((aligned(4)));
#define _ROUTE_ACT_PSAINGRESS_FORWARD 1
#define _ROUTE_ACT_PSAINGRESS_DROP 2
struct _route_value {
    unsigned int action;
    union {
        struct {
        } _NoAction;
        struct {
            u32 port;
        } PsaIngress_forward;
        struct {
        } PsaIngress_drop;
    } u;
};
struct PsaIngress_verdicts_value {
    u32 packets;
};
typedef u32 PsaIngress_answer_count_key;
typedef u32 PsaIngress_answer_count_value;
typedef u32 PsaIngress_fragment_threshold_key;
typedef u32 PsaIngress_fragment_threshold_value;
typedef u32 PsaIngress_key_a_key;
typedef u32 PsaIngress_key_a_value;
typedef u32 PsaIngress_key_b_key;
typedef u32 PsaIngress_key_b_value;
typedef u32 PsaIngress_sampling_mask_key;
typedef u32 PsaIngress_sampling_mask_value;

struct lookup_tbl_val {
    u32 table[2048];
};

struct hdr_md {
    struct headers_t cpumap_hdr;
    struct psa_metadata_t cpumap_usermeta;
    __u8 __hook;
};

struct xdp2tc_metadata {
    struct headers_t headers;
    struct psa_ingress_output_metadata_t ostd;
    __u32 packetOffsetInBits;
    __u16 pkt_ether_type;
} __attribute__((aligned(4)));

REGISTER_START()
REGISTER_TABLE_INNER(clone_session_tbl_inner, BPF_MAP_TYPE_HASH, elem_t, struct element, 64, 1, 1)
BPF_ANNOTATE_KV_PAIR(clone_session_tbl_inner, elem_t, struct element)
REGISTER_TABLE_OUTER(clone_session_tbl, BPF_MAP_TYPE_ARRAY_OF_MAPS, __u32, __u32, 1024, 1, clone_session_tbl_inner)
BPF_ANNOTATE_KV_PAIR(clone_session_tbl, __u32, __u32)
REGISTER_TABLE_INNER(multicast_grp_tbl_inner, BPF_MAP_TYPE_HASH, elem_t, struct element, 64, 2, 2)
BPF_ANNOTATE_KV_PAIR(multicast_grp_tbl_inner, elem_t, struct element)
REGISTER_TABLE_OUTER(multicast_grp_tbl, BPF_MAP_TYPE_ARRAY_OF_MAPS, __u32, __u32, 1024, 2, multicast_grp_tbl_inner)
BPF_ANNOTATE_KV_PAIR(multicast_grp_tbl, __u32, __u32)
REGISTER_TABLE(_known_names_1, BPF_MAP_TYPE_HASH, struct _known_names_1_key, struct _known_names_1_value, 1024)
BPF_ANNOTATE_KV_PAIR(_known_names_1, struct _known_names_1_key, struct _known_names_1_value)
REGISTER_TABLE(_known_names_1_defaultAction, BPF_MAP_TYPE_ARRAY, u32, struct _known_names_1_value, 1)
BPF_ANNOTATE_KV_PAIR(_known_names_1_defaultAction, u32, struct _known_names_1_value)
REGISTER_TABLE(_known_names_2, BPF_MAP_TYPE_HASH, struct _known_names_2_key, struct _known_names_2_value, 1024)
BPF_ANNOTATE_KV_PAIR(_known_names_2, struct _known_names_2_key, struct _known_names_2_value)
REGISTER_TABLE(_known_names_2_defaultAction, BPF_MAP_TYPE_ARRAY, u32, struct _known_names_2_value, 1)
BPF_ANNOTATE_KV_PAIR(_known_names_2_defaultAction, u32, struct _known_names_2_value)
REGISTER_TABLE(_known_names_3, BPF_MAP_TYPE_HASH, struct _known_names_3_key, struct _known_names_3_value, 1024)
BPF_ANNOTATE_KV_PAIR(_known_names_3, struct _known_names_3_key, struct _known_names_3_value)
REGISTER_TABLE(_known_names_3_defaultAction, BPF_MAP_TYPE_ARRAY, u32, struct _known_names_3_value, 1)
BPF_ANNOTATE_KV_PAIR(_known_names_3_defaultAction, u32, struct _known_names_3_value)
REGISTER_TABLE(_known_names_4, BPF_MAP_TYPE_HASH, struct _known_names_4_key, struct _known_names_4_value, 1024)
BPF_ANNOTATE_KV_PAIR(_known_names_4, struct _known_names_4_key, struct _known_names_4_value)
REGISTER_TABLE(_known_names_4_defaultAction, BPF_MAP_TYPE_ARRAY, u32, struct _known_names_4_value, 1)
BPF_ANNOTATE_KV_PAIR(_known_names_4_defaultAction, u32, struct _known_names_4_value)
REGISTER_TABLE(_route, BPF_MAP_TYPE_HASH, struct _route_key, struct _route_value, 64)
BPF_ANNOTATE_KV_PAIR(_route, struct _route_key, struct _route_value)
REGISTER_TABLE(_route_defaultAction, BPF_MAP_TYPE_ARRAY, u32, struct _route_value, 1)
BPF_ANNOTATE_KV_PAIR(_route_defaultAction, u32, struct _route_value)
REGISTER_TABLE(PsaIngress_verdicts, BPF_MAP_TYPE_ARRAY, u32, struct PsaIngress_verdicts_value, 32)
BPF_ANNOTATE_KV_PAIR(PsaIngress_verdicts, u32, struct PsaIngress_verdicts_value)
REGISTER_TABLE(PsaIngress_answer_count, BPF_MAP_TYPE_ARRAY, u32, PsaIngress_answer_count_value, 1)
BPF_ANNOTATE_KV_PAIR(PsaIngress_answer_count, u32, PsaIngress_answer_count_value)
REGISTER_TABLE(PsaIngress_fragment_threshold, BPF_MAP_TYPE_ARRAY, u32, PsaIngress_fragment_threshold_value, 1)
BPF_ANNOTATE_KV_PAIR(PsaIngress_fragment_threshold, u32, PsaIngress_fragment_threshold_value)
REGISTER_TABLE(PsaIngress_key_a, BPF_MAP_TYPE_ARRAY, u32, PsaIngress_key_a_value, 1)
BPF_ANNOTATE_KV_PAIR(PsaIngress_key_a, u32, PsaIngress_key_a_value)
REGISTER_TABLE(PsaIngress_key_b, BPF_MAP_TYPE_ARRAY, u32, PsaIngress_key_b_value, 1)
BPF_ANNOTATE_KV_PAIR(PsaIngress_key_b, u32, PsaIngress_key_b_value)
REGISTER_TABLE(PsaIngress_sampling_mask, BPF_MAP_TYPE_ARRAY, u32, PsaIngress_sampling_mask_value, 1)
BPF_ANNOTATE_KV_PAIR(PsaIngress_sampling_mask, u32, PsaIngress_sampling_mask_value)
REGISTER_TABLE(hdr_md_cpumap, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct hdr_md, 2)
BPF_ANNOTATE_KV_PAIR(hdr_md_cpumap, u32, struct hdr_md)
REGISTER_TABLE(xdp2tc_shared_map, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct xdp2tc_metadata, 1)
BPF_ANNOTATE_KV_PAIR(xdp2tc_shared_map, u32, struct xdp2tc_metadata)
REGISTER_TABLE(tx_port, BPF_MAP_TYPE_DEVMAP, u32, struct bpf_devmap_val, 256)
BPF_ANNOTATE_KV_PAIR(tx_port, u32, struct bpf_devmap_val)
REGISTER_TABLE(crc_lookup_tbl, BPF_MAP_TYPE_ARRAY, u32, struct lookup_tbl_val, 1)
BPF_ANNOTATE_KV_PAIR(crc_lookup_tbl, u32, struct lookup_tbl_val)
REGISTER_END()

static __always_inline
void crc16_update(u16 * reg, const u8 * data, u16 data_size, const u16 poly) {
    if (data_size <= 8)
        data += data_size - 1;
    #pragma clang loop unroll(full)
    for (u16 i = 0; i < data_size; i++) {
        bpf_trace_message("CRC16: data byte: %x\n", *data);
        *reg ^= *data;
        for (u8 bit = 0; bit < 8; bit++) {
            *reg = (*reg) & 1 ? ((*reg) >> 1) ^ poly : (*reg) >> 1;
        }
        if (data_size <= 8)
            data--;
        else
            data++;
    }
}
static __always_inline u16 crc16_finalize(u16 reg) {
    return reg;
}
static __always_inline
void crc32_update(u32 * reg, const u8 * data, u16 data_size, const u32 poly) {
    u32* current = (u32*) data;
    struct lookup_tbl_val* lookup_table;
    u32 index = 0;
    lookup_table = BPF_MAP_LOOKUP_ELEM(crc_lookup_tbl, &index);
    u32 lookup_key = 0;
    u32 lookup_value = 0;
    u32 lookup_value1 = 0;
    u32 lookup_value2 = 0;
    u32 lookup_value3 = 0;
    u32 lookup_value4 = 0;
    u32 lookup_value5 = 0;
    u32 lookup_value6 = 0;
    u32 lookup_value7 = 0;
    u32 lookup_value8 = 0;
    u16 tmp = 0;
    if (lookup_table != NULL) {
        for (u16 i = data_size; i >= 8; i -= 8) {
            /* Vars one and two will have swapped byte order if data_size == 8 */
            if (data_size == 8) current = data + 4;
            bpf_trace_message("CRC32: data dword: %x\n", *current);
            u32 one = (data_size == 8 ? __builtin_bswap32(*current--) : *current++) ^ *reg;
            bpf_trace_message("CRC32: data dword: %x\n", *current);
            u32 two = (data_size == 8 ? __builtin_bswap32(*current--) : *current++);
            lookup_key = (one & 0x000000FF);
            lookup_value8 = lookup_table->table[(u16)(1792 + (u8)lookup_key)];
            lookup_key = (one >> 8) & 0x000000FF;
            lookup_value7 = lookup_table->table[(u16)(1536 + (u8)lookup_key)];
            lookup_key = (one >> 16) & 0x000000FF;
            lookup_value6 = lookup_table->table[(u16)(1280 + (u8)lookup_key)];
            lookup_key = one >> 24;
            lookup_value5 = lookup_table->table[(u16)(1024 + (u8)(lookup_key))];
            lookup_key = (two & 0x000000FF);
            lookup_value4 = lookup_table->table[(u16)(768 + (u8)lookup_key)];
            lookup_key = (two >> 8) & 0x000000FF;
            lookup_value3 = lookup_table->table[(u16)(512 + (u8)lookup_key)];
            lookup_key = (two >> 16) & 0x000000FF;
            lookup_value2 = lookup_table->table[(u16)(256 + (u8)lookup_key)];
            lookup_key = two >> 24;
            lookup_value1 = lookup_table->table[(u8)(lookup_key)];
            *reg = lookup_value8 ^ lookup_value7 ^ lookup_value6 ^ lookup_value5 ^
                   lookup_value4 ^ lookup_value3 ^ lookup_value2 ^ lookup_value1;
            tmp += 8;
        }
        volatile int std_algo_lookup_key = 0;
        if (data_size < 8) {
            unsigned char *currentChar = (unsigned char *) current;
            currentChar += data_size - 1;
            for (u16 i = tmp; i < data_size; i++) {
                bpf_trace_message("CRC32: data byte: %x\n", *currentChar);
                std_algo_lookup_key = (u32)(((*reg) & 0xFF) ^ *currentChar--);
                if (std_algo_lookup_key >= 0) {
                    lookup_value = lookup_table->table[(u8)(std_algo_lookup_key & 255)];
                }
                *reg = ((*reg) >> 8) ^ lookup_value;
            }
        } else {
            /* Consume data not processed by slice-by-8 algorithm above, these data are in network byte order */
            unsigned char *currentChar = (unsigned char *) current;
            for (u16 i = tmp; i < data_size; i++) {
                bpf_trace_message("CRC32: data byte: %x\n", *currentChar);
                std_algo_lookup_key = (u32)(((*reg) & 0xFF) ^ *currentChar++);
                if (std_algo_lookup_key >= 0) {
                    lookup_value = lookup_table->table[(u8)(std_algo_lookup_key & 255)];
                }
                *reg = ((*reg) >> 8) ^ lookup_value;
            }
        }
    }
}
static __always_inline u32 crc32_finalize(u32 reg) {
    return reg ^ 0xFFFFFFFF;
}
inline u16 csum16_add(u16 csum, u16 addend) {
    u16 res = csum;
    res += addend;
    return (res + (res < addend));
}
inline u16 csum16_sub(u16 csum, u16 addend) {
    return csum16_add(csum, ~addend);
}
static __always_inline
int do_for_each(SK_BUFF *skb, void *map, unsigned int max_iter, void (*a)(SK_BUFF *, void *))
{
    elem_t head_idx = {0, 0};
    struct element *elem = bpf_map_lookup_elem(map, &head_idx);
    if (!elem) {
        return -1;
    }
    if (elem->next_id.port == 0 && elem->next_id.instance == 0) {
               return 0;
    }
    elem_t next_id = elem->next_id;
    for (unsigned int i = 0; i < max_iter; i++) {
        struct element *elem = bpf_map_lookup_elem(map, &next_id);
        if (!elem) {
            break;
        }
        a(skb, &elem->entry);
        if (elem->next_id.port == 0 && elem->next_id.instance == 0) {
            break;
        }
        next_id = elem->next_id;
    }
    return 0;
}

static __always_inline
void do_clone(SK_BUFF *skb, void *data)
{
    struct clone_session_entry *entry = (struct clone_session_entry *) data;
    bpf_clone_redirect(skb, entry->egress_port, 0);
}

static __always_inline
int do_packet_clones(SK_BUFF * skb, void * map, __u32 session_id, PSA_PacketPath_t new_pkt_path, __u8 caller_id)
{
    struct psa_global_metadata * meta = (struct psa_global_metadata *) skb->cb;
    void * inner_map;
    inner_map = bpf_map_lookup_elem(map, &session_id);
    if (inner_map != NULL) {
        PSA_PacketPath_t original_pkt_path = meta->packet_path;
        meta->packet_path = new_pkt_path;
        if (do_for_each(skb, inner_map, CLONE_MAX_CLONES, &do_clone) < 0) {
            return -1;
        }
        meta->packet_path = original_pkt_path;
    } else {
    }
    return 0;
 }

static __always_inline
void add_prefix_and_entries(__u32 nr_entries,
            __u32 tuple_id,
            void *tuples_map,
            void *prefixes_map,
            void *key_mask,
            void *value_mask,
            void *keysPtrs[],
            void *valuesPtrs[]) {
    int ret = bpf_map_update_elem(prefixes_map, key_mask, value_mask, BPF_ANY);
    if (ret) {
        return;
    }
    if (nr_entries == 0) {
        return;
    }
    struct bpf_elf_map *tuple = bpf_map_lookup_elem(tuples_map, &tuple_id);
    if (tuple) {
        for (__u32 i = 0; i < nr_entries; i++) {
            int ret = bpf_map_update_elem(tuple, keysPtrs[i], valuesPtrs[i], BPF_ANY);
            if (ret) {
                return;
            } else {
            }
        }
    } else {
        return;
    }
}

SEC("xdp/map-initializer")
int map_initializer() {
    u32 ebpf_zero = 0;
    struct _known_names_1_value value_0 = {
        .action = _KNOWN_NAMES_1_ACT_PSAINGRESS_KNOWN_NAMES_UNKNOWN,
        .u = {.PsaIngress_known_names_unknown = {}}
    };
    int ret = BPF_MAP_UPDATE_ELEM(_known_names_1_defaultAction, &ebpf_zero, &value_0, BPF_ANY);
    struct _known_names_2_value value_1 = {
        .action = _KNOWN_NAMES_2_ACT_PSAINGRESS_KNOWN_NAMES_UNKNOWN,
        .u = {.PsaIngress_known_names_unknown = {}}
    };
    int ret_0 = BPF_MAP_UPDATE_ELEM(_known_names_2_defaultAction, &ebpf_zero, &value_1, BPF_ANY);
    struct _known_names_3_value value_2 = {
        .action = _KNOWN_NAMES_3_ACT_PSAINGRESS_KNOWN_NAMES_UNKNOWN,
        .u = {.PsaIngress_known_names_unknown = {}}
    };
    int ret_1 = BPF_MAP_UPDATE_ELEM(_known_names_3_defaultAction, &ebpf_zero, &value_2, BPF_ANY);
    struct _known_names_4_value value_3 = {
        .action = _KNOWN_NAMES_4_ACT_PSAINGRESS_KNOWN_NAMES_UNKNOWN,
        .u = {.PsaIngress_known_names_unknown = {}}
    };
    int ret_2 = BPF_MAP_UPDATE_ELEM(_known_names_4_defaultAction, &ebpf_zero, &value_3, BPF_ANY);
    struct _route_value value_4 = {
        .action = _ROUTE_ACT_PSAINGRESS_DROP,
        .u = {.PsaIngress_drop = {}}
    };
    int ret_3 = BPF_MAP_UPDATE_ELEM(_route_defaultAction, &ebpf_zero, &value_4, BPF_ANY);

    u32 lookup_tbl_key = 0;
    struct lookup_tbl_val* lookup_tbl_value = BPF_MAP_LOOKUP_ELEM(crc_lookup_tbl, &lookup_tbl_key);
    if (lookup_tbl_value != NULL){
        for (u16 i = 0; i <= 255; i++){
            u32 crc = i;
            for (u16 j = 0; j < 8; j++){
                crc = (crc >> 1) ^ ((crc & 1) * 3988292384);
            }
            lookup_tbl_value->table[i] = crc;
        }
        for (u16 i = 0; i <= 255; i++){
            lookup_tbl_value->table[256+i] = (lookup_tbl_value->table[0+i] >> 8) ^ lookup_tbl_value->table[(lookup_tbl_value->table[0+i] & 0xFF)];
            lookup_tbl_value->table[512+i] = (lookup_tbl_value->table[256+i] >> 8) ^ lookup_tbl_value->table[(lookup_tbl_value->table[256+i] & 0xFF)];
            lookup_tbl_value->table[768+i] = (lookup_tbl_value->table[512+i] >> 8) ^ lookup_tbl_value->table[(lookup_tbl_value->table[512+i] & 0xFF)];
            lookup_tbl_value->table[1024+i] = (lookup_tbl_value->table[768+i] >> 8) ^ lookup_tbl_value->table[(lookup_tbl_value->table[768+i] & 0xFF)];
            lookup_tbl_value->table[1280+i] = (lookup_tbl_value->table[1024+i] >> 8) ^ lookup_tbl_value->table[(lookup_tbl_value->table[1024+i] & 0xFF)];
            lookup_tbl_value->table[1536+i] = (lookup_tbl_value->table[1280+i] >> 8) ^ lookup_tbl_value->table[(lookup_tbl_value->table[1280+i] & 0xFF)];
            lookup_tbl_value->table[1792+i] = (lookup_tbl_value->table[1536+i] >> 8) ^ lookup_tbl_value->table[(lookup_tbl_value->table[1536+i] & 0xFF)];
        }
    }
    return 0;
}
static __always_inline int process(struct xdp_md *skb, struct headers_t *headers, struct psa_ingress_output_metadata_t *ostd, struct psa_global_metadata *compiler_meta__, struct empty_t *resubmitted)
{
    unsigned ebpf_packetOffsetInBits = 0;
    unsigned ebpf_packetOffsetInBits_save = 0;
    ParserError_t ebpf_errorCode = NoError;
    void* pkt = ((void*)(long)skb->data);
    void* ebpf_packetEnd = ((void*)(long)skb->data_end);
    u32 ebpf_zero = 0;
    u32 ebpf_one = 1;
    unsigned char ebpf_byte;
    u32 pkt_len = skb->data_end - skb->data;
    u32 ebpf_input_port = skb->ingress_ifindex;
    if (ebpf_input_port == PSA_PORT_RECIRCULATE) {
        ebpf_input_port = P4C_PSA_PORT_RECIRCULATE;
    }

    struct psa_metadata_t *meta;
    struct hdr_md *hdrMd;

    hdrMd = BPF_MAP_LOOKUP_ELEM(hdr_md_cpumap, &ebpf_zero);
    if (!hdrMd)
        return XDP_DROP;
    __builtin_memset(hdrMd, 0, sizeof(struct hdr_md));

    headers = &(hdrMd->cpumap_hdr);
    meta = &(hdrMd->cpumap_usermeta);
    {
        struct psa_ingress_parser_input_metadata_t istd = {
            .ingress_port = ebpf_input_port,
            .packet_path = compiler_meta__->packet_path,
        };
        u32 length_1;
        struct sth_label_t frame_tmp;
        u32 frame_tmp_0;
        struct sth_label_t frame_tmp_1;
        struct word_0_t frame_tmp_2;
        struct word_1_t frame_tmp_3;
        struct word_2_t frame_tmp_4;
        struct word_3_t frame_tmp_5;
        struct word_4_t frame_tmp_6;
        struct word_5_t frame_tmp_7;
        struct word_6_t frame_tmp_8;
        struct word_7_t frame_tmp_9;
        struct word_8_t frame_tmp_10;
        struct word_9_t frame_tmp_11;
        struct word_10_t frame_tmp_12;
        struct word_11_t frame_tmp_13;
        struct word_12_t frame_tmp_14;
        struct word_13_t frame_tmp_15;
        struct word_14_t frame_tmp_16;
        struct word_15_t frame_tmp_17;
        goto start;
        FrameParser_HeaderParser_answers: {
            u32 select_0;
            select_0 = (((((u32)(((((u32)headers->dns.answers << 1) & ((1 << 17) - 1)) | (((u32)(u8)((meta->frame.frame_end - meta->frame.ip_end) >> 0x1f) & 0x1) & ((1 << 17) - 1))) & ((1 << 17) - 1)) << 1) & ((1 << 18) - 1)) | (((u32)(u8)((meta->frame.udp_end - (meta->frame.offset + 4)) >> 0x1f) & 0x1) & ((1 << 18) - 1))) & ((1 << 18) - 1));
            if ((select_0 & 0x3fffc) == (0 & 0x3fffc))goto FrameParser_HeaderParser_not_tree_head;
            if ((select_0 & 0x3) == (0x1 & 0x3))goto FrameParser_HeaderParser_not_tree_head;
            if ((select_0 & 0x3) == (0x0 & 0x3))goto FrameParser_HeaderParser_question;
            if ((select_0 & 0x0) == (0x0 & 0x0))goto FrameParser_start_0;
            else goto reject;
        }
        FrameParser_HeaderParser_dns: {
/* extract(headers->dns) */
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 96 + 0)) {
                ebpf_errorCode = PacketTooShort;
                goto reject;
            }

            headers->dns.id = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->dns.is_response = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits)) >> 7) & EBPF_MASK(u8, 1));
            ebpf_packetOffsetInBits += 1;

            headers->dns.flags = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))) & EBPF_MASK(u16, 15));
            ebpf_packetOffsetInBits += 15;

            headers->dns.questions = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->dns.answers = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->dns.authorities = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->dns.additionals = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->dns.ebpf_valid = 1;

;
            meta->frame.offset = (meta->frame.offset + 12);            u32 select_1;
            select_1 = (((((u32)(((((u8)(((((u8)(u8)((meta->frame.udp_end - meta->frame.offset) >> 0x1f) << 1) & ((1 << 2) - 1)) | (((u8)(u8)((meta->frame.ip_end - meta->frame.udp_end) >> 0x1f) & 0x1) & ((1 << 2) - 1))) & ((1 << 2) - 1)) << 1) & ((1 << 3) - 1)) | (((u8)headers->dns.is_response & 0x1) & ((1 << 3) - 1))) & ((1 << 3) - 1)) << 16) & ((1 << 19) - 1)) | (((u32)headers->dns.questions & 0xffff) & ((1 << 19) - 1))) & ((1 << 19) - 1));
            if ((select_1 & 0x70000) == (0 & 0x70000))goto FrameParser_HeaderParser_not_tree_head;
            if ((select_1 & 0x6ffff) == (0 & 0x6ffff))goto FrameParser_HeaderParser_not_tree_head;
            if ((select_1 & 0x60000) == (0 & 0x60000))goto FrameParser_HeaderParser_answers;
            if ((select_1 & 0x0) == (0x0 & 0x0))goto FrameParser_start_0;
            else goto reject;
        }
        FrameParser_HeaderParser_fragment: {
            meta->frame.verdict = 255;             goto FrameParser_start_0;
        }
        FrameParser_HeaderParser_inner_tag: {
/* extract(headers->inner_tag) */
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 32 + 0)) {
                ebpf_errorCode = PacketTooShort;
                goto reject;
            }

            headers->inner_tag.tci = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->inner_tag.ethertype = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->inner_tag.ebpf_valid = 1;

;
            meta->frame.offset = (meta->frame.offset + 4);            u32 select_2;
            select_2 = (((((u32)(((((u32)(((((u32)(((((u32)headers->inner_tag.ethertype << 1) & ((1 << 17) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 4)) >> 0x1f) & 0x1) & ((1 << 17) - 1))) & ((1 << 17) - 1)) << 1) & ((1 << 18) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 8)) >> 0x1f) & 0x1) & ((1 << 18) - 1))) & ((1 << 18) - 1)) << 1) & ((1 << 19) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 20)) >> 0x1f) & 0x1) & ((1 << 19) - 1))) & ((1 << 19) - 1)) << 1) & ((1 << 20) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 40)) >> 0x1f) & 0x1) & ((1 << 20) - 1))) & ((1 << 20) - 1));
            if ((select_2 & 0xffff4) == (0x88640 & 0xffff4))goto FrameParser_HeaderParser_pppoe;
            if ((select_2 & 0xffff2) == (0x8000 & 0xffff2))goto FrameParser_HeaderParser_ipv4;
            if ((select_2 & 0xffff1) == (0x86dd0 & 0xffff1))goto FrameParser_HeaderParser_ipv6;
            if ((select_2 & 0xffff0) == (0x88640 & 0xffff0))goto FrameParser_start_0;
            if ((select_2 & 0xffff0) == (0x8000 & 0xffff0))goto FrameParser_start_0;
            if ((select_2 & 0xffff0) == (0x86dd0 & 0xffff0))goto FrameParser_start_0;
            if ((select_2 & 0x0) == (0x0 & 0x0))goto FrameParser_HeaderParser_not_ip;
            else goto reject;
        }
        FrameParser_HeaderParser_ipv4: {
/* extract(headers->ipv4) */
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 160 + 0)) {
                ebpf_errorCode = PacketTooShort;
                goto reject;
            }

            headers->ipv4.version = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits)) >> 4) & EBPF_MASK(u8, 4));
            ebpf_packetOffsetInBits += 4;

            headers->ipv4.ihl = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits))) & EBPF_MASK(u8, 4));
            ebpf_packetOffsetInBits += 4;

            headers->ipv4.tos = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 8;

            headers->ipv4.total_length = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->ipv4.identification = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->ipv4.flags = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits)) >> 6) & EBPF_MASK(u8, 2));
            ebpf_packetOffsetInBits += 2;

            headers->ipv4.fragment = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))) & EBPF_MASK(u16, 14));
            ebpf_packetOffsetInBits += 14;

            headers->ipv4.ttl = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 8;

            headers->ipv4.protocol = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 8;

            headers->ipv4.checksum = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->ipv4.source = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 32;

            headers->ipv4.destination = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 32;

            headers->ipv4.ebpf_valid = 1;

;
            meta->frame.ip_start = meta->frame.offset;            meta->frame.ip_end = (meta->frame.offset + (u32)headers->ipv4.total_length);            meta->frame.offset = (meta->frame.offset + 20);            u32 select_3;
            select_3 = (((u32)(((((u32)(((((u32)(((u16)(((((u16)headers->ipv4.protocol << 4) & ((1 << 12) - 1)) | (((u16)headers->ipv4.version & 0xf) & ((1 << 12) - 1))) & ((1 << 12) - 1)) << 4) | ((u16)headers->ipv4.ihl & 0xf)) << 1) & ((1 << 17) - 1)) | (((u32)(u8)((meta->frame.ip_end - meta->frame.offset) >> 0x1f) & 0x1) & ((1 << 17) - 1))) & ((1 << 17) - 1)) << 14) & ((1 << 31) - 1)) | (((u32)headers->ipv4.fragment & 0x3fff) & ((1 << 31) - 1))) & ((1 << 31) - 1)) << 1) | ((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 8)) >> 0x1f) & 0x1));
            if (select_3 == 289734656)goto FrameParser_HeaderParser_udp;
            if (select_3 == 289734657)goto FrameParser_start_0;
            if ((select_3 & 0xffff8000) == (289734656 & 0xffff8000))goto FrameParser_HeaderParser_fragment;
            if ((select_3 & 0xfffe0000) == (289800192 & 0xfffe0000))goto FrameParser_HeaderParser_not_udp;
            if ((select_3 & 0xfff80000) == (289931264 & 0xfff80000))goto FrameParser_HeaderParser_not_udp;
            if ((select_3 & 0xff000000) == (285212672 & 0xff000000))goto FrameParser_start_0;
            if ((select_3 & 0x0) == (0x0 & 0x0))goto FrameParser_HeaderParser_not_udp;
            else goto reject;
        }
        FrameParser_HeaderParser_ipv6: {
/* extract(headers->ipv6) */
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 320 + 0)) {
                ebpf_errorCode = PacketTooShort;
                goto reject;
            }

            headers->ipv6.version = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits)) >> 4) & EBPF_MASK(u8, 4));
            ebpf_packetOffsetInBits += 4;

            headers->ipv6.class_and_label = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))) & EBPF_MASK(u32, 28));
            ebpf_packetOffsetInBits += 28;

            headers->ipv6.payload_length = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->ipv6.next_header = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 8;

            headers->ipv6.hop_limit = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 8;

            headers->ipv6.source_0 = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.source_1 = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.source_2 = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.source_3 = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.destination_0 = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.destination_1 = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.destination_2 = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.destination_3 = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.ebpf_valid = 1;

;
            meta->frame.is_ipv6 = 1;            meta->frame.ip_start = meta->frame.offset;            meta->frame.offset = (meta->frame.offset + 40);            meta->frame.ip_end = (meta->frame.offset + (u32)headers->ipv6.payload_length);            u32 select_4;
            select_4 = (((((u32)(((((u32)(((((u16)headers->ipv6.next_header << 4) & ((1 << 12) - 1)) | (((u16)headers->ipv6.version & 0xf) & ((1 << 12) - 1))) & ((1 << 12) - 1)) << 16) & ((1 << 28) - 1)) | (((u32)headers->ipv6.payload_length & 0xffff) & ((1 << 28) - 1))) & ((1 << 28) - 1)) << 1) & ((1 << 29) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 8)) >> 0x1f) & 0x1) & ((1 << 29) - 1))) & ((1 << 29) - 1));
            if ((select_4 & 0x1ffffffe) == (36438016 & 0x1ffffffe))goto FrameParser_start_0;
            if ((select_4 & 0x1ffe0001) == (36438016 & 0x1ffe0001))goto FrameParser_HeaderParser_udp;
            if ((select_4 & 0x1fe00000) == (35651584 & 0x1fe00000))goto FrameParser_start_0;
            if ((select_4 & 0x1fe00001) == (92274688 & 0x1fe00001))goto FrameParser_HeaderParser_ipv6_fragment;
            if ((select_4 & 0x1fe00000) == (92274688 & 0x1fe00000))goto FrameParser_start_0;
            if ((select_4 & 0x0) == (0x0 & 0x0))goto FrameParser_HeaderParser_not_udp;
            else goto reject;
        }
        FrameParser_HeaderParser_ipv6_fragment: {
/* extract(headers->ipv6_fragment) */
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 64 + 0)) {
                ebpf_errorCode = PacketTooShort;
                goto reject;
            }

            headers->ipv6_fragment.next_header = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 8;

            headers->ipv6_fragment.reserved = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 8;

            headers->ipv6_fragment.offset_and_more = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->ipv6_fragment.identification = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6_fragment.ebpf_valid = 1;

;
            meta->frame.offset = (meta->frame.offset + 8);            u32 select_5;
            select_5 = (((((u32)(((((u32)(((((u32)headers->ipv6_fragment.next_header << 13) & ((1 << 21) - 1)) | (((u32)(u16)(headers->ipv6_fragment.offset_and_more >> 0x3) & 0x1fff) & ((1 << 21) - 1))) & ((1 << 21) - 1)) << 1) & ((1 << 22) - 1)) | (((u32)(u8)((meta->frame.ip_end - meta->frame.offset) >> 0x1f) & 0x1) & ((1 << 22) - 1))) & ((1 << 22) - 1)) << 4) & ((1 << 26) - 1)) | (((u32)headers->ipv6.version & 0xf) & ((1 << 26) - 1))) & ((1 << 26) - 1));
            if ((select_5 & 0x3fc001f) == (4456454 & 0x3fc001f))goto FrameParser_HeaderParser_fragment;
            if ((select_5 & 0x3fc001f) == (6 & 0x3fc001f))goto FrameParser_HeaderParser_fragment;
            if ((select_5 & 0x3fc001f) == (11272198 & 0x3fc001f))goto FrameParser_HeaderParser_fragment;
            if ((select_5 & 0x3fc001f) == (15728646 & 0x3fc001f))goto FrameParser_HeaderParser_fragment;
            if ((select_5 & 0x3fc0000) == (4456448 & 0x3fc0000))goto FrameParser_start_0;
            if ((select_5 & 0x3fc0000) == (0 & 0x3fc0000))goto FrameParser_start_0;
            if ((select_5 & 0x3fc0000) == (11272192 & 0x3fc0000))goto FrameParser_start_0;
            if ((select_5 & 0x3fc0000) == (15728640 & 0x3fc0000))goto FrameParser_start_0;
            if ((select_5 & 0x3ffe0) == (0x0 & 0x3ffe0))goto FrameParser_HeaderParser_not_udp;
            if ((select_5 & 0x1f) == (0x6 & 0x1f))goto FrameParser_HeaderParser_fragment;
            if ((select_5 & 0x0) == (0x0 & 0x0))goto FrameParser_start_0;
            else goto reject;
        }
        FrameParser_HeaderParser_middle_tag: {
/* extract(headers->middle_tag) */
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 32 + 0)) {
                ebpf_errorCode = PacketTooShort;
                goto reject;
            }

            headers->middle_tag.tci = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->middle_tag.ethertype = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->middle_tag.ebpf_valid = 1;

;
            meta->frame.offset = (meta->frame.offset + 4);            u32 select_6;
            select_6 = (((((u32)(((((u32)(((((u32)(((((u32)headers->middle_tag.ethertype << 1) & ((1 << 17) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 4)) >> 0x1f) & 0x1) & ((1 << 17) - 1))) & ((1 << 17) - 1)) << 1) & ((1 << 18) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 8)) >> 0x1f) & 0x1) & ((1 << 18) - 1))) & ((1 << 18) - 1)) << 1) & ((1 << 19) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 20)) >> 0x1f) & 0x1) & ((1 << 19) - 1))) & ((1 << 19) - 1)) << 1) & ((1 << 20) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 40)) >> 0x1f) & 0x1) & ((1 << 20) - 1))) & ((1 << 20) - 1));
            if ((select_6 & 0xffff8) == (0x81000 & 0xffff8))goto FrameParser_HeaderParser_inner_tag;
            if ((select_6 & 0xffff8) == (0x88a80 & 0xffff8))goto FrameParser_HeaderParser_inner_tag;
            if ((select_6 & 0xffff8) == (0x91000 & 0xffff8))goto FrameParser_HeaderParser_inner_tag;
            if ((select_6 & 0xffff8) == (0x92000 & 0xffff8))goto FrameParser_HeaderParser_inner_tag;
            if ((select_6 & 0xffff8) == (0x93000 & 0xffff8))goto FrameParser_HeaderParser_inner_tag;
            if ((select_6 & 0xffff4) == (0x88640 & 0xffff4))goto FrameParser_HeaderParser_pppoe;
            if ((select_6 & 0xffff2) == (0x8000 & 0xffff2))goto FrameParser_HeaderParser_ipv4;
            if ((select_6 & 0xffff1) == (0x86dd0 & 0xffff1))goto FrameParser_HeaderParser_ipv6;
            if ((select_6 & 0xffff0) == (0x81000 & 0xffff0))goto FrameParser_start_0;
            if ((select_6 & 0xffff0) == (0x88a80 & 0xffff0))goto FrameParser_start_0;
            if ((select_6 & 0xffff0) == (0x91000 & 0xffff0))goto FrameParser_start_0;
            if ((select_6 & 0xffff0) == (0x92000 & 0xffff0))goto FrameParser_start_0;
            if ((select_6 & 0xffff0) == (0x93000 & 0xffff0))goto FrameParser_start_0;
            if ((select_6 & 0xffff0) == (0x88640 & 0xffff0))goto FrameParser_start_0;
            if ((select_6 & 0xffff0) == (0x8000 & 0xffff0))goto FrameParser_start_0;
            if ((select_6 & 0xffff0) == (0x86dd0 & 0xffff0))goto FrameParser_start_0;
            if ((select_6 & 0x0) == (0x0 & 0x0))goto FrameParser_HeaderParser_not_ip;
            else goto reject;
        }
        FrameParser_HeaderParser_not_ip: {
            meta->frame.verdict = 0;             goto FrameParser_start_0;
        }
        FrameParser_HeaderParser_not_tree_head: {
            meta->frame.verdict = 4;             goto FrameParser_start_0;
        }
        FrameParser_HeaderParser_not_udp: {
            meta->frame.verdict = 1;             goto FrameParser_start_0;
        }
        FrameParser_HeaderParser_other_port: {
            meta->frame.verdict = 2;             goto FrameParser_start_0;
        }
        FrameParser_HeaderParser_outer_tag: {
/* extract(headers->outer_tag) */
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 32 + 0)) {
                ebpf_errorCode = PacketTooShort;
                goto reject;
            }

            headers->outer_tag.tci = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->outer_tag.ethertype = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->outer_tag.ebpf_valid = 1;

;
            meta->frame.offset = (meta->frame.offset + 4);            u32 select_7;
            select_7 = (((((u32)(((((u32)(((((u32)(((((u32)headers->outer_tag.ethertype << 1) & ((1 << 17) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 4)) >> 0x1f) & 0x1) & ((1 << 17) - 1))) & ((1 << 17) - 1)) << 1) & ((1 << 18) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 8)) >> 0x1f) & 0x1) & ((1 << 18) - 1))) & ((1 << 18) - 1)) << 1) & ((1 << 19) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 20)) >> 0x1f) & 0x1) & ((1 << 19) - 1))) & ((1 << 19) - 1)) << 1) & ((1 << 20) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 40)) >> 0x1f) & 0x1) & ((1 << 20) - 1))) & ((1 << 20) - 1));
            if ((select_7 & 0xffff8) == (0x81000 & 0xffff8))goto FrameParser_HeaderParser_middle_tag;
            if ((select_7 & 0xffff8) == (0x88a80 & 0xffff8))goto FrameParser_HeaderParser_middle_tag;
            if ((select_7 & 0xffff8) == (0x91000 & 0xffff8))goto FrameParser_HeaderParser_middle_tag;
            if ((select_7 & 0xffff8) == (0x92000 & 0xffff8))goto FrameParser_HeaderParser_middle_tag;
            if ((select_7 & 0xffff8) == (0x93000 & 0xffff8))goto FrameParser_HeaderParser_middle_tag;
            if ((select_7 & 0xffff4) == (0x88640 & 0xffff4))goto FrameParser_HeaderParser_pppoe;
            if ((select_7 & 0xffff2) == (0x8000 & 0xffff2))goto FrameParser_HeaderParser_ipv4;
            if ((select_7 & 0xffff1) == (0x86dd0 & 0xffff1))goto FrameParser_HeaderParser_ipv6;
            if ((select_7 & 0xffff0) == (0x81000 & 0xffff0))goto FrameParser_start_0;
            if ((select_7 & 0xffff0) == (0x88a80 & 0xffff0))goto FrameParser_start_0;
            if ((select_7 & 0xffff0) == (0x91000 & 0xffff0))goto FrameParser_start_0;
            if ((select_7 & 0xffff0) == (0x92000 & 0xffff0))goto FrameParser_start_0;
            if ((select_7 & 0xffff0) == (0x93000 & 0xffff0))goto FrameParser_start_0;
            if ((select_7 & 0xffff0) == (0x88640 & 0xffff0))goto FrameParser_start_0;
            if ((select_7 & 0xffff0) == (0x8000 & 0xffff0))goto FrameParser_start_0;
            if ((select_7 & 0xffff0) == (0x86dd0 & 0xffff0))goto FrameParser_start_0;
            if ((select_7 & 0x0) == (0x0 & 0x0))goto FrameParser_HeaderParser_not_ip;
            else goto reject;
        }
        FrameParser_HeaderParser_ppp: {
            u32 select_8;
            select_8 = (((((u32)(((((u32)headers->pppoe.ppp_protocol << 1) & ((1 << 17) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 20)) >> 0x1f) & 0x1) & ((1 << 17) - 1))) & ((1 << 17) - 1)) << 1) & ((1 << 18) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 40)) >> 0x1f) & 0x1) & ((1 << 18) - 1))) & ((1 << 18) - 1));
            if ((select_8 & 0x3fffe) == (0x84 & 0x3fffe))goto FrameParser_HeaderParser_ipv4;
            if ((select_8 & 0x3fffd) == (0x15c & 0x3fffd))goto FrameParser_HeaderParser_ipv6;
            if ((select_8 & 0x3fffc) == (0x84 & 0x3fffc))goto FrameParser_start_0;
            if ((select_8 & 0x3fffc) == (0x15c & 0x3fffc))goto FrameParser_start_0;
            if ((select_8 & 0x0) == (0x0 & 0x0))goto FrameParser_HeaderParser_not_ip;
            else goto reject;
        }
        FrameParser_HeaderParser_pppoe: {
/* extract(headers->pppoe) */
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 64 + 0)) {
                ebpf_errorCode = PacketTooShort;
                goto reject;
            }

            headers->pppoe.version_type_code = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->pppoe.session = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->pppoe.length = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->pppoe.ppp_protocol = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->pppoe.ebpf_valid = 1;

;
            meta->frame.offset = (meta->frame.offset + 8);            u16 select_9;
            select_9 = headers->pppoe.version_type_code;
            if (select_9 == 0x1100)goto FrameParser_HeaderParser_ppp;
            if ((select_9 & 0x0) == (0x0 & 0x0))goto FrameParser_HeaderParser_not_ip;
            else goto reject;
        }
        FrameParser_HeaderParser_question: {
            meta->frame.verdict = 252;             goto FrameParser_start_0;
        }
        FrameParser_HeaderParser_udp: {
/* extract(headers->udp) */
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 64 + 0)) {
                ebpf_errorCode = PacketTooShort;
                goto reject;
            }

            headers->udp.source_port = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->udp.destination_port = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->udp.length = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->udp.checksum = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->udp.ebpf_valid = 1;

;
            meta->frame.udp_end = (meta->frame.offset + (u32)headers->udp.length);            meta->frame.offset = (meta->frame.offset + 8);            u32 select_10;
            select_10 = (((((u32)headers->udp.source_port << 1) & ((1 << 17) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 12)) >> 0x1f) & 0x1) & ((1 << 17) - 1))) & ((1 << 17) - 1));
            if (select_10 == 106)goto FrameParser_HeaderParser_udp_length;
            if (select_10 == 107)goto FrameParser_start_0;
            if ((select_10 & 0x0) == (0x0 & 0x0))goto FrameParser_HeaderParser_other_port;
            else goto reject;
        }
        FrameParser_HeaderParser_udp_length: {
            u32 select_11;
            select_11 = (((((u32)headers->udp.length << 1) & ((1 << 17) - 1)) | (((u32)meta->frame.is_ipv6 & 0x1) & ((1 << 17) - 1))) & ((1 << 17) - 1));
            if (select_11 == 1)goto FrameParser_HeaderParser_udp_to_end;
            if ((select_11 & 0x0) == (0x0 & 0x0))goto FrameParser_HeaderParser_dns;
            else goto reject;
        }
        FrameParser_HeaderParser_udp_to_end: {
            meta->frame.udp_end = meta->frame.ip_end;             goto FrameParser_HeaderParser_dns;
        }
        FrameParser_answer: {
            meta->frame.verdict = 254;             goto start_1;
        }
        FrameParser_behind_sth: {
            u8 select_12;
            select_12 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_12 == 1)goto FrameParser_word;
            if ((select_12 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_not_tree_head: {
            meta->frame.verdict = 4;             goto start_1;
        }
        FrameParser_start_0: {
            u8 select_13;
            select_13 = meta->frame.verdict;
            if (select_13 == 252)goto FrameParser_sth;
            if ((select_13 & 0x0) == (0x0 & 0x0))goto start_1;
            else goto reject;
        }
        FrameParser_sth: {
            meta->frame.offset = (meta->frame.offset + 4);            meta->frame.name_start = meta->frame.offset;            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 32 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp.length_and_text = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 32;

                frame_tmp.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->frame.first_label = (u16)(u8)(frame_tmp.length_and_text >> 0x18);            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 32 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_1.length_and_text = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 32;

                frame_tmp_1.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            frame_tmp_0 = frame_tmp_1.length_and_text;            u32 select_14;
            select_14 = frame_tmp_0;
            if ((select_14 & 0xffdfdfdf) == (0x3535448 & 0xffdfdfdf))goto FrameParser_behind_sth;
            if ((select_14 & 0xffdfdfdf) == (0xa434845 & 0xffdfdfdf))goto FrameParser_behind_sth;
            if ((select_14 & 0x0) == (0x0 & 0x0))goto FrameParser_not_tree_head;
            else goto reject;
        }
        FrameParser_word: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 96 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_2.before = (u32)((load_word(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 32;

                frame_tmp_2.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_2.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_1.w0 = frame_tmp_2.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_15;
            select_15 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_15 == 1)goto FrameParser_word_0;
            if ((select_15 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_0: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 160 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_3.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_3.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_3.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_3.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_3.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_3.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_3.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_3.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_3.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_3.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_3.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_3.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                ebpf_packetOffsetInBits += 96;

                frame_tmp_3.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_3.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_1.w1 = frame_tmp_3.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_16;
            select_16 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_16 == 1)goto FrameParser_word_1;
            if ((select_16 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_1: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 224 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_4.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_4.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_4.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_4.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_4.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_4.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_4.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_4.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_4.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_4.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_4.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_4.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_4.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_4.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_4.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_4.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_4.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_4.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_4.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_4.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                ebpf_packetOffsetInBits += 160;

                frame_tmp_4.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_4.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_1.w2 = frame_tmp_4.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_17;
            select_17 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_17 == 1)goto FrameParser_word_2;
            if ((select_17 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_10: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 800 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_13.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_13.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_13.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_13.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_13.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_13.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_13.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_13.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_13.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_13.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_13.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_13.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_13.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_13.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_13.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_13.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_13.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_13.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_13.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_13.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_13.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_13.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_13.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_13.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_13.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_13.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_13.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_13.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                frame_tmp_13.before[28] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 28) >> 0));
                frame_tmp_13.before[29] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 29) >> 0));
                frame_tmp_13.before[30] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 30) >> 0));
                frame_tmp_13.before[31] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 31) >> 0));
                frame_tmp_13.before[32] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 32) >> 0));
                frame_tmp_13.before[33] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 33) >> 0));
                frame_tmp_13.before[34] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 34) >> 0));
                frame_tmp_13.before[35] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 35) >> 0));
                frame_tmp_13.before[36] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 36) >> 0));
                frame_tmp_13.before[37] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 37) >> 0));
                frame_tmp_13.before[38] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 38) >> 0));
                frame_tmp_13.before[39] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 39) >> 0));
                frame_tmp_13.before[40] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 40) >> 0));
                frame_tmp_13.before[41] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 41) >> 0));
                frame_tmp_13.before[42] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 42) >> 0));
                frame_tmp_13.before[43] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 43) >> 0));
                frame_tmp_13.before[44] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 44) >> 0));
                frame_tmp_13.before[45] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 45) >> 0));
                frame_tmp_13.before[46] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 46) >> 0));
                frame_tmp_13.before[47] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 47) >> 0));
                frame_tmp_13.before[48] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 48) >> 0));
                frame_tmp_13.before[49] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 49) >> 0));
                frame_tmp_13.before[50] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 50) >> 0));
                frame_tmp_13.before[51] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 51) >> 0));
                frame_tmp_13.before[52] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 52) >> 0));
                frame_tmp_13.before[53] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 53) >> 0));
                frame_tmp_13.before[54] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 54) >> 0));
                frame_tmp_13.before[55] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 55) >> 0));
                frame_tmp_13.before[56] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 56) >> 0));
                frame_tmp_13.before[57] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 57) >> 0));
                frame_tmp_13.before[58] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 58) >> 0));
                frame_tmp_13.before[59] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 59) >> 0));
                frame_tmp_13.before[60] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 60) >> 0));
                frame_tmp_13.before[61] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 61) >> 0));
                frame_tmp_13.before[62] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 62) >> 0));
                frame_tmp_13.before[63] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 63) >> 0));
                frame_tmp_13.before[64] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 64) >> 0));
                frame_tmp_13.before[65] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 65) >> 0));
                frame_tmp_13.before[66] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 66) >> 0));
                frame_tmp_13.before[67] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 67) >> 0));
                frame_tmp_13.before[68] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 68) >> 0));
                frame_tmp_13.before[69] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 69) >> 0));
                frame_tmp_13.before[70] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 70) >> 0));
                frame_tmp_13.before[71] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 71) >> 0));
                frame_tmp_13.before[72] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 72) >> 0));
                frame_tmp_13.before[73] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 73) >> 0));
                frame_tmp_13.before[74] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 74) >> 0));
                frame_tmp_13.before[75] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 75) >> 0));
                frame_tmp_13.before[76] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 76) >> 0));
                frame_tmp_13.before[77] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 77) >> 0));
                frame_tmp_13.before[78] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 78) >> 0));
                frame_tmp_13.before[79] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 79) >> 0));
                frame_tmp_13.before[80] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 80) >> 0));
                frame_tmp_13.before[81] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 81) >> 0));
                frame_tmp_13.before[82] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 82) >> 0));
                frame_tmp_13.before[83] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 83) >> 0));
                frame_tmp_13.before[84] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 84) >> 0));
                frame_tmp_13.before[85] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 85) >> 0));
                frame_tmp_13.before[86] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 86) >> 0));
                frame_tmp_13.before[87] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 87) >> 0));
                frame_tmp_13.before[88] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 88) >> 0));
                frame_tmp_13.before[89] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 89) >> 0));
                frame_tmp_13.before[90] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 90) >> 0));
                frame_tmp_13.before[91] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 91) >> 0));
                ebpf_packetOffsetInBits += 736;

                frame_tmp_13.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_13.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_3.w3 = frame_tmp_13.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_18;
            select_18 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_18 == 1)goto FrameParser_word_11;
            if ((select_18 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_11: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 864 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_14.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_14.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_14.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_14.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_14.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_14.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_14.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_14.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_14.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_14.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_14.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_14.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_14.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_14.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_14.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_14.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_14.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_14.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_14.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_14.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_14.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_14.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_14.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_14.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_14.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_14.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_14.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_14.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                frame_tmp_14.before[28] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 28) >> 0));
                frame_tmp_14.before[29] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 29) >> 0));
                frame_tmp_14.before[30] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 30) >> 0));
                frame_tmp_14.before[31] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 31) >> 0));
                frame_tmp_14.before[32] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 32) >> 0));
                frame_tmp_14.before[33] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 33) >> 0));
                frame_tmp_14.before[34] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 34) >> 0));
                frame_tmp_14.before[35] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 35) >> 0));
                frame_tmp_14.before[36] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 36) >> 0));
                frame_tmp_14.before[37] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 37) >> 0));
                frame_tmp_14.before[38] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 38) >> 0));
                frame_tmp_14.before[39] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 39) >> 0));
                frame_tmp_14.before[40] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 40) >> 0));
                frame_tmp_14.before[41] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 41) >> 0));
                frame_tmp_14.before[42] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 42) >> 0));
                frame_tmp_14.before[43] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 43) >> 0));
                frame_tmp_14.before[44] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 44) >> 0));
                frame_tmp_14.before[45] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 45) >> 0));
                frame_tmp_14.before[46] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 46) >> 0));
                frame_tmp_14.before[47] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 47) >> 0));
                frame_tmp_14.before[48] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 48) >> 0));
                frame_tmp_14.before[49] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 49) >> 0));
                frame_tmp_14.before[50] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 50) >> 0));
                frame_tmp_14.before[51] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 51) >> 0));
                frame_tmp_14.before[52] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 52) >> 0));
                frame_tmp_14.before[53] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 53) >> 0));
                frame_tmp_14.before[54] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 54) >> 0));
                frame_tmp_14.before[55] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 55) >> 0));
                frame_tmp_14.before[56] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 56) >> 0));
                frame_tmp_14.before[57] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 57) >> 0));
                frame_tmp_14.before[58] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 58) >> 0));
                frame_tmp_14.before[59] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 59) >> 0));
                frame_tmp_14.before[60] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 60) >> 0));
                frame_tmp_14.before[61] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 61) >> 0));
                frame_tmp_14.before[62] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 62) >> 0));
                frame_tmp_14.before[63] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 63) >> 0));
                frame_tmp_14.before[64] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 64) >> 0));
                frame_tmp_14.before[65] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 65) >> 0));
                frame_tmp_14.before[66] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 66) >> 0));
                frame_tmp_14.before[67] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 67) >> 0));
                frame_tmp_14.before[68] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 68) >> 0));
                frame_tmp_14.before[69] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 69) >> 0));
                frame_tmp_14.before[70] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 70) >> 0));
                frame_tmp_14.before[71] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 71) >> 0));
                frame_tmp_14.before[72] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 72) >> 0));
                frame_tmp_14.before[73] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 73) >> 0));
                frame_tmp_14.before[74] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 74) >> 0));
                frame_tmp_14.before[75] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 75) >> 0));
                frame_tmp_14.before[76] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 76) >> 0));
                frame_tmp_14.before[77] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 77) >> 0));
                frame_tmp_14.before[78] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 78) >> 0));
                frame_tmp_14.before[79] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 79) >> 0));
                frame_tmp_14.before[80] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 80) >> 0));
                frame_tmp_14.before[81] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 81) >> 0));
                frame_tmp_14.before[82] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 82) >> 0));
                frame_tmp_14.before[83] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 83) >> 0));
                frame_tmp_14.before[84] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 84) >> 0));
                frame_tmp_14.before[85] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 85) >> 0));
                frame_tmp_14.before[86] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 86) >> 0));
                frame_tmp_14.before[87] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 87) >> 0));
                frame_tmp_14.before[88] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 88) >> 0));
                frame_tmp_14.before[89] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 89) >> 0));
                frame_tmp_14.before[90] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 90) >> 0));
                frame_tmp_14.before[91] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 91) >> 0));
                frame_tmp_14.before[92] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 92) >> 0));
                frame_tmp_14.before[93] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 93) >> 0));
                frame_tmp_14.before[94] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 94) >> 0));
                frame_tmp_14.before[95] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 95) >> 0));
                frame_tmp_14.before[96] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 96) >> 0));
                frame_tmp_14.before[97] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 97) >> 0));
                frame_tmp_14.before[98] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 98) >> 0));
                frame_tmp_14.before[99] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 99) >> 0));
                ebpf_packetOffsetInBits += 800;

                frame_tmp_14.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_14.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_4.w0 = frame_tmp_14.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_19;
            select_19 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_19 == 1)goto FrameParser_word_12;
            if ((select_19 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_12: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 928 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_15.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_15.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_15.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_15.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_15.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_15.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_15.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_15.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_15.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_15.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_15.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_15.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_15.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_15.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_15.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_15.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_15.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_15.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_15.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_15.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_15.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_15.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_15.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_15.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_15.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_15.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_15.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_15.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                frame_tmp_15.before[28] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 28) >> 0));
                frame_tmp_15.before[29] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 29) >> 0));
                frame_tmp_15.before[30] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 30) >> 0));
                frame_tmp_15.before[31] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 31) >> 0));
                frame_tmp_15.before[32] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 32) >> 0));
                frame_tmp_15.before[33] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 33) >> 0));
                frame_tmp_15.before[34] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 34) >> 0));
                frame_tmp_15.before[35] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 35) >> 0));
                frame_tmp_15.before[36] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 36) >> 0));
                frame_tmp_15.before[37] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 37) >> 0));
                frame_tmp_15.before[38] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 38) >> 0));
                frame_tmp_15.before[39] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 39) >> 0));
                frame_tmp_15.before[40] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 40) >> 0));
                frame_tmp_15.before[41] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 41) >> 0));
                frame_tmp_15.before[42] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 42) >> 0));
                frame_tmp_15.before[43] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 43) >> 0));
                frame_tmp_15.before[44] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 44) >> 0));
                frame_tmp_15.before[45] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 45) >> 0));
                frame_tmp_15.before[46] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 46) >> 0));
                frame_tmp_15.before[47] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 47) >> 0));
                frame_tmp_15.before[48] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 48) >> 0));
                frame_tmp_15.before[49] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 49) >> 0));
                frame_tmp_15.before[50] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 50) >> 0));
                frame_tmp_15.before[51] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 51) >> 0));
                frame_tmp_15.before[52] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 52) >> 0));
                frame_tmp_15.before[53] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 53) >> 0));
                frame_tmp_15.before[54] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 54) >> 0));
                frame_tmp_15.before[55] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 55) >> 0));
                frame_tmp_15.before[56] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 56) >> 0));
                frame_tmp_15.before[57] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 57) >> 0));
                frame_tmp_15.before[58] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 58) >> 0));
                frame_tmp_15.before[59] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 59) >> 0));
                frame_tmp_15.before[60] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 60) >> 0));
                frame_tmp_15.before[61] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 61) >> 0));
                frame_tmp_15.before[62] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 62) >> 0));
                frame_tmp_15.before[63] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 63) >> 0));
                frame_tmp_15.before[64] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 64) >> 0));
                frame_tmp_15.before[65] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 65) >> 0));
                frame_tmp_15.before[66] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 66) >> 0));
                frame_tmp_15.before[67] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 67) >> 0));
                frame_tmp_15.before[68] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 68) >> 0));
                frame_tmp_15.before[69] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 69) >> 0));
                frame_tmp_15.before[70] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 70) >> 0));
                frame_tmp_15.before[71] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 71) >> 0));
                frame_tmp_15.before[72] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 72) >> 0));
                frame_tmp_15.before[73] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 73) >> 0));
                frame_tmp_15.before[74] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 74) >> 0));
                frame_tmp_15.before[75] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 75) >> 0));
                frame_tmp_15.before[76] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 76) >> 0));
                frame_tmp_15.before[77] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 77) >> 0));
                frame_tmp_15.before[78] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 78) >> 0));
                frame_tmp_15.before[79] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 79) >> 0));
                frame_tmp_15.before[80] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 80) >> 0));
                frame_tmp_15.before[81] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 81) >> 0));
                frame_tmp_15.before[82] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 82) >> 0));
                frame_tmp_15.before[83] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 83) >> 0));
                frame_tmp_15.before[84] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 84) >> 0));
                frame_tmp_15.before[85] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 85) >> 0));
                frame_tmp_15.before[86] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 86) >> 0));
                frame_tmp_15.before[87] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 87) >> 0));
                frame_tmp_15.before[88] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 88) >> 0));
                frame_tmp_15.before[89] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 89) >> 0));
                frame_tmp_15.before[90] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 90) >> 0));
                frame_tmp_15.before[91] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 91) >> 0));
                frame_tmp_15.before[92] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 92) >> 0));
                frame_tmp_15.before[93] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 93) >> 0));
                frame_tmp_15.before[94] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 94) >> 0));
                frame_tmp_15.before[95] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 95) >> 0));
                frame_tmp_15.before[96] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 96) >> 0));
                frame_tmp_15.before[97] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 97) >> 0));
                frame_tmp_15.before[98] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 98) >> 0));
                frame_tmp_15.before[99] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 99) >> 0));
                frame_tmp_15.before[100] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 100) >> 0));
                frame_tmp_15.before[101] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 101) >> 0));
                frame_tmp_15.before[102] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 102) >> 0));
                frame_tmp_15.before[103] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 103) >> 0));
                frame_tmp_15.before[104] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 104) >> 0));
                frame_tmp_15.before[105] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 105) >> 0));
                frame_tmp_15.before[106] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 106) >> 0));
                frame_tmp_15.before[107] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 107) >> 0));
                ebpf_packetOffsetInBits += 864;

                frame_tmp_15.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_15.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_4.w1 = frame_tmp_15.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_20;
            select_20 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_20 == 1)goto FrameParser_word_13;
            if ((select_20 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_13: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 992 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_16.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_16.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_16.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_16.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_16.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_16.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_16.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_16.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_16.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_16.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_16.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_16.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_16.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_16.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_16.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_16.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_16.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_16.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_16.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_16.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_16.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_16.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_16.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_16.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_16.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_16.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_16.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_16.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                frame_tmp_16.before[28] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 28) >> 0));
                frame_tmp_16.before[29] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 29) >> 0));
                frame_tmp_16.before[30] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 30) >> 0));
                frame_tmp_16.before[31] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 31) >> 0));
                frame_tmp_16.before[32] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 32) >> 0));
                frame_tmp_16.before[33] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 33) >> 0));
                frame_tmp_16.before[34] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 34) >> 0));
                frame_tmp_16.before[35] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 35) >> 0));
                frame_tmp_16.before[36] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 36) >> 0));
                frame_tmp_16.before[37] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 37) >> 0));
                frame_tmp_16.before[38] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 38) >> 0));
                frame_tmp_16.before[39] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 39) >> 0));
                frame_tmp_16.before[40] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 40) >> 0));
                frame_tmp_16.before[41] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 41) >> 0));
                frame_tmp_16.before[42] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 42) >> 0));
                frame_tmp_16.before[43] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 43) >> 0));
                frame_tmp_16.before[44] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 44) >> 0));
                frame_tmp_16.before[45] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 45) >> 0));
                frame_tmp_16.before[46] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 46) >> 0));
                frame_tmp_16.before[47] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 47) >> 0));
                frame_tmp_16.before[48] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 48) >> 0));
                frame_tmp_16.before[49] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 49) >> 0));
                frame_tmp_16.before[50] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 50) >> 0));
                frame_tmp_16.before[51] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 51) >> 0));
                frame_tmp_16.before[52] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 52) >> 0));
                frame_tmp_16.before[53] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 53) >> 0));
                frame_tmp_16.before[54] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 54) >> 0));
                frame_tmp_16.before[55] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 55) >> 0));
                frame_tmp_16.before[56] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 56) >> 0));
                frame_tmp_16.before[57] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 57) >> 0));
                frame_tmp_16.before[58] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 58) >> 0));
                frame_tmp_16.before[59] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 59) >> 0));
                frame_tmp_16.before[60] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 60) >> 0));
                frame_tmp_16.before[61] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 61) >> 0));
                frame_tmp_16.before[62] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 62) >> 0));
                frame_tmp_16.before[63] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 63) >> 0));
                frame_tmp_16.before[64] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 64) >> 0));
                frame_tmp_16.before[65] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 65) >> 0));
                frame_tmp_16.before[66] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 66) >> 0));
                frame_tmp_16.before[67] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 67) >> 0));
                frame_tmp_16.before[68] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 68) >> 0));
                frame_tmp_16.before[69] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 69) >> 0));
                frame_tmp_16.before[70] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 70) >> 0));
                frame_tmp_16.before[71] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 71) >> 0));
                frame_tmp_16.before[72] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 72) >> 0));
                frame_tmp_16.before[73] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 73) >> 0));
                frame_tmp_16.before[74] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 74) >> 0));
                frame_tmp_16.before[75] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 75) >> 0));
                frame_tmp_16.before[76] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 76) >> 0));
                frame_tmp_16.before[77] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 77) >> 0));
                frame_tmp_16.before[78] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 78) >> 0));
                frame_tmp_16.before[79] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 79) >> 0));
                frame_tmp_16.before[80] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 80) >> 0));
                frame_tmp_16.before[81] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 81) >> 0));
                frame_tmp_16.before[82] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 82) >> 0));
                frame_tmp_16.before[83] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 83) >> 0));
                frame_tmp_16.before[84] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 84) >> 0));
                frame_tmp_16.before[85] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 85) >> 0));
                frame_tmp_16.before[86] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 86) >> 0));
                frame_tmp_16.before[87] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 87) >> 0));
                frame_tmp_16.before[88] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 88) >> 0));
                frame_tmp_16.before[89] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 89) >> 0));
                frame_tmp_16.before[90] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 90) >> 0));
                frame_tmp_16.before[91] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 91) >> 0));
                frame_tmp_16.before[92] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 92) >> 0));
                frame_tmp_16.before[93] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 93) >> 0));
                frame_tmp_16.before[94] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 94) >> 0));
                frame_tmp_16.before[95] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 95) >> 0));
                frame_tmp_16.before[96] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 96) >> 0));
                frame_tmp_16.before[97] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 97) >> 0));
                frame_tmp_16.before[98] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 98) >> 0));
                frame_tmp_16.before[99] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 99) >> 0));
                frame_tmp_16.before[100] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 100) >> 0));
                frame_tmp_16.before[101] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 101) >> 0));
                frame_tmp_16.before[102] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 102) >> 0));
                frame_tmp_16.before[103] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 103) >> 0));
                frame_tmp_16.before[104] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 104) >> 0));
                frame_tmp_16.before[105] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 105) >> 0));
                frame_tmp_16.before[106] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 106) >> 0));
                frame_tmp_16.before[107] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 107) >> 0));
                frame_tmp_16.before[108] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 108) >> 0));
                frame_tmp_16.before[109] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 109) >> 0));
                frame_tmp_16.before[110] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 110) >> 0));
                frame_tmp_16.before[111] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 111) >> 0));
                frame_tmp_16.before[112] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 112) >> 0));
                frame_tmp_16.before[113] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 113) >> 0));
                frame_tmp_16.before[114] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 114) >> 0));
                frame_tmp_16.before[115] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 115) >> 0));
                ebpf_packetOffsetInBits += 928;

                frame_tmp_16.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_16.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_4.w2 = frame_tmp_16.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_21;
            select_21 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_21 == 1)goto FrameParser_word_14;
            if ((select_21 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_14: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 1056 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_17.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_17.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_17.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_17.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_17.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_17.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_17.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_17.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_17.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_17.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_17.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_17.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_17.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_17.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_17.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_17.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_17.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_17.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_17.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_17.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_17.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_17.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_17.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_17.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_17.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_17.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_17.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_17.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                frame_tmp_17.before[28] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 28) >> 0));
                frame_tmp_17.before[29] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 29) >> 0));
                frame_tmp_17.before[30] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 30) >> 0));
                frame_tmp_17.before[31] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 31) >> 0));
                frame_tmp_17.before[32] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 32) >> 0));
                frame_tmp_17.before[33] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 33) >> 0));
                frame_tmp_17.before[34] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 34) >> 0));
                frame_tmp_17.before[35] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 35) >> 0));
                frame_tmp_17.before[36] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 36) >> 0));
                frame_tmp_17.before[37] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 37) >> 0));
                frame_tmp_17.before[38] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 38) >> 0));
                frame_tmp_17.before[39] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 39) >> 0));
                frame_tmp_17.before[40] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 40) >> 0));
                frame_tmp_17.before[41] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 41) >> 0));
                frame_tmp_17.before[42] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 42) >> 0));
                frame_tmp_17.before[43] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 43) >> 0));
                frame_tmp_17.before[44] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 44) >> 0));
                frame_tmp_17.before[45] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 45) >> 0));
                frame_tmp_17.before[46] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 46) >> 0));
                frame_tmp_17.before[47] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 47) >> 0));
                frame_tmp_17.before[48] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 48) >> 0));
                frame_tmp_17.before[49] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 49) >> 0));
                frame_tmp_17.before[50] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 50) >> 0));
                frame_tmp_17.before[51] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 51) >> 0));
                frame_tmp_17.before[52] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 52) >> 0));
                frame_tmp_17.before[53] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 53) >> 0));
                frame_tmp_17.before[54] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 54) >> 0));
                frame_tmp_17.before[55] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 55) >> 0));
                frame_tmp_17.before[56] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 56) >> 0));
                frame_tmp_17.before[57] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 57) >> 0));
                frame_tmp_17.before[58] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 58) >> 0));
                frame_tmp_17.before[59] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 59) >> 0));
                frame_tmp_17.before[60] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 60) >> 0));
                frame_tmp_17.before[61] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 61) >> 0));
                frame_tmp_17.before[62] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 62) >> 0));
                frame_tmp_17.before[63] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 63) >> 0));
                frame_tmp_17.before[64] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 64) >> 0));
                frame_tmp_17.before[65] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 65) >> 0));
                frame_tmp_17.before[66] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 66) >> 0));
                frame_tmp_17.before[67] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 67) >> 0));
                frame_tmp_17.before[68] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 68) >> 0));
                frame_tmp_17.before[69] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 69) >> 0));
                frame_tmp_17.before[70] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 70) >> 0));
                frame_tmp_17.before[71] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 71) >> 0));
                frame_tmp_17.before[72] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 72) >> 0));
                frame_tmp_17.before[73] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 73) >> 0));
                frame_tmp_17.before[74] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 74) >> 0));
                frame_tmp_17.before[75] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 75) >> 0));
                frame_tmp_17.before[76] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 76) >> 0));
                frame_tmp_17.before[77] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 77) >> 0));
                frame_tmp_17.before[78] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 78) >> 0));
                frame_tmp_17.before[79] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 79) >> 0));
                frame_tmp_17.before[80] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 80) >> 0));
                frame_tmp_17.before[81] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 81) >> 0));
                frame_tmp_17.before[82] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 82) >> 0));
                frame_tmp_17.before[83] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 83) >> 0));
                frame_tmp_17.before[84] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 84) >> 0));
                frame_tmp_17.before[85] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 85) >> 0));
                frame_tmp_17.before[86] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 86) >> 0));
                frame_tmp_17.before[87] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 87) >> 0));
                frame_tmp_17.before[88] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 88) >> 0));
                frame_tmp_17.before[89] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 89) >> 0));
                frame_tmp_17.before[90] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 90) >> 0));
                frame_tmp_17.before[91] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 91) >> 0));
                frame_tmp_17.before[92] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 92) >> 0));
                frame_tmp_17.before[93] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 93) >> 0));
                frame_tmp_17.before[94] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 94) >> 0));
                frame_tmp_17.before[95] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 95) >> 0));
                frame_tmp_17.before[96] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 96) >> 0));
                frame_tmp_17.before[97] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 97) >> 0));
                frame_tmp_17.before[98] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 98) >> 0));
                frame_tmp_17.before[99] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 99) >> 0));
                frame_tmp_17.before[100] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 100) >> 0));
                frame_tmp_17.before[101] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 101) >> 0));
                frame_tmp_17.before[102] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 102) >> 0));
                frame_tmp_17.before[103] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 103) >> 0));
                frame_tmp_17.before[104] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 104) >> 0));
                frame_tmp_17.before[105] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 105) >> 0));
                frame_tmp_17.before[106] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 106) >> 0));
                frame_tmp_17.before[107] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 107) >> 0));
                frame_tmp_17.before[108] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 108) >> 0));
                frame_tmp_17.before[109] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 109) >> 0));
                frame_tmp_17.before[110] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 110) >> 0));
                frame_tmp_17.before[111] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 111) >> 0));
                frame_tmp_17.before[112] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 112) >> 0));
                frame_tmp_17.before[113] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 113) >> 0));
                frame_tmp_17.before[114] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 114) >> 0));
                frame_tmp_17.before[115] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 115) >> 0));
                frame_tmp_17.before[116] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 116) >> 0));
                frame_tmp_17.before[117] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 117) >> 0));
                frame_tmp_17.before[118] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 118) >> 0));
                frame_tmp_17.before[119] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 119) >> 0));
                frame_tmp_17.before[120] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 120) >> 0));
                frame_tmp_17.before[121] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 121) >> 0));
                frame_tmp_17.before[122] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 122) >> 0));
                frame_tmp_17.before[123] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 123) >> 0));
                ebpf_packetOffsetInBits += 992;

                frame_tmp_17.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_17.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_4.w3 = frame_tmp_17.word;             goto FrameParser_answer;
        }
        FrameParser_word_2: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 288 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_5.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_5.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_5.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_5.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_5.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_5.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_5.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_5.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_5.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_5.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_5.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_5.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_5.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_5.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_5.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_5.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_5.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_5.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_5.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_5.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_5.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_5.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_5.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_5.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_5.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_5.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_5.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_5.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                ebpf_packetOffsetInBits += 224;

                frame_tmp_5.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_5.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_1.w3 = frame_tmp_5.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_22;
            select_22 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_22 == 1)goto FrameParser_word_3;
            if ((select_22 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_3: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 352 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_6.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_6.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_6.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_6.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_6.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_6.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_6.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_6.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_6.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_6.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_6.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_6.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_6.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_6.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_6.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_6.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_6.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_6.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_6.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_6.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_6.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_6.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_6.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_6.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_6.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_6.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_6.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_6.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                frame_tmp_6.before[28] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 28) >> 0));
                frame_tmp_6.before[29] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 29) >> 0));
                frame_tmp_6.before[30] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 30) >> 0));
                frame_tmp_6.before[31] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 31) >> 0));
                frame_tmp_6.before[32] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 32) >> 0));
                frame_tmp_6.before[33] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 33) >> 0));
                frame_tmp_6.before[34] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 34) >> 0));
                frame_tmp_6.before[35] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 35) >> 0));
                ebpf_packetOffsetInBits += 288;

                frame_tmp_6.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_6.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_2.w0 = frame_tmp_6.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_23;
            select_23 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_23 == 1)goto FrameParser_word_4;
            if ((select_23 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_4: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 416 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_7.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_7.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_7.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_7.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_7.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_7.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_7.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_7.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_7.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_7.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_7.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_7.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_7.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_7.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_7.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_7.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_7.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_7.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_7.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_7.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_7.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_7.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_7.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_7.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_7.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_7.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_7.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_7.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                frame_tmp_7.before[28] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 28) >> 0));
                frame_tmp_7.before[29] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 29) >> 0));
                frame_tmp_7.before[30] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 30) >> 0));
                frame_tmp_7.before[31] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 31) >> 0));
                frame_tmp_7.before[32] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 32) >> 0));
                frame_tmp_7.before[33] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 33) >> 0));
                frame_tmp_7.before[34] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 34) >> 0));
                frame_tmp_7.before[35] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 35) >> 0));
                frame_tmp_7.before[36] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 36) >> 0));
                frame_tmp_7.before[37] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 37) >> 0));
                frame_tmp_7.before[38] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 38) >> 0));
                frame_tmp_7.before[39] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 39) >> 0));
                frame_tmp_7.before[40] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 40) >> 0));
                frame_tmp_7.before[41] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 41) >> 0));
                frame_tmp_7.before[42] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 42) >> 0));
                frame_tmp_7.before[43] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 43) >> 0));
                ebpf_packetOffsetInBits += 352;

                frame_tmp_7.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_7.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_2.w1 = frame_tmp_7.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_24;
            select_24 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_24 == 1)goto FrameParser_word_5;
            if ((select_24 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_5: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 480 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_8.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_8.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_8.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_8.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_8.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_8.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_8.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_8.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_8.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_8.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_8.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_8.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_8.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_8.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_8.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_8.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_8.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_8.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_8.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_8.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_8.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_8.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_8.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_8.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_8.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_8.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_8.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_8.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                frame_tmp_8.before[28] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 28) >> 0));
                frame_tmp_8.before[29] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 29) >> 0));
                frame_tmp_8.before[30] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 30) >> 0));
                frame_tmp_8.before[31] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 31) >> 0));
                frame_tmp_8.before[32] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 32) >> 0));
                frame_tmp_8.before[33] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 33) >> 0));
                frame_tmp_8.before[34] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 34) >> 0));
                frame_tmp_8.before[35] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 35) >> 0));
                frame_tmp_8.before[36] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 36) >> 0));
                frame_tmp_8.before[37] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 37) >> 0));
                frame_tmp_8.before[38] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 38) >> 0));
                frame_tmp_8.before[39] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 39) >> 0));
                frame_tmp_8.before[40] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 40) >> 0));
                frame_tmp_8.before[41] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 41) >> 0));
                frame_tmp_8.before[42] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 42) >> 0));
                frame_tmp_8.before[43] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 43) >> 0));
                frame_tmp_8.before[44] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 44) >> 0));
                frame_tmp_8.before[45] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 45) >> 0));
                frame_tmp_8.before[46] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 46) >> 0));
                frame_tmp_8.before[47] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 47) >> 0));
                frame_tmp_8.before[48] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 48) >> 0));
                frame_tmp_8.before[49] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 49) >> 0));
                frame_tmp_8.before[50] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 50) >> 0));
                frame_tmp_8.before[51] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 51) >> 0));
                ebpf_packetOffsetInBits += 416;

                frame_tmp_8.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_8.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_2.w2 = frame_tmp_8.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_25;
            select_25 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_25 == 1)goto FrameParser_word_6;
            if ((select_25 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_6: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 544 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_9.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_9.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_9.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_9.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_9.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_9.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_9.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_9.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_9.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_9.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_9.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_9.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_9.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_9.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_9.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_9.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_9.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_9.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_9.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_9.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_9.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_9.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_9.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_9.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_9.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_9.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_9.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_9.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                frame_tmp_9.before[28] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 28) >> 0));
                frame_tmp_9.before[29] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 29) >> 0));
                frame_tmp_9.before[30] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 30) >> 0));
                frame_tmp_9.before[31] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 31) >> 0));
                frame_tmp_9.before[32] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 32) >> 0));
                frame_tmp_9.before[33] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 33) >> 0));
                frame_tmp_9.before[34] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 34) >> 0));
                frame_tmp_9.before[35] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 35) >> 0));
                frame_tmp_9.before[36] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 36) >> 0));
                frame_tmp_9.before[37] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 37) >> 0));
                frame_tmp_9.before[38] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 38) >> 0));
                frame_tmp_9.before[39] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 39) >> 0));
                frame_tmp_9.before[40] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 40) >> 0));
                frame_tmp_9.before[41] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 41) >> 0));
                frame_tmp_9.before[42] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 42) >> 0));
                frame_tmp_9.before[43] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 43) >> 0));
                frame_tmp_9.before[44] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 44) >> 0));
                frame_tmp_9.before[45] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 45) >> 0));
                frame_tmp_9.before[46] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 46) >> 0));
                frame_tmp_9.before[47] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 47) >> 0));
                frame_tmp_9.before[48] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 48) >> 0));
                frame_tmp_9.before[49] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 49) >> 0));
                frame_tmp_9.before[50] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 50) >> 0));
                frame_tmp_9.before[51] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 51) >> 0));
                frame_tmp_9.before[52] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 52) >> 0));
                frame_tmp_9.before[53] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 53) >> 0));
                frame_tmp_9.before[54] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 54) >> 0));
                frame_tmp_9.before[55] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 55) >> 0));
                frame_tmp_9.before[56] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 56) >> 0));
                frame_tmp_9.before[57] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 57) >> 0));
                frame_tmp_9.before[58] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 58) >> 0));
                frame_tmp_9.before[59] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 59) >> 0));
                ebpf_packetOffsetInBits += 480;

                frame_tmp_9.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_9.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_2.w3 = frame_tmp_9.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_26;
            select_26 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_26 == 1)goto FrameParser_word_7;
            if ((select_26 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_7: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 608 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_10.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_10.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_10.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_10.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_10.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_10.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_10.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_10.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_10.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_10.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_10.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_10.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_10.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_10.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_10.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_10.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_10.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_10.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_10.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_10.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_10.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_10.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_10.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_10.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_10.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_10.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_10.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_10.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                frame_tmp_10.before[28] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 28) >> 0));
                frame_tmp_10.before[29] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 29) >> 0));
                frame_tmp_10.before[30] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 30) >> 0));
                frame_tmp_10.before[31] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 31) >> 0));
                frame_tmp_10.before[32] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 32) >> 0));
                frame_tmp_10.before[33] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 33) >> 0));
                frame_tmp_10.before[34] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 34) >> 0));
                frame_tmp_10.before[35] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 35) >> 0));
                frame_tmp_10.before[36] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 36) >> 0));
                frame_tmp_10.before[37] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 37) >> 0));
                frame_tmp_10.before[38] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 38) >> 0));
                frame_tmp_10.before[39] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 39) >> 0));
                frame_tmp_10.before[40] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 40) >> 0));
                frame_tmp_10.before[41] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 41) >> 0));
                frame_tmp_10.before[42] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 42) >> 0));
                frame_tmp_10.before[43] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 43) >> 0));
                frame_tmp_10.before[44] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 44) >> 0));
                frame_tmp_10.before[45] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 45) >> 0));
                frame_tmp_10.before[46] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 46) >> 0));
                frame_tmp_10.before[47] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 47) >> 0));
                frame_tmp_10.before[48] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 48) >> 0));
                frame_tmp_10.before[49] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 49) >> 0));
                frame_tmp_10.before[50] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 50) >> 0));
                frame_tmp_10.before[51] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 51) >> 0));
                frame_tmp_10.before[52] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 52) >> 0));
                frame_tmp_10.before[53] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 53) >> 0));
                frame_tmp_10.before[54] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 54) >> 0));
                frame_tmp_10.before[55] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 55) >> 0));
                frame_tmp_10.before[56] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 56) >> 0));
                frame_tmp_10.before[57] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 57) >> 0));
                frame_tmp_10.before[58] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 58) >> 0));
                frame_tmp_10.before[59] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 59) >> 0));
                frame_tmp_10.before[60] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 60) >> 0));
                frame_tmp_10.before[61] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 61) >> 0));
                frame_tmp_10.before[62] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 62) >> 0));
                frame_tmp_10.before[63] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 63) >> 0));
                frame_tmp_10.before[64] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 64) >> 0));
                frame_tmp_10.before[65] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 65) >> 0));
                frame_tmp_10.before[66] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 66) >> 0));
                frame_tmp_10.before[67] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 67) >> 0));
                ebpf_packetOffsetInBits += 544;

                frame_tmp_10.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_10.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_3.w0 = frame_tmp_10.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_27;
            select_27 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_27 == 1)goto FrameParser_word_8;
            if ((select_27 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_8: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 672 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_11.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_11.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_11.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_11.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_11.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_11.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_11.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_11.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_11.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_11.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_11.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_11.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_11.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_11.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_11.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_11.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_11.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_11.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_11.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_11.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_11.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_11.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_11.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_11.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_11.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_11.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_11.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_11.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                frame_tmp_11.before[28] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 28) >> 0));
                frame_tmp_11.before[29] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 29) >> 0));
                frame_tmp_11.before[30] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 30) >> 0));
                frame_tmp_11.before[31] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 31) >> 0));
                frame_tmp_11.before[32] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 32) >> 0));
                frame_tmp_11.before[33] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 33) >> 0));
                frame_tmp_11.before[34] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 34) >> 0));
                frame_tmp_11.before[35] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 35) >> 0));
                frame_tmp_11.before[36] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 36) >> 0));
                frame_tmp_11.before[37] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 37) >> 0));
                frame_tmp_11.before[38] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 38) >> 0));
                frame_tmp_11.before[39] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 39) >> 0));
                frame_tmp_11.before[40] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 40) >> 0));
                frame_tmp_11.before[41] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 41) >> 0));
                frame_tmp_11.before[42] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 42) >> 0));
                frame_tmp_11.before[43] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 43) >> 0));
                frame_tmp_11.before[44] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 44) >> 0));
                frame_tmp_11.before[45] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 45) >> 0));
                frame_tmp_11.before[46] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 46) >> 0));
                frame_tmp_11.before[47] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 47) >> 0));
                frame_tmp_11.before[48] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 48) >> 0));
                frame_tmp_11.before[49] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 49) >> 0));
                frame_tmp_11.before[50] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 50) >> 0));
                frame_tmp_11.before[51] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 51) >> 0));
                frame_tmp_11.before[52] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 52) >> 0));
                frame_tmp_11.before[53] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 53) >> 0));
                frame_tmp_11.before[54] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 54) >> 0));
                frame_tmp_11.before[55] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 55) >> 0));
                frame_tmp_11.before[56] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 56) >> 0));
                frame_tmp_11.before[57] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 57) >> 0));
                frame_tmp_11.before[58] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 58) >> 0));
                frame_tmp_11.before[59] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 59) >> 0));
                frame_tmp_11.before[60] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 60) >> 0));
                frame_tmp_11.before[61] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 61) >> 0));
                frame_tmp_11.before[62] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 62) >> 0));
                frame_tmp_11.before[63] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 63) >> 0));
                frame_tmp_11.before[64] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 64) >> 0));
                frame_tmp_11.before[65] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 65) >> 0));
                frame_tmp_11.before[66] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 66) >> 0));
                frame_tmp_11.before[67] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 67) >> 0));
                frame_tmp_11.before[68] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 68) >> 0));
                frame_tmp_11.before[69] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 69) >> 0));
                frame_tmp_11.before[70] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 70) >> 0));
                frame_tmp_11.before[71] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 71) >> 0));
                frame_tmp_11.before[72] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 72) >> 0));
                frame_tmp_11.before[73] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 73) >> 0));
                frame_tmp_11.before[74] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 74) >> 0));
                frame_tmp_11.before[75] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 75) >> 0));
                ebpf_packetOffsetInBits += 608;

                frame_tmp_11.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_11.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_3.w1 = frame_tmp_11.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_28;
            select_28 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_28 == 1)goto FrameParser_word_9;
            if ((select_28 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        FrameParser_word_9: {
            {
                ebpf_packetOffsetInBits_save = ebpf_packetOffsetInBits;
                if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 736 + 0)) {
                    ebpf_errorCode = PacketTooShort;
                    goto reject;
                }

                frame_tmp_12.before[0] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0) >> 0));
                frame_tmp_12.before[1] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1) >> 0));
                frame_tmp_12.before[2] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2) >> 0));
                frame_tmp_12.before[3] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3) >> 0));
                frame_tmp_12.before[4] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4) >> 0));
                frame_tmp_12.before[5] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5) >> 0));
                frame_tmp_12.before[6] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 6) >> 0));
                frame_tmp_12.before[7] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 7) >> 0));
                frame_tmp_12.before[8] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 8) >> 0));
                frame_tmp_12.before[9] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 9) >> 0));
                frame_tmp_12.before[10] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 10) >> 0));
                frame_tmp_12.before[11] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 11) >> 0));
                frame_tmp_12.before[12] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 12) >> 0));
                frame_tmp_12.before[13] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 13) >> 0));
                frame_tmp_12.before[14] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 14) >> 0));
                frame_tmp_12.before[15] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 15) >> 0));
                frame_tmp_12.before[16] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 16) >> 0));
                frame_tmp_12.before[17] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 17) >> 0));
                frame_tmp_12.before[18] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 18) >> 0));
                frame_tmp_12.before[19] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 19) >> 0));
                frame_tmp_12.before[20] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 20) >> 0));
                frame_tmp_12.before[21] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 21) >> 0));
                frame_tmp_12.before[22] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 22) >> 0));
                frame_tmp_12.before[23] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 23) >> 0));
                frame_tmp_12.before[24] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 24) >> 0));
                frame_tmp_12.before[25] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 25) >> 0));
                frame_tmp_12.before[26] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 26) >> 0));
                frame_tmp_12.before[27] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 27) >> 0));
                frame_tmp_12.before[28] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 28) >> 0));
                frame_tmp_12.before[29] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 29) >> 0));
                frame_tmp_12.before[30] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 30) >> 0));
                frame_tmp_12.before[31] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 31) >> 0));
                frame_tmp_12.before[32] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 32) >> 0));
                frame_tmp_12.before[33] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 33) >> 0));
                frame_tmp_12.before[34] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 34) >> 0));
                frame_tmp_12.before[35] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 35) >> 0));
                frame_tmp_12.before[36] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 36) >> 0));
                frame_tmp_12.before[37] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 37) >> 0));
                frame_tmp_12.before[38] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 38) >> 0));
                frame_tmp_12.before[39] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 39) >> 0));
                frame_tmp_12.before[40] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 40) >> 0));
                frame_tmp_12.before[41] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 41) >> 0));
                frame_tmp_12.before[42] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 42) >> 0));
                frame_tmp_12.before[43] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 43) >> 0));
                frame_tmp_12.before[44] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 44) >> 0));
                frame_tmp_12.before[45] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 45) >> 0));
                frame_tmp_12.before[46] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 46) >> 0));
                frame_tmp_12.before[47] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 47) >> 0));
                frame_tmp_12.before[48] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 48) >> 0));
                frame_tmp_12.before[49] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 49) >> 0));
                frame_tmp_12.before[50] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 50) >> 0));
                frame_tmp_12.before[51] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 51) >> 0));
                frame_tmp_12.before[52] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 52) >> 0));
                frame_tmp_12.before[53] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 53) >> 0));
                frame_tmp_12.before[54] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 54) >> 0));
                frame_tmp_12.before[55] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 55) >> 0));
                frame_tmp_12.before[56] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 56) >> 0));
                frame_tmp_12.before[57] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 57) >> 0));
                frame_tmp_12.before[58] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 58) >> 0));
                frame_tmp_12.before[59] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 59) >> 0));
                frame_tmp_12.before[60] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 60) >> 0));
                frame_tmp_12.before[61] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 61) >> 0));
                frame_tmp_12.before[62] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 62) >> 0));
                frame_tmp_12.before[63] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 63) >> 0));
                frame_tmp_12.before[64] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 64) >> 0));
                frame_tmp_12.before[65] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 65) >> 0));
                frame_tmp_12.before[66] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 66) >> 0));
                frame_tmp_12.before[67] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 67) >> 0));
                frame_tmp_12.before[68] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 68) >> 0));
                frame_tmp_12.before[69] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 69) >> 0));
                frame_tmp_12.before[70] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 70) >> 0));
                frame_tmp_12.before[71] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 71) >> 0));
                frame_tmp_12.before[72] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 72) >> 0));
                frame_tmp_12.before[73] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 73) >> 0));
                frame_tmp_12.before[74] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 74) >> 0));
                frame_tmp_12.before[75] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 75) >> 0));
                frame_tmp_12.before[76] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 76) >> 0));
                frame_tmp_12.before[77] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 77) >> 0));
                frame_tmp_12.before[78] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 78) >> 0));
                frame_tmp_12.before[79] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 79) >> 0));
                frame_tmp_12.before[80] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 80) >> 0));
                frame_tmp_12.before[81] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 81) >> 0));
                frame_tmp_12.before[82] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 82) >> 0));
                frame_tmp_12.before[83] = (u8)((load_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 83) >> 0));
                ebpf_packetOffsetInBits += 672;

                frame_tmp_12.word = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits))));
                ebpf_packetOffsetInBits += 64;

                frame_tmp_12.ebpf_valid = 1;

                ebpf_packetOffsetInBits = ebpf_packetOffsetInBits_save;
            }
            meta->name.part_3.w2 = frame_tmp_12.word;            meta->frame.offset = (meta->frame.offset + 8);            u8 select_29;
            select_29 = (((u8)((meta->frame.udp_end - (meta->frame.offset + 8)) >> 0x1f) ^ 1) & ((1 << 1) - 1));
            if (select_29 == 1)goto FrameParser_word_10;
            if ((select_29 & 0x0) == (0x0 & 0x0))goto FrameParser_answer;
            else goto reject;
        }
        start: {
            meta->first = 0;            length_1 = /* length() */
pkt_len;/* headers->ethernet.setInvalid() */
            headers->ethernet.ebpf_valid = false;
/* headers->outer_tag.setInvalid() */
            headers->outer_tag.ebpf_valid = false;
/* headers->middle_tag.setInvalid() */
            headers->middle_tag.ebpf_valid = false;
/* headers->inner_tag.setInvalid() */
            headers->inner_tag.ebpf_valid = false;
/* headers->pppoe.setInvalid() */
            headers->pppoe.ebpf_valid = false;
/* headers->ipv4.setInvalid() */
            headers->ipv4.ebpf_valid = false;
/* headers->ipv6.setInvalid() */
            headers->ipv6.ebpf_valid = false;
/* headers->ipv6_fragment.setInvalid() */
            headers->ipv6_fragment.ebpf_valid = false;
/* headers->udp.setInvalid() */
            headers->udp.ebpf_valid = false;
/* headers->dns.setInvalid() */
            headers->dns.ebpf_valid = false;
            meta->name = (struct name_words_t){.part_1 = (struct words_t){.w0 = 0, .w1 = 0, .w2 = 0, .w3 = 0}, .part_2 = (struct words_t){.w0 = 0, .w1 = 0, .w2 = 0, .w3 = 0}, .part_3 = (struct words_t){.w0 = 0, .w1 = 0, .w2 = 0, .w3 = 0}, .part_4 = (struct words_t){.w0 = 0, .w1 = 0, .w2 = 0, .w3 = 0}};/* headers->ethernet.setInvalid() */
            headers->ethernet.ebpf_valid = false;
/* headers->outer_tag.setInvalid() */
            headers->outer_tag.ebpf_valid = false;
/* headers->middle_tag.setInvalid() */
            headers->middle_tag.ebpf_valid = false;
/* headers->inner_tag.setInvalid() */
            headers->inner_tag.ebpf_valid = false;
/* headers->pppoe.setInvalid() */
            headers->pppoe.ebpf_valid = false;
/* headers->ipv4.setInvalid() */
            headers->ipv4.ebpf_valid = false;
/* headers->ipv6.setInvalid() */
            headers->ipv6.ebpf_valid = false;
/* headers->ipv6_fragment.setInvalid() */
            headers->ipv6_fragment.ebpf_valid = false;
/* headers->udp.setInvalid() */
            headers->udp.ebpf_valid = false;
/* headers->dns.setInvalid() */
            headers->dns.ebpf_valid = false;
            meta->frame.offset = 14;            meta->frame.frame_end = length_1;            meta->frame.ip_start = 0;            meta->frame.ip_end = 0;            meta->frame.udp_end = 0;            meta->frame.name_start = 0;            meta->frame.first_label = 0;            meta->frame.is_ipv6 = 0;            meta->frame.verdict = 3;            meta->frame.not_name = 0;            meta->frame.name_end = 0;            meta->frame.name_lengths = 0;            meta->frame.not_txt = 0;/* extract(headers->ethernet) */
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 112 + 0)) {
                ebpf_errorCode = PacketTooShort;
                goto reject;
            }

            headers->ethernet.destination = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits)) >> 16) & EBPF_MASK(u64, 48));
            ebpf_packetOffsetInBits += 48;

            headers->ethernet.source = (u64)((load_dword(pkt, BYTES(ebpf_packetOffsetInBits)) >> 16) & EBPF_MASK(u64, 48));
            ebpf_packetOffsetInBits += 48;

            headers->ethernet.ethertype = (u16)((load_half(pkt, BYTES(ebpf_packetOffsetInBits))));
            ebpf_packetOffsetInBits += 16;

            headers->ethernet.ebpf_valid = 1;

;
            u32 select_30;
            select_30 = (((((u32)(((((u32)(((((u32)(((((u32)headers->ethernet.ethertype << 1) & ((1 << 17) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 4)) >> 0x1f) & 0x1) & ((1 << 17) - 1))) & ((1 << 17) - 1)) << 1) & ((1 << 18) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 8)) >> 0x1f) & 0x1) & ((1 << 18) - 1))) & ((1 << 18) - 1)) << 1) & ((1 << 19) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 20)) >> 0x1f) & 0x1) & ((1 << 19) - 1))) & ((1 << 19) - 1)) << 1) & ((1 << 20) - 1)) | (((u32)(u8)((meta->frame.frame_end - (meta->frame.offset + 40)) >> 0x1f) & 0x1) & ((1 << 20) - 1))) & ((1 << 20) - 1));
            if ((select_30 & 0xffff8) == (0x81000 & 0xffff8))goto FrameParser_HeaderParser_outer_tag;
            if ((select_30 & 0xffff8) == (0x88a80 & 0xffff8))goto FrameParser_HeaderParser_outer_tag;
            if ((select_30 & 0xffff8) == (0x91000 & 0xffff8))goto FrameParser_HeaderParser_outer_tag;
            if ((select_30 & 0xffff8) == (0x92000 & 0xffff8))goto FrameParser_HeaderParser_outer_tag;
            if ((select_30 & 0xffff8) == (0x93000 & 0xffff8))goto FrameParser_HeaderParser_outer_tag;
            if ((select_30 & 0xffff4) == (0x88640 & 0xffff4))goto FrameParser_HeaderParser_pppoe;
            if ((select_30 & 0xffff2) == (0x8000 & 0xffff2))goto FrameParser_HeaderParser_ipv4;
            if ((select_30 & 0xffff1) == (0x86dd0 & 0xffff1))goto FrameParser_HeaderParser_ipv6;
            if ((select_30 & 0xffff0) == (0x81000 & 0xffff0))goto FrameParser_start_0;
            if ((select_30 & 0xffff0) == (0x88a80 & 0xffff0))goto FrameParser_start_0;
            if ((select_30 & 0xffff0) == (0x91000 & 0xffff0))goto FrameParser_start_0;
            if ((select_30 & 0xffff0) == (0x92000 & 0xffff0))goto FrameParser_start_0;
            if ((select_30 & 0xffff0) == (0x93000 & 0xffff0))goto FrameParser_start_0;
            if ((select_30 & 0xffff0) == (0x88640 & 0xffff0))goto FrameParser_start_0;
            if ((select_30 & 0xffff0) == (0x8000 & 0xffff0))goto FrameParser_start_0;
            if ((select_30 & 0xffff0) == (0x86dd0 & 0xffff0))goto FrameParser_start_0;
            if ((select_30 & 0x0) == (0x0 & 0x0))goto FrameParser_HeaderParser_not_ip;
            else goto reject;
        }
        start_1: {
             goto accept;
        }

        reject: {
            if (ebpf_errorCode == 0) {
                return XDP_ABORTED;
            }
            goto accept;
        }

    }

    accept: {
        struct psa_ingress_input_metadata_t istd = {
            .ingress_port = ebpf_input_port,
            .packet_path = compiler_meta__->packet_path,
            .parser_error = ebpf_errorCode,
    };
        u8 hit;
        u32 threshold_0 = 0;
        struct sampling_t settings_0;
        __builtin_memset((void *) &settings_0, 0, sizeof(struct sampling_t ));
        u32 answers_0 = 0;
        u32 tmp_1 = 0;
        u32 tmp_2 = 0;
        struct words_t known_names_words;
        __builtin_memset((void *) &known_names_words, 0, sizeof(struct words_t ));
        u16 known_names_so_far = 0;
        u64 known_names_length = 0;
        struct words_t known_names_words_1_folded;
        __builtin_memset((void *) &known_names_words_1_folded, 0, sizeof(struct words_t ));
        u64 known_names_words_1_word_0_low = 0;
        u64 known_names_words_1_word_0_not_name = 0;
        u64 known_names_words_1_word_0_end = 0;
        u64 known_names_words_1_word_0_capital = 0;
        u64 known_names_words_1_word_0_end_half = 0;
        u64 known_names_words_1_word_0_behind = 0;
        u64 known_names_words_1_word_1_low = 0;
        u64 known_names_words_1_word_1_not_name = 0;
        u64 known_names_words_1_word_1_end = 0;
        u64 known_names_words_1_word_1_capital = 0;
        u64 known_names_words_1_word_1_end_half = 0;
        u64 known_names_words_1_word_1_behind = 0;
        u64 known_names_words_1_word_2_low = 0;
        u64 known_names_words_1_word_2_not_name = 0;
        u64 known_names_words_1_word_2_end = 0;
        u64 known_names_words_1_word_2_capital = 0;
        u64 known_names_words_1_word_2_end_half = 0;
        u64 known_names_words_1_word_2_behind = 0;
        u64 known_names_words_1_word_3_low = 0;
        u64 known_names_words_1_word_3_not_name = 0;
        u64 known_names_words_1_word_3_end = 0;
        u64 known_names_words_1_word_3_capital = 0;
        u64 known_names_words_1_word_3_end_half = 0;
        u64 known_names_words_1_word_3_behind = 0;
        struct words_t known_names_words_2_folded;
        __builtin_memset((void *) &known_names_words_2_folded, 0, sizeof(struct words_t ));
        u64 known_names_words_2_word_0_low = 0;
        u64 known_names_words_2_word_0_not_name = 0;
        u64 known_names_words_2_word_0_end = 0;
        u64 known_names_words_2_word_0_capital = 0;
        u64 known_names_words_2_word_0_end_half = 0;
        u64 known_names_words_2_word_0_behind = 0;
        u64 known_names_words_2_word_1_low = 0;
        u64 known_names_words_2_word_1_not_name = 0;
        u64 known_names_words_2_word_1_end = 0;
        u64 known_names_words_2_word_1_capital = 0;
        u64 known_names_words_2_word_1_end_half = 0;
        u64 known_names_words_2_word_1_behind = 0;
        u64 known_names_words_2_word_2_low = 0;
        u64 known_names_words_2_word_2_not_name = 0;
        u64 known_names_words_2_word_2_end = 0;
        u64 known_names_words_2_word_2_capital = 0;
        u64 known_names_words_2_word_2_end_half = 0;
        u64 known_names_words_2_word_2_behind = 0;
        u64 known_names_words_2_word_3_low = 0;
        u64 known_names_words_2_word_3_not_name = 0;
        u64 known_names_words_2_word_3_end = 0;
        u64 known_names_words_2_word_3_capital = 0;
        u64 known_names_words_2_word_3_end_half = 0;
        u64 known_names_words_2_word_3_behind = 0;
        struct words_t known_names_words_3_folded;
        __builtin_memset((void *) &known_names_words_3_folded, 0, sizeof(struct words_t ));
        u64 known_names_words_3_word_0_low = 0;
        u64 known_names_words_3_word_0_not_name = 0;
        u64 known_names_words_3_word_0_end = 0;
        u64 known_names_words_3_word_0_capital = 0;
        u64 known_names_words_3_word_0_end_half = 0;
        u64 known_names_words_3_word_0_behind = 0;
        u64 known_names_words_3_word_1_low = 0;
        u64 known_names_words_3_word_1_not_name = 0;
        u64 known_names_words_3_word_1_end = 0;
        u64 known_names_words_3_word_1_capital = 0;
        u64 known_names_words_3_word_1_end_half = 0;
        u64 known_names_words_3_word_1_behind = 0;
        u64 known_names_words_3_word_2_low = 0;
        u64 known_names_words_3_word_2_not_name = 0;
        u64 known_names_words_3_word_2_end = 0;
        u64 known_names_words_3_word_2_capital = 0;
        u64 known_names_words_3_word_2_end_half = 0;
        u64 known_names_words_3_word_2_behind = 0;
        u64 known_names_words_3_word_3_low = 0;
        u64 known_names_words_3_word_3_not_name = 0;
        u64 known_names_words_3_word_3_end = 0;
        u64 known_names_words_3_word_3_capital = 0;
        u64 known_names_words_3_word_3_end_half = 0;
        u64 known_names_words_3_word_3_behind = 0;
        struct words_t known_names_words_4_folded;
        __builtin_memset((void *) &known_names_words_4_folded, 0, sizeof(struct words_t ));
        u64 known_names_words_4_word_0_low = 0;
        u64 known_names_words_4_word_0_not_name = 0;
        u64 known_names_words_4_word_0_end = 0;
        u64 known_names_words_4_word_0_capital = 0;
        u64 known_names_words_4_word_0_end_half = 0;
        u64 known_names_words_4_word_0_behind = 0;
        u64 known_names_words_4_word_1_low = 0;
        u64 known_names_words_4_word_1_not_name = 0;
        u64 known_names_words_4_word_1_end = 0;
        u64 known_names_words_4_word_1_capital = 0;
        u64 known_names_words_4_word_1_end_half = 0;
        u64 known_names_words_4_word_1_behind = 0;
        u64 known_names_words_4_word_2_low = 0;
        u64 known_names_words_4_word_2_not_name = 0;
        u64 known_names_words_4_word_2_end = 0;
        u64 known_names_words_4_word_2_capital = 0;
        u64 known_names_words_4_word_2_end_half = 0;
        u64 known_names_words_4_word_2_behind = 0;
        u64 known_names_words_4_word_3_low = 0;
        u64 known_names_words_4_word_3_not_name = 0;
        u64 known_names_words_4_word_3_end = 0;
        u64 known_names_words_4_word_3_capital = 0;
        u64 known_names_words_4_word_3_end_half = 0;
        u64 known_names_words_4_word_3_behind = 0;
        u32 decision_threshold = 0;
        struct address_t sampling_source;
        __builtin_memset((void *) &sampling_source, 0, sizeof(struct address_t ));
        struct address_t sampling_destination;
        __builtin_memset((void *) &sampling_destination, 0, sizeof(struct address_t ));
        u32 sampling_identification = 0;
        u8 sampling_version = 0;
        u32 sampling_fate = 0;
        struct halfsiphash_t sampling_datagram_fate_state;
        __builtin_memset((void *) &sampling_datagram_fate_state, 0, sizeof(struct halfsiphash_t ));
        struct psa_ingress_output_metadata_t *meta_2;
        u32 egress_port_1;
        struct psa_ingress_output_metadata_t *meta_3;
        {
/* route_0.apply() */
            {
                /* construct key */
                struct _route_key key = {};
                key.field0 = istd.ingress_port;
                /* value */
                struct _route_value *value = NULL;
                /* perform lookup */
                value = BPF_MAP_LOOKUP_ELEM(_route, &key);
                if (value == NULL) {
                    /* miss; find default action */
                    hit = 0;
                    value = BPF_MAP_LOOKUP_ELEM(_route_defaultAction, &ebpf_zero);
                } else {
                    hit = 1;
                }
                if (value != NULL) {
                    /* run action */
                    switch (value->action) {
                        case _ROUTE_ACT_PSAINGRESS_FORWARD: 
                            {
                                meta_2 = ostd;
                                                                egress_port_1 = value->u.PsaIngress_forward.port;
                                                                meta_2->drop = false;
                                                                meta_2->multicast_group = 0;
                                                                meta_2->egress_port = egress_port_1;
                                                                ostd = meta_2;
                            }
                            break;
                        case _ROUTE_ACT_PSAINGRESS_DROP: 
                            {
                                meta_3 = ostd;
                                                                meta_3->drop = true;
                                                                ostd = meta_3;
                            }
                            break;
                        default:
                            return XDP_ABORTED;
                    }
                } else {
                    return XDP_ABORTED;
;
                }
            }
;
                        u32* value_5;
            value_5 = BPF_MAP_LOOKUP_ELEM(PsaIngress_fragment_threshold, &meta->first);
            if (value_5 != NULL) {
                __builtin_memcpy(&threshold_0, value_5, sizeof(PsaIngress_fragment_threshold_value));
            } else {
                                threshold_0 = 0;
            }

                        u32* value_6;
            value_6 = BPF_MAP_LOOKUP_ELEM(PsaIngress_sampling_mask, &meta->first);
            if (value_6 != NULL) {
                __builtin_memcpy(&settings_0.mask, value_6, sizeof(PsaIngress_sampling_mask_value));
            } else {
                                settings_0.mask = 0;
            }

                        u32* value_7;
            value_7 = BPF_MAP_LOOKUP_ELEM(PsaIngress_key_a, &meta->first);
            if (value_7 != NULL) {
                __builtin_memcpy(&settings_0.key_a, value_7, sizeof(PsaIngress_key_a_value));
            } else {
                                settings_0.key_a = 0;
            }

                        u32* value_8;
            value_8 = BPF_MAP_LOOKUP_ELEM(PsaIngress_key_b, &meta->first);
            if (value_8 != NULL) {
                __builtin_memcpy(&settings_0.key_b, value_8, sizeof(PsaIngress_key_b_value));
            } else {
                                settings_0.key_b = 0;
            }

                        answers_0 = 0;
            if (meta->frame.verdict == 254) {
                known_names_so_far = meta->frame.first_label;
                                known_names_words = meta->name.part_1;
                /* known_names_words_1_word_0_find_zeros_0() */
{
                    known_names_words_1_word_0_low = (known_names_words.w0 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_1_word_0_not_name = (((((known_names_words_1_word_0_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w0) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_1_word_0_spread_2() */
{
                    known_names_words_1_word_0_not_name = (known_names_words_1_word_0_not_name | (known_names_words_1_word_0_not_name >> 8));
                };
                /* known_names_words_1_word_0_spread_3() */
{
                    known_names_words_1_word_0_not_name = (known_names_words_1_word_0_not_name | (known_names_words_1_word_0_not_name >> 16));
                };
                /* known_names_words_1_word_0_spread_4() */
{
                    known_names_words_1_word_0_not_name = (known_names_words_1_word_0_not_name | (known_names_words_1_word_0_not_name >> 32));
                };
                /* known_names_words_1_word_0_find_capitals_0() */
{
                    known_names_words_1_word_0_end = (known_names_words_1_word_0_not_name ^ (known_names_words_1_word_0_not_name & ((known_names_words_1_word_0_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_1_word_0_capital = ((known_names_words_1_word_0_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_1_word_0_capital = (known_names_words_1_word_0_capital ^ (known_names_words_1_word_0_capital & ((known_names_words_1_word_0_low + 0x2525252525252525) | known_names_words.w0)));
                };
                /* known_names_words_1_word_0_fold_0() */
{
                    known_names_words_1_folded.w0 = ((known_names_words.w0 | (known_names_words_1_word_0_capital >> 2)) & (((known_names_words_1_word_0_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_1_word_0_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_1_word_0_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_1_word_0_end_half = (known_names_words_1_word_0_end >> 32);
                                        known_names_words_1_word_0_behind = ((((((((known_names_words_1_word_0_end >> 8) | (known_names_words_1_word_0_end >> 16)) | (known_names_words_1_word_0_end >> 24)) | known_names_words_1_word_0_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_1_word_0_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w0 & ((known_names_words_1_word_0_behind << 1) - (known_names_words_1_word_0_behind >> 7))) ^ ((((known_names_words_1_word_0_end >> 19) | (known_names_words_1_word_0_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_1_word_0_not_name << 32);
                                        meta->frame.name_end = (known_names_words_1_word_0_end << 32);
                };
                /* known_names_words_1_word_1_find_zeros_0() */
{
                    known_names_words_1_word_1_low = (known_names_words.w1 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_1_word_1_not_name = (((((known_names_words_1_word_1_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w1) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_1_word_1_spread_2() */
{
                    known_names_words_1_word_1_not_name = (known_names_words_1_word_1_not_name | (known_names_words_1_word_1_not_name >> 8));
                };
                /* known_names_words_1_word_1_spread_3() */
{
                    known_names_words_1_word_1_not_name = (known_names_words_1_word_1_not_name | (known_names_words_1_word_1_not_name >> 16));
                };
                /* known_names_words_1_word_1_spread_4() */
{
                    known_names_words_1_word_1_not_name = (known_names_words_1_word_1_not_name | (known_names_words_1_word_1_not_name >> 32));
                };
                /* known_names_words_1_word_1_find_capitals_0() */
{
                    known_names_words_1_word_1_end = (known_names_words_1_word_1_not_name ^ (known_names_words_1_word_1_not_name & ((known_names_words_1_word_1_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_1_word_1_capital = ((known_names_words_1_word_1_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_1_word_1_capital = (known_names_words_1_word_1_capital ^ (known_names_words_1_word_1_capital & ((known_names_words_1_word_1_low + 0x2525252525252525) | known_names_words.w1)));
                };
                /* known_names_words_1_word_1_fold_0() */
{
                    known_names_words_1_folded.w1 = ((known_names_words.w1 | (known_names_words_1_word_1_capital >> 2)) & (((known_names_words_1_word_1_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_1_word_1_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_1_word_1_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_1_word_1_end_half = (known_names_words_1_word_1_end >> 32);
                                        known_names_words_1_word_1_behind = ((((((((known_names_words_1_word_1_end >> 8) | (known_names_words_1_word_1_end >> 16)) | (known_names_words_1_word_1_end >> 24)) | known_names_words_1_word_1_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_1_word_1_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w1 & ((known_names_words_1_word_1_behind << 1) - (known_names_words_1_word_1_behind >> 7))) ^ ((((known_names_words_1_word_1_end >> 19) | (known_names_words_1_word_1_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_1_word_1_not_name << 32);
                                        meta->frame.name_end = (known_names_words_1_word_1_end << 32);
                };
                /* known_names_words_1_word_2_find_zeros_0() */
{
                    known_names_words_1_word_2_low = (known_names_words.w2 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_1_word_2_not_name = (((((known_names_words_1_word_2_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w2) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_1_word_2_spread_2() */
{
                    known_names_words_1_word_2_not_name = (known_names_words_1_word_2_not_name | (known_names_words_1_word_2_not_name >> 8));
                };
                /* known_names_words_1_word_2_spread_3() */
{
                    known_names_words_1_word_2_not_name = (known_names_words_1_word_2_not_name | (known_names_words_1_word_2_not_name >> 16));
                };
                /* known_names_words_1_word_2_spread_4() */
{
                    known_names_words_1_word_2_not_name = (known_names_words_1_word_2_not_name | (known_names_words_1_word_2_not_name >> 32));
                };
                /* known_names_words_1_word_2_find_capitals_0() */
{
                    known_names_words_1_word_2_end = (known_names_words_1_word_2_not_name ^ (known_names_words_1_word_2_not_name & ((known_names_words_1_word_2_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_1_word_2_capital = ((known_names_words_1_word_2_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_1_word_2_capital = (known_names_words_1_word_2_capital ^ (known_names_words_1_word_2_capital & ((known_names_words_1_word_2_low + 0x2525252525252525) | known_names_words.w2)));
                };
                /* known_names_words_1_word_2_fold_0() */
{
                    known_names_words_1_folded.w2 = ((known_names_words.w2 | (known_names_words_1_word_2_capital >> 2)) & (((known_names_words_1_word_2_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_1_word_2_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_1_word_2_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_1_word_2_end_half = (known_names_words_1_word_2_end >> 32);
                                        known_names_words_1_word_2_behind = ((((((((known_names_words_1_word_2_end >> 8) | (known_names_words_1_word_2_end >> 16)) | (known_names_words_1_word_2_end >> 24)) | known_names_words_1_word_2_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_1_word_2_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w2 & ((known_names_words_1_word_2_behind << 1) - (known_names_words_1_word_2_behind >> 7))) ^ ((((known_names_words_1_word_2_end >> 19) | (known_names_words_1_word_2_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_1_word_2_not_name << 32);
                                        meta->frame.name_end = (known_names_words_1_word_2_end << 32);
                };
                /* known_names_words_1_word_3_find_zeros_0() */
{
                    known_names_words_1_word_3_low = (known_names_words.w3 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_1_word_3_not_name = (((((known_names_words_1_word_3_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w3) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_1_word_3_spread_2() */
{
                    known_names_words_1_word_3_not_name = (known_names_words_1_word_3_not_name | (known_names_words_1_word_3_not_name >> 8));
                };
                /* known_names_words_1_word_3_spread_3() */
{
                    known_names_words_1_word_3_not_name = (known_names_words_1_word_3_not_name | (known_names_words_1_word_3_not_name >> 16));
                };
                /* known_names_words_1_word_3_spread_4() */
{
                    known_names_words_1_word_3_not_name = (known_names_words_1_word_3_not_name | (known_names_words_1_word_3_not_name >> 32));
                };
                /* known_names_words_1_word_3_find_capitals_0() */
{
                    known_names_words_1_word_3_end = (known_names_words_1_word_3_not_name ^ (known_names_words_1_word_3_not_name & ((known_names_words_1_word_3_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_1_word_3_capital = ((known_names_words_1_word_3_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_1_word_3_capital = (known_names_words_1_word_3_capital ^ (known_names_words_1_word_3_capital & ((known_names_words_1_word_3_low + 0x2525252525252525) | known_names_words.w3)));
                };
                /* known_names_words_1_word_3_fold_0() */
{
                    known_names_words_1_folded.w3 = ((known_names_words.w3 | (known_names_words_1_word_3_capital >> 2)) & (((known_names_words_1_word_3_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_1_word_3_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_1_word_3_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_1_word_3_end_half = (known_names_words_1_word_3_end >> 32);
                                        known_names_words_1_word_3_behind = ((((((((known_names_words_1_word_3_end >> 8) | (known_names_words_1_word_3_end >> 16)) | (known_names_words_1_word_3_end >> 24)) | known_names_words_1_word_3_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_1_word_3_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w3 & ((known_names_words_1_word_3_behind << 1) - (known_names_words_1_word_3_behind >> 7))) ^ ((((known_names_words_1_word_3_end >> 19) | (known_names_words_1_word_3_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_1_word_3_not_name << 32);
                                        meta->frame.name_end = (known_names_words_1_word_3_end << 32);
                };
                                known_names_words = known_names_words_1_folded;
                /* _known_names.apply() */
                {
                    /* construct key */
                    struct _known_names_1_key key = {};
                    key.field0 = known_names_so_far;
                    key.field1 = known_names_words.w0;
                    key.field2 = known_names_words.w1;
                    key.field3 = known_names_words.w2;
                    key.field4 = known_names_words.w3;
                    /* value */
                    struct _known_names_1_value *value = NULL;
                    /* perform lookup */
                    value = BPF_MAP_LOOKUP_ELEM(_known_names_1, &key);
                    if (value == NULL) {
                        /* miss; find default action */
                        hit = 0;
                        value = BPF_MAP_LOOKUP_ELEM(_known_names_1_defaultAction, &ebpf_zero);
                    } else {
                        hit = 1;
                    }
                    if (value != NULL) {
                        /* run action */
                        switch (value->action) {
                            case _KNOWN_NAMES_1_ACT_PSAINGRESS_KNOWN_NAMES_PART_1: 
                                {
                                    known_names_so_far = value->u.PsaIngress_known_names_part_1.id;
                                }
                                break;
                            case _KNOWN_NAMES_1_ACT_PSAINGRESS_KNOWN_NAMES_UNKNOWN: 
                                {
                                    known_names_so_far = 0;
                                }
                                break;
                            default:
                                return XDP_ABORTED;
                        }
                    } else {
                        return XDP_ABORTED;
;
                    }
                }
;
                                known_names_words = meta->name.part_2;
                /* known_names_words_2_word_0_find_zeros_0() */
{
                    known_names_words_2_word_0_low = (known_names_words.w0 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_2_word_0_not_name = (((((known_names_words_2_word_0_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w0) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_2_word_0_spread_2() */
{
                    known_names_words_2_word_0_not_name = (known_names_words_2_word_0_not_name | (known_names_words_2_word_0_not_name >> 8));
                };
                /* known_names_words_2_word_0_spread_3() */
{
                    known_names_words_2_word_0_not_name = (known_names_words_2_word_0_not_name | (known_names_words_2_word_0_not_name >> 16));
                };
                /* known_names_words_2_word_0_spread_4() */
{
                    known_names_words_2_word_0_not_name = (known_names_words_2_word_0_not_name | (known_names_words_2_word_0_not_name >> 32));
                };
                /* known_names_words_2_word_0_find_capitals_0() */
{
                    known_names_words_2_word_0_end = (known_names_words_2_word_0_not_name ^ (known_names_words_2_word_0_not_name & ((known_names_words_2_word_0_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_2_word_0_capital = ((known_names_words_2_word_0_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_2_word_0_capital = (known_names_words_2_word_0_capital ^ (known_names_words_2_word_0_capital & ((known_names_words_2_word_0_low + 0x2525252525252525) | known_names_words.w0)));
                };
                /* known_names_words_2_word_0_fold_0() */
{
                    known_names_words_2_folded.w0 = ((known_names_words.w0 | (known_names_words_2_word_0_capital >> 2)) & (((known_names_words_2_word_0_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_2_word_0_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_2_word_0_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_2_word_0_end_half = (known_names_words_2_word_0_end >> 32);
                                        known_names_words_2_word_0_behind = ((((((((known_names_words_2_word_0_end >> 8) | (known_names_words_2_word_0_end >> 16)) | (known_names_words_2_word_0_end >> 24)) | known_names_words_2_word_0_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_2_word_0_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w0 & ((known_names_words_2_word_0_behind << 1) - (known_names_words_2_word_0_behind >> 7))) ^ ((((known_names_words_2_word_0_end >> 19) | (known_names_words_2_word_0_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_2_word_0_not_name << 32);
                                        meta->frame.name_end = (known_names_words_2_word_0_end << 32);
                };
                /* known_names_words_2_word_1_find_zeros_0() */
{
                    known_names_words_2_word_1_low = (known_names_words.w1 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_2_word_1_not_name = (((((known_names_words_2_word_1_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w1) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_2_word_1_spread_2() */
{
                    known_names_words_2_word_1_not_name = (known_names_words_2_word_1_not_name | (known_names_words_2_word_1_not_name >> 8));
                };
                /* known_names_words_2_word_1_spread_3() */
{
                    known_names_words_2_word_1_not_name = (known_names_words_2_word_1_not_name | (known_names_words_2_word_1_not_name >> 16));
                };
                /* known_names_words_2_word_1_spread_4() */
{
                    known_names_words_2_word_1_not_name = (known_names_words_2_word_1_not_name | (known_names_words_2_word_1_not_name >> 32));
                };
                /* known_names_words_2_word_1_find_capitals_0() */
{
                    known_names_words_2_word_1_end = (known_names_words_2_word_1_not_name ^ (known_names_words_2_word_1_not_name & ((known_names_words_2_word_1_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_2_word_1_capital = ((known_names_words_2_word_1_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_2_word_1_capital = (known_names_words_2_word_1_capital ^ (known_names_words_2_word_1_capital & ((known_names_words_2_word_1_low + 0x2525252525252525) | known_names_words.w1)));
                };
                /* known_names_words_2_word_1_fold_0() */
{
                    known_names_words_2_folded.w1 = ((known_names_words.w1 | (known_names_words_2_word_1_capital >> 2)) & (((known_names_words_2_word_1_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_2_word_1_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_2_word_1_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_2_word_1_end_half = (known_names_words_2_word_1_end >> 32);
                                        known_names_words_2_word_1_behind = ((((((((known_names_words_2_word_1_end >> 8) | (known_names_words_2_word_1_end >> 16)) | (known_names_words_2_word_1_end >> 24)) | known_names_words_2_word_1_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_2_word_1_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w1 & ((known_names_words_2_word_1_behind << 1) - (known_names_words_2_word_1_behind >> 7))) ^ ((((known_names_words_2_word_1_end >> 19) | (known_names_words_2_word_1_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_2_word_1_not_name << 32);
                                        meta->frame.name_end = (known_names_words_2_word_1_end << 32);
                };
                /* known_names_words_2_word_2_find_zeros_0() */
{
                    known_names_words_2_word_2_low = (known_names_words.w2 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_2_word_2_not_name = (((((known_names_words_2_word_2_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w2) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_2_word_2_spread_2() */
{
                    known_names_words_2_word_2_not_name = (known_names_words_2_word_2_not_name | (known_names_words_2_word_2_not_name >> 8));
                };
                /* known_names_words_2_word_2_spread_3() */
{
                    known_names_words_2_word_2_not_name = (known_names_words_2_word_2_not_name | (known_names_words_2_word_2_not_name >> 16));
                };
                /* known_names_words_2_word_2_spread_4() */
{
                    known_names_words_2_word_2_not_name = (known_names_words_2_word_2_not_name | (known_names_words_2_word_2_not_name >> 32));
                };
                /* known_names_words_2_word_2_find_capitals_0() */
{
                    known_names_words_2_word_2_end = (known_names_words_2_word_2_not_name ^ (known_names_words_2_word_2_not_name & ((known_names_words_2_word_2_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_2_word_2_capital = ((known_names_words_2_word_2_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_2_word_2_capital = (known_names_words_2_word_2_capital ^ (known_names_words_2_word_2_capital & ((known_names_words_2_word_2_low + 0x2525252525252525) | known_names_words.w2)));
                };
                /* known_names_words_2_word_2_fold_0() */
{
                    known_names_words_2_folded.w2 = ((known_names_words.w2 | (known_names_words_2_word_2_capital >> 2)) & (((known_names_words_2_word_2_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_2_word_2_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_2_word_2_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_2_word_2_end_half = (known_names_words_2_word_2_end >> 32);
                                        known_names_words_2_word_2_behind = ((((((((known_names_words_2_word_2_end >> 8) | (known_names_words_2_word_2_end >> 16)) | (known_names_words_2_word_2_end >> 24)) | known_names_words_2_word_2_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_2_word_2_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w2 & ((known_names_words_2_word_2_behind << 1) - (known_names_words_2_word_2_behind >> 7))) ^ ((((known_names_words_2_word_2_end >> 19) | (known_names_words_2_word_2_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_2_word_2_not_name << 32);
                                        meta->frame.name_end = (known_names_words_2_word_2_end << 32);
                };
                /* known_names_words_2_word_3_find_zeros_0() */
{
                    known_names_words_2_word_3_low = (known_names_words.w3 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_2_word_3_not_name = (((((known_names_words_2_word_3_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w3) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_2_word_3_spread_2() */
{
                    known_names_words_2_word_3_not_name = (known_names_words_2_word_3_not_name | (known_names_words_2_word_3_not_name >> 8));
                };
                /* known_names_words_2_word_3_spread_3() */
{
                    known_names_words_2_word_3_not_name = (known_names_words_2_word_3_not_name | (known_names_words_2_word_3_not_name >> 16));
                };
                /* known_names_words_2_word_3_spread_4() */
{
                    known_names_words_2_word_3_not_name = (known_names_words_2_word_3_not_name | (known_names_words_2_word_3_not_name >> 32));
                };
                /* known_names_words_2_word_3_find_capitals_0() */
{
                    known_names_words_2_word_3_end = (known_names_words_2_word_3_not_name ^ (known_names_words_2_word_3_not_name & ((known_names_words_2_word_3_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_2_word_3_capital = ((known_names_words_2_word_3_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_2_word_3_capital = (known_names_words_2_word_3_capital ^ (known_names_words_2_word_3_capital & ((known_names_words_2_word_3_low + 0x2525252525252525) | known_names_words.w3)));
                };
                /* known_names_words_2_word_3_fold_0() */
{
                    known_names_words_2_folded.w3 = ((known_names_words.w3 | (known_names_words_2_word_3_capital >> 2)) & (((known_names_words_2_word_3_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_2_word_3_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_2_word_3_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_2_word_3_end_half = (known_names_words_2_word_3_end >> 32);
                                        known_names_words_2_word_3_behind = ((((((((known_names_words_2_word_3_end >> 8) | (known_names_words_2_word_3_end >> 16)) | (known_names_words_2_word_3_end >> 24)) | known_names_words_2_word_3_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_2_word_3_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w3 & ((known_names_words_2_word_3_behind << 1) - (known_names_words_2_word_3_behind >> 7))) ^ ((((known_names_words_2_word_3_end >> 19) | (known_names_words_2_word_3_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_2_word_3_not_name << 32);
                                        meta->frame.name_end = (known_names_words_2_word_3_end << 32);
                };
                                known_names_words = known_names_words_2_folded;
                /* _known_names_0.apply() */
                {
                    /* construct key */
                    struct _known_names_2_key key = {};
                    key.field0 = known_names_so_far;
                    key.field1 = known_names_words.w0;
                    key.field2 = known_names_words.w1;
                    key.field3 = known_names_words.w2;
                    key.field4 = known_names_words.w3;
                    /* value */
                    struct _known_names_2_value *value = NULL;
                    /* perform lookup */
                    value = BPF_MAP_LOOKUP_ELEM(_known_names_2, &key);
                    if (value == NULL) {
                        /* miss; find default action */
                        hit = 0;
                        value = BPF_MAP_LOOKUP_ELEM(_known_names_2_defaultAction, &ebpf_zero);
                    } else {
                        hit = 1;
                    }
                    if (value != NULL) {
                        /* run action */
                        switch (value->action) {
                            case _KNOWN_NAMES_2_ACT_PSAINGRESS_KNOWN_NAMES_PART_2: 
                                {
                                    known_names_so_far = value->u.PsaIngress_known_names_part_2.id;
                                }
                                break;
                            case _KNOWN_NAMES_2_ACT_PSAINGRESS_KNOWN_NAMES_UNKNOWN: 
                                {
                                    known_names_so_far = 0;
                                }
                                break;
                            default:
                                return XDP_ABORTED;
                        }
                    } else {
                        return XDP_ABORTED;
;
                    }
                }
;
                                known_names_words = meta->name.part_3;
                /* known_names_words_3_word_0_find_zeros_0() */
{
                    known_names_words_3_word_0_low = (known_names_words.w0 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_3_word_0_not_name = (((((known_names_words_3_word_0_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w0) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_3_word_0_spread_2() */
{
                    known_names_words_3_word_0_not_name = (known_names_words_3_word_0_not_name | (known_names_words_3_word_0_not_name >> 8));
                };
                /* known_names_words_3_word_0_spread_3() */
{
                    known_names_words_3_word_0_not_name = (known_names_words_3_word_0_not_name | (known_names_words_3_word_0_not_name >> 16));
                };
                /* known_names_words_3_word_0_spread_4() */
{
                    known_names_words_3_word_0_not_name = (known_names_words_3_word_0_not_name | (known_names_words_3_word_0_not_name >> 32));
                };
                /* known_names_words_3_word_0_find_capitals_0() */
{
                    known_names_words_3_word_0_end = (known_names_words_3_word_0_not_name ^ (known_names_words_3_word_0_not_name & ((known_names_words_3_word_0_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_3_word_0_capital = ((known_names_words_3_word_0_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_3_word_0_capital = (known_names_words_3_word_0_capital ^ (known_names_words_3_word_0_capital & ((known_names_words_3_word_0_low + 0x2525252525252525) | known_names_words.w0)));
                };
                /* known_names_words_3_word_0_fold_0() */
{
                    known_names_words_3_folded.w0 = ((known_names_words.w0 | (known_names_words_3_word_0_capital >> 2)) & (((known_names_words_3_word_0_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_3_word_0_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_3_word_0_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_3_word_0_end_half = (known_names_words_3_word_0_end >> 32);
                                        known_names_words_3_word_0_behind = ((((((((known_names_words_3_word_0_end >> 8) | (known_names_words_3_word_0_end >> 16)) | (known_names_words_3_word_0_end >> 24)) | known_names_words_3_word_0_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_3_word_0_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w0 & ((known_names_words_3_word_0_behind << 1) - (known_names_words_3_word_0_behind >> 7))) ^ ((((known_names_words_3_word_0_end >> 19) | (known_names_words_3_word_0_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_3_word_0_not_name << 32);
                                        meta->frame.name_end = (known_names_words_3_word_0_end << 32);
                };
                /* known_names_words_3_word_1_find_zeros_0() */
{
                    known_names_words_3_word_1_low = (known_names_words.w1 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_3_word_1_not_name = (((((known_names_words_3_word_1_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w1) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_3_word_1_spread_2() */
{
                    known_names_words_3_word_1_not_name = (known_names_words_3_word_1_not_name | (known_names_words_3_word_1_not_name >> 8));
                };
                /* known_names_words_3_word_1_spread_3() */
{
                    known_names_words_3_word_1_not_name = (known_names_words_3_word_1_not_name | (known_names_words_3_word_1_not_name >> 16));
                };
                /* known_names_words_3_word_1_spread_4() */
{
                    known_names_words_3_word_1_not_name = (known_names_words_3_word_1_not_name | (known_names_words_3_word_1_not_name >> 32));
                };
                /* known_names_words_3_word_1_find_capitals_0() */
{
                    known_names_words_3_word_1_end = (known_names_words_3_word_1_not_name ^ (known_names_words_3_word_1_not_name & ((known_names_words_3_word_1_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_3_word_1_capital = ((known_names_words_3_word_1_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_3_word_1_capital = (known_names_words_3_word_1_capital ^ (known_names_words_3_word_1_capital & ((known_names_words_3_word_1_low + 0x2525252525252525) | known_names_words.w1)));
                };
                /* known_names_words_3_word_1_fold_0() */
{
                    known_names_words_3_folded.w1 = ((known_names_words.w1 | (known_names_words_3_word_1_capital >> 2)) & (((known_names_words_3_word_1_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_3_word_1_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_3_word_1_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_3_word_1_end_half = (known_names_words_3_word_1_end >> 32);
                                        known_names_words_3_word_1_behind = ((((((((known_names_words_3_word_1_end >> 8) | (known_names_words_3_word_1_end >> 16)) | (known_names_words_3_word_1_end >> 24)) | known_names_words_3_word_1_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_3_word_1_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w1 & ((known_names_words_3_word_1_behind << 1) - (known_names_words_3_word_1_behind >> 7))) ^ ((((known_names_words_3_word_1_end >> 19) | (known_names_words_3_word_1_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_3_word_1_not_name << 32);
                                        meta->frame.name_end = (known_names_words_3_word_1_end << 32);
                };
                /* known_names_words_3_word_2_find_zeros_0() */
{
                    known_names_words_3_word_2_low = (known_names_words.w2 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_3_word_2_not_name = (((((known_names_words_3_word_2_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w2) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_3_word_2_spread_2() */
{
                    known_names_words_3_word_2_not_name = (known_names_words_3_word_2_not_name | (known_names_words_3_word_2_not_name >> 8));
                };
                /* known_names_words_3_word_2_spread_3() */
{
                    known_names_words_3_word_2_not_name = (known_names_words_3_word_2_not_name | (known_names_words_3_word_2_not_name >> 16));
                };
                /* known_names_words_3_word_2_spread_4() */
{
                    known_names_words_3_word_2_not_name = (known_names_words_3_word_2_not_name | (known_names_words_3_word_2_not_name >> 32));
                };
                /* known_names_words_3_word_2_find_capitals_0() */
{
                    known_names_words_3_word_2_end = (known_names_words_3_word_2_not_name ^ (known_names_words_3_word_2_not_name & ((known_names_words_3_word_2_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_3_word_2_capital = ((known_names_words_3_word_2_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_3_word_2_capital = (known_names_words_3_word_2_capital ^ (known_names_words_3_word_2_capital & ((known_names_words_3_word_2_low + 0x2525252525252525) | known_names_words.w2)));
                };
                /* known_names_words_3_word_2_fold_0() */
{
                    known_names_words_3_folded.w2 = ((known_names_words.w2 | (known_names_words_3_word_2_capital >> 2)) & (((known_names_words_3_word_2_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_3_word_2_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_3_word_2_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_3_word_2_end_half = (known_names_words_3_word_2_end >> 32);
                                        known_names_words_3_word_2_behind = ((((((((known_names_words_3_word_2_end >> 8) | (known_names_words_3_word_2_end >> 16)) | (known_names_words_3_word_2_end >> 24)) | known_names_words_3_word_2_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_3_word_2_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w2 & ((known_names_words_3_word_2_behind << 1) - (known_names_words_3_word_2_behind >> 7))) ^ ((((known_names_words_3_word_2_end >> 19) | (known_names_words_3_word_2_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_3_word_2_not_name << 32);
                                        meta->frame.name_end = (known_names_words_3_word_2_end << 32);
                };
                /* known_names_words_3_word_3_find_zeros_0() */
{
                    known_names_words_3_word_3_low = (known_names_words.w3 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_3_word_3_not_name = (((((known_names_words_3_word_3_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w3) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_3_word_3_spread_2() */
{
                    known_names_words_3_word_3_not_name = (known_names_words_3_word_3_not_name | (known_names_words_3_word_3_not_name >> 8));
                };
                /* known_names_words_3_word_3_spread_3() */
{
                    known_names_words_3_word_3_not_name = (known_names_words_3_word_3_not_name | (known_names_words_3_word_3_not_name >> 16));
                };
                /* known_names_words_3_word_3_spread_4() */
{
                    known_names_words_3_word_3_not_name = (known_names_words_3_word_3_not_name | (known_names_words_3_word_3_not_name >> 32));
                };
                /* known_names_words_3_word_3_find_capitals_0() */
{
                    known_names_words_3_word_3_end = (known_names_words_3_word_3_not_name ^ (known_names_words_3_word_3_not_name & ((known_names_words_3_word_3_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_3_word_3_capital = ((known_names_words_3_word_3_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_3_word_3_capital = (known_names_words_3_word_3_capital ^ (known_names_words_3_word_3_capital & ((known_names_words_3_word_3_low + 0x2525252525252525) | known_names_words.w3)));
                };
                /* known_names_words_3_word_3_fold_0() */
{
                    known_names_words_3_folded.w3 = ((known_names_words.w3 | (known_names_words_3_word_3_capital >> 2)) & (((known_names_words_3_word_3_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_3_word_3_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_3_word_3_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_3_word_3_end_half = (known_names_words_3_word_3_end >> 32);
                                        known_names_words_3_word_3_behind = ((((((((known_names_words_3_word_3_end >> 8) | (known_names_words_3_word_3_end >> 16)) | (known_names_words_3_word_3_end >> 24)) | known_names_words_3_word_3_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_3_word_3_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w3 & ((known_names_words_3_word_3_behind << 1) - (known_names_words_3_word_3_behind >> 7))) ^ ((((known_names_words_3_word_3_end >> 19) | (known_names_words_3_word_3_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_3_word_3_not_name << 32);
                                        meta->frame.name_end = (known_names_words_3_word_3_end << 32);
                };
                                known_names_words = known_names_words_3_folded;
                /* _known_names_1.apply() */
                {
                    /* construct key */
                    struct _known_names_3_key key = {};
                    key.field0 = known_names_so_far;
                    key.field1 = known_names_words.w0;
                    key.field2 = known_names_words.w1;
                    key.field3 = known_names_words.w2;
                    key.field4 = known_names_words.w3;
                    /* value */
                    struct _known_names_3_value *value = NULL;
                    /* perform lookup */
                    value = BPF_MAP_LOOKUP_ELEM(_known_names_3, &key);
                    if (value == NULL) {
                        /* miss; find default action */
                        hit = 0;
                        value = BPF_MAP_LOOKUP_ELEM(_known_names_3_defaultAction, &ebpf_zero);
                    } else {
                        hit = 1;
                    }
                    if (value != NULL) {
                        /* run action */
                        switch (value->action) {
                            case _KNOWN_NAMES_3_ACT_PSAINGRESS_KNOWN_NAMES_PART_3: 
                                {
                                    known_names_so_far = value->u.PsaIngress_known_names_part_3.id;
                                }
                                break;
                            case _KNOWN_NAMES_3_ACT_PSAINGRESS_KNOWN_NAMES_UNKNOWN: 
                                {
                                    known_names_so_far = 0;
                                }
                                break;
                            default:
                                return XDP_ABORTED;
                        }
                    } else {
                        return XDP_ABORTED;
;
                    }
                }
;
                                known_names_words = meta->name.part_4;
                /* known_names_words_4_word_0_find_zeros_0() */
{
                    known_names_words_4_word_0_low = (known_names_words.w0 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_4_word_0_not_name = (((((known_names_words_4_word_0_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w0) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_4_word_0_spread_2() */
{
                    known_names_words_4_word_0_not_name = (known_names_words_4_word_0_not_name | (known_names_words_4_word_0_not_name >> 8));
                };
                /* known_names_words_4_word_0_spread_3() */
{
                    known_names_words_4_word_0_not_name = (known_names_words_4_word_0_not_name | (known_names_words_4_word_0_not_name >> 16));
                };
                /* known_names_words_4_word_0_spread_4() */
{
                    known_names_words_4_word_0_not_name = (known_names_words_4_word_0_not_name | (known_names_words_4_word_0_not_name >> 32));
                };
                /* known_names_words_4_word_0_find_capitals_0() */
{
                    known_names_words_4_word_0_end = (known_names_words_4_word_0_not_name ^ (known_names_words_4_word_0_not_name & ((known_names_words_4_word_0_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_4_word_0_capital = ((known_names_words_4_word_0_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_4_word_0_capital = (known_names_words_4_word_0_capital ^ (known_names_words_4_word_0_capital & ((known_names_words_4_word_0_low + 0x2525252525252525) | known_names_words.w0)));
                };
                /* known_names_words_4_word_0_fold_0() */
{
                    known_names_words_4_folded.w0 = ((known_names_words.w0 | (known_names_words_4_word_0_capital >> 2)) & (((known_names_words_4_word_0_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_4_word_0_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_4_word_0_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_4_word_0_end_half = (known_names_words_4_word_0_end >> 32);
                                        known_names_words_4_word_0_behind = ((((((((known_names_words_4_word_0_end >> 8) | (known_names_words_4_word_0_end >> 16)) | (known_names_words_4_word_0_end >> 24)) | known_names_words_4_word_0_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_4_word_0_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w0 & ((known_names_words_4_word_0_behind << 1) - (known_names_words_4_word_0_behind >> 7))) ^ ((((known_names_words_4_word_0_end >> 19) | (known_names_words_4_word_0_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_4_word_0_not_name << 32);
                                        meta->frame.name_end = (known_names_words_4_word_0_end << 32);
                };
                /* known_names_words_4_word_1_find_zeros_0() */
{
                    known_names_words_4_word_1_low = (known_names_words.w1 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_4_word_1_not_name = (((((known_names_words_4_word_1_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w1) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_4_word_1_spread_2() */
{
                    known_names_words_4_word_1_not_name = (known_names_words_4_word_1_not_name | (known_names_words_4_word_1_not_name >> 8));
                };
                /* known_names_words_4_word_1_spread_3() */
{
                    known_names_words_4_word_1_not_name = (known_names_words_4_word_1_not_name | (known_names_words_4_word_1_not_name >> 16));
                };
                /* known_names_words_4_word_1_spread_4() */
{
                    known_names_words_4_word_1_not_name = (known_names_words_4_word_1_not_name | (known_names_words_4_word_1_not_name >> 32));
                };
                /* known_names_words_4_word_1_find_capitals_0() */
{
                    known_names_words_4_word_1_end = (known_names_words_4_word_1_not_name ^ (known_names_words_4_word_1_not_name & ((known_names_words_4_word_1_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_4_word_1_capital = ((known_names_words_4_word_1_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_4_word_1_capital = (known_names_words_4_word_1_capital ^ (known_names_words_4_word_1_capital & ((known_names_words_4_word_1_low + 0x2525252525252525) | known_names_words.w1)));
                };
                /* known_names_words_4_word_1_fold_0() */
{
                    known_names_words_4_folded.w1 = ((known_names_words.w1 | (known_names_words_4_word_1_capital >> 2)) & (((known_names_words_4_word_1_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_4_word_1_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_4_word_1_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_4_word_1_end_half = (known_names_words_4_word_1_end >> 32);
                                        known_names_words_4_word_1_behind = ((((((((known_names_words_4_word_1_end >> 8) | (known_names_words_4_word_1_end >> 16)) | (known_names_words_4_word_1_end >> 24)) | known_names_words_4_word_1_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_4_word_1_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w1 & ((known_names_words_4_word_1_behind << 1) - (known_names_words_4_word_1_behind >> 7))) ^ ((((known_names_words_4_word_1_end >> 19) | (known_names_words_4_word_1_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_4_word_1_not_name << 32);
                                        meta->frame.name_end = (known_names_words_4_word_1_end << 32);
                };
                /* known_names_words_4_word_2_find_zeros_0() */
{
                    known_names_words_4_word_2_low = (known_names_words.w2 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_4_word_2_not_name = (((((known_names_words_4_word_2_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w2) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_4_word_2_spread_2() */
{
                    known_names_words_4_word_2_not_name = (known_names_words_4_word_2_not_name | (known_names_words_4_word_2_not_name >> 8));
                };
                /* known_names_words_4_word_2_spread_3() */
{
                    known_names_words_4_word_2_not_name = (known_names_words_4_word_2_not_name | (known_names_words_4_word_2_not_name >> 16));
                };
                /* known_names_words_4_word_2_spread_4() */
{
                    known_names_words_4_word_2_not_name = (known_names_words_4_word_2_not_name | (known_names_words_4_word_2_not_name >> 32));
                };
                /* known_names_words_4_word_2_find_capitals_0() */
{
                    known_names_words_4_word_2_end = (known_names_words_4_word_2_not_name ^ (known_names_words_4_word_2_not_name & ((known_names_words_4_word_2_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_4_word_2_capital = ((known_names_words_4_word_2_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_4_word_2_capital = (known_names_words_4_word_2_capital ^ (known_names_words_4_word_2_capital & ((known_names_words_4_word_2_low + 0x2525252525252525) | known_names_words.w2)));
                };
                /* known_names_words_4_word_2_fold_0() */
{
                    known_names_words_4_folded.w2 = ((known_names_words.w2 | (known_names_words_4_word_2_capital >> 2)) & (((known_names_words_4_word_2_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_4_word_2_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_4_word_2_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_4_word_2_end_half = (known_names_words_4_word_2_end >> 32);
                                        known_names_words_4_word_2_behind = ((((((((known_names_words_4_word_2_end >> 8) | (known_names_words_4_word_2_end >> 16)) | (known_names_words_4_word_2_end >> 24)) | known_names_words_4_word_2_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_4_word_2_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w2 & ((known_names_words_4_word_2_behind << 1) - (known_names_words_4_word_2_behind >> 7))) ^ ((((known_names_words_4_word_2_end >> 19) | (known_names_words_4_word_2_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_4_word_2_not_name << 32);
                                        meta->frame.name_end = (known_names_words_4_word_2_end << 32);
                };
                /* known_names_words_4_word_3_find_zeros_0() */
{
                    known_names_words_4_word_3_low = (known_names_words.w3 & 0x7f7f7f7f7f7f7f7f);
                                        known_names_words_4_word_3_not_name = (((((known_names_words_4_word_3_low + 0x7f7f7f7f7f7f7f7f) | known_names_words.w3) & 0x8080808080808080) ^ 0x8080808080808080) | (meta->frame.not_name << 24));
                };
                /* known_names_words_4_word_3_spread_2() */
{
                    known_names_words_4_word_3_not_name = (known_names_words_4_word_3_not_name | (known_names_words_4_word_3_not_name >> 8));
                };
                /* known_names_words_4_word_3_spread_3() */
{
                    known_names_words_4_word_3_not_name = (known_names_words_4_word_3_not_name | (known_names_words_4_word_3_not_name >> 16));
                };
                /* known_names_words_4_word_3_spread_4() */
{
                    known_names_words_4_word_3_not_name = (known_names_words_4_word_3_not_name | (known_names_words_4_word_3_not_name >> 32));
                };
                /* known_names_words_4_word_3_find_capitals_0() */
{
                    known_names_words_4_word_3_end = (known_names_words_4_word_3_not_name ^ (known_names_words_4_word_3_not_name & ((known_names_words_4_word_3_not_name >> 8) | (meta->frame.not_name << 24))));
                                        known_names_words_4_word_3_capital = ((known_names_words_4_word_3_low + 0x3f3f3f3f3f3f3f3f) & 0x8080808080808080);
                                        known_names_words_4_word_3_capital = (known_names_words_4_word_3_capital ^ (known_names_words_4_word_3_capital & ((known_names_words_4_word_3_low + 0x2525252525252525) | known_names_words.w3)));
                };
                /* known_names_words_4_word_3_fold_0() */
{
                    known_names_words_4_folded.w3 = ((known_names_words.w3 | (known_names_words_4_word_3_capital >> 2)) & (((known_names_words_4_word_3_not_name ^ 0x8080808080808080) << 1) - ((known_names_words_4_word_3_not_name ^ 0x8080808080808080) >> 7)));
                                        meta->frame.name_lengths = (meta->frame.name_lengths + ((known_names_words_4_word_3_not_name ^ 0x8080808080808080) >> 7));
                                        known_names_words_4_word_3_end_half = (known_names_words_4_word_3_end >> 32);
                                        known_names_words_4_word_3_behind = ((((((((known_names_words_4_word_3_end >> 8) | (known_names_words_4_word_3_end >> 16)) | (known_names_words_4_word_3_end >> 24)) | known_names_words_4_word_3_end_half) | (meta->frame.name_end << 24)) | (meta->frame.name_end << 16)) | (meta->frame.name_end << 8)) | meta->frame.name_end);
                };
                /* known_names_words_4_word_3_compare_type_0() */
{
                    meta->frame.not_txt = (meta->frame.not_txt | ((known_names_words.w3 & ((known_names_words_4_word_3_behind << 1) - (known_names_words_4_word_3_behind >> 7))) ^ ((((known_names_words_4_word_3_end >> 19) | (known_names_words_4_word_3_end_half >> 7)) | (meta->frame.name_end << 13)) | (meta->frame.name_end >> 7))));
                                        meta->frame.not_name = (known_names_words_4_word_3_not_name << 32);
                                        meta->frame.name_end = (known_names_words_4_word_3_end << 32);
                };
                                known_names_words = known_names_words_4_folded;
                /* _known_names_2.apply() */
                {
                    /* construct key */
                    struct _known_names_4_key key = {};
                    key.field0 = known_names_so_far;
                    key.field1 = known_names_words.w0;
                    key.field2 = known_names_words.w1;
                    key.field3 = known_names_words.w2;
                    key.field4 = known_names_words.w3;
                    /* value */
                    struct _known_names_4_value *value = NULL;
                    /* perform lookup */
                    value = BPF_MAP_LOOKUP_ELEM(_known_names_4, &key);
                    if (value == NULL) {
                        /* miss; find default action */
                        hit = 0;
                        value = BPF_MAP_LOOKUP_ELEM(_known_names_4_defaultAction, &ebpf_zero);
                    } else {
                        hit = 1;
                    }
                    if (value != NULL) {
                        /* run action */
                        switch (value->action) {
                            case _KNOWN_NAMES_4_ACT_PSAINGRESS_KNOWN_NAMES_PART_4: 
                                {
                                    known_names_so_far = value->u.PsaIngress_known_names_part_4.id;
                                }
                                break;
                            case _KNOWN_NAMES_4_ACT_PSAINGRESS_KNOWN_NAMES_UNKNOWN: 
                                {
                                    known_names_so_far = 0;
                                }
                                break;
                            default:
                                return XDP_ABORTED;
                        }
                    } else {
                        return XDP_ABORTED;
;
                    }
                }
;
                                known_names_length = (meta->frame.name_lengths + (meta->frame.name_lengths >> 32));
                                known_names_length = (known_names_length + (known_names_length >> 16));
                                known_names_length = ((known_names_length + (known_names_length >> 8)) & 0xff);
                if (known_names_so_far == 0 || (u8)((meta->frame.udp_end - ((meta->frame.name_start + (u32)known_names_length) + 16)) >> 0x1f) == 1) {
                    meta->frame.verdict = 5;                }

                else {
if (meta->frame.not_txt != 0) {
                        meta->frame.verdict = 4;                    }

                    else {
                        meta->frame.verdict = 253;                    }
                }

            }
            if (meta->frame.verdict == 253) {
                u32* value_9;
                value_9 = BPF_MAP_LOOKUP_ELEM(PsaIngress_answer_count, &meta->first);
                if (value_9 != NULL) {
                    __builtin_memcpy(&tmp_1, value_9, sizeof(PsaIngress_answer_count_value));
                } else {
                                        tmp_1 = 0;
                }

                                tmp_2 = (tmp_1 + 1);
                                answers_0 = tmp_2;
                /* answer_count_0.write(meta->first, answers_0) */
                int ret_4 = BPF_MAP_UPDATE_ELEM(PsaIngress_answer_count, &meta->first, &answers_0, BPF_ANY);
                if (ret_4) {
                }
;
            }
                        decision_threshold = threshold_0;
            if (decision_threshold == 0) {
                decision_threshold = 400;            }

            if (meta->frame.verdict == 253) {
                meta->frame.verdict = 7;
                if (meta->frame.ip_end > 2048) {
                    meta->frame.verdict = 6;                }

            }
            else {
if (meta->frame.verdict == 255) {
                    meta->frame.verdict = 10;
                    if (meta->frame.frame_end < meta->frame.ip_end) {
                        meta->frame.verdict = 3;                    }

                    else {
if (((meta->frame.ip_end - meta->frame.ip_start) > decision_threshold) || (meta->frame.ip_end > 2048)) {
                            meta->frame.verdict = 9;                        }
                    }

                }            }

            if (meta->frame.verdict == 7) {
if ((answers_0 & settings_0.mask) != 0) {
                    meta->frame.verdict = 8;                }
            }

            else {
if (meta->frame.verdict == 10) {
                    sampling_source = (struct address_t){.w0 = headers->ipv6.source_0, .w1 = headers->ipv6.source_1, .w2 = headers->ipv6.source_2, .w3 = headers->ipv6.source_3};
                                        sampling_destination = (struct address_t){.w0 = headers->ipv6.destination_0, .w1 = headers->ipv6.destination_1, .w2 = headers->ipv6.destination_2, .w3 = headers->ipv6.destination_3};
                                        sampling_identification = headers->ipv6_fragment.identification;
                                        sampling_version = 6;
                    if (/* headers->ipv4.isValid() */
                    headers->ipv4.ebpf_valid) {
                        sampling_source = (struct address_t){.w0 = 0, .w1 = 0, .w2 = 0, .w3 = headers->ipv4.source};
                                                sampling_destination = (struct address_t){.w0 = 0, .w1 = 0, .w2 = 0, .w3 = headers->ipv4.destination};
                                                sampling_identification = (u32)headers->ipv4.identification;
                                                sampling_version = 4;
                    }
                                        sampling_datagram_fate_state.v0 = settings_0.key_a;
                                        sampling_datagram_fate_state.v1 = settings_0.key_b;
                                        sampling_datagram_fate_state.v2 = (settings_0.key_a ^ 0x6c796765);
                                        sampling_datagram_fate_state.v3 = (settings_0.key_b ^ 0x74656462);
                                        sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_source.w0);
                    /* sampling_datagram_fate_source_0_round_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v2 = (((u32)(u16)sampling_datagram_fate_state.v2 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v2 >> 0x10) & 0xffff));
                    };
                                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 ^ sampling_source.w0);
                                        sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_source.w1);
                    /* sampling_datagram_fate_source_1_round_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v2 = (((u32)(u16)sampling_datagram_fate_state.v2 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v2 >> 0x10) & 0xffff));
                    };
                                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 ^ sampling_source.w1);
                                        sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_source.w2);
                    /* sampling_datagram_fate_source_2_round_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v2 = (((u32)(u16)sampling_datagram_fate_state.v2 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v2 >> 0x10) & 0xffff));
                    };
                                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 ^ sampling_source.w2);
                                        sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_source.w3);
                    /* sampling_datagram_fate_source_3_round_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v2 = (((u32)(u16)sampling_datagram_fate_state.v2 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v2 >> 0x10) & 0xffff));
                    };
                                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 ^ sampling_source.w3);
                                        sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_destination.w0);
                    /* sampling_datagram_fate_destination_0_round_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v2 = (((u32)(u16)sampling_datagram_fate_state.v2 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v2 >> 0x10) & 0xffff));
                    };
                                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 ^ sampling_destination.w0);
                                        sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_destination.w1);
                    /* sampling_datagram_fate_destination_1_round_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v2 = (((u32)(u16)sampling_datagram_fate_state.v2 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v2 >> 0x10) & 0xffff));
                    };
                                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 ^ sampling_destination.w1);
                                        sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_destination.w2);
                    /* sampling_datagram_fate_destination_2_round_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v2 = (((u32)(u16)sampling_datagram_fate_state.v2 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v2 >> 0x10) & 0xffff));
                    };
                                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 ^ sampling_destination.w2);
                                        sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_destination.w3);
                    /* sampling_datagram_fate_destination_3_round_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v2 = (((u32)(u16)sampling_datagram_fate_state.v2 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v2 >> 0x10) & 0xffff));
                    };
                                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 ^ sampling_destination.w3);
                                        sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_identification);
                    /* sampling_datagram_fate_of_datagram_round_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v2 = (((u32)(u16)sampling_datagram_fate_state.v2 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v2 >> 0x10) & 0xffff));
                    };
                                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 ^ sampling_identification);
                                        sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ (((u32)2424832 << 8) | ((u32)sampling_version & 0xff)));
                    /* sampling_datagram_fate_length_round_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v2 = (((u32)(u16)sampling_datagram_fate_state.v2 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v2 >> 0x10) & 0xffff));
                    };
                                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 ^ (((u32)2424832 << 8) | ((u32)sampling_version & 0xff)));
                                        sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 ^ 0xff);
                    /* sampling_datagram_fate_end_1_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v2 = (((u32)(u16)sampling_datagram_fate_state.v2 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v2 >> 0x10) & 0xffff));
                    };
                    /* sampling_datagram_fate_end_2_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v2 = (((u32)(u16)sampling_datagram_fate_state.v2 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v2 >> 0x10) & 0xffff));
                    };
                    /* sampling_datagram_fate_end_3_mix_0() */
{
                        sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 5) | ((u32)(u8)(sampling_datagram_fate_state.v1 >> 0x1b) & 0x1f));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v0 = (((u32)(u16)sampling_datagram_fate_state.v0 << 16) | ((u32)(u16)(sampling_datagram_fate_state.v0 >> 0x10) & 0xffff));
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 8) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x18) & 0xff));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v2);
                                                sampling_datagram_fate_state.v0 = (sampling_datagram_fate_state.v0 + sampling_datagram_fate_state.v3);
                                                sampling_datagram_fate_state.v3 = (((u32)(u32)sampling_datagram_fate_state.v3 << 7) | ((u32)(u8)(sampling_datagram_fate_state.v3 >> 0x19) & 0x7f));
                                                sampling_datagram_fate_state.v3 = (sampling_datagram_fate_state.v3 ^ sampling_datagram_fate_state.v0);
                                                sampling_datagram_fate_state.v2 = (sampling_datagram_fate_state.v2 + sampling_datagram_fate_state.v1);
                                                sampling_datagram_fate_state.v1 = (((u32)(u32)sampling_datagram_fate_state.v1 << 13) | ((u32)(u16)(sampling_datagram_fate_state.v1 >> 0x13) & 0x1fff));
                                                sampling_datagram_fate_state.v1 = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v2);
                    };
                                        sampling_fate = (sampling_datagram_fate_state.v1 ^ sampling_datagram_fate_state.v3);
                    if ((sampling_fate & settings_0.mask) != 0) {
                        meta->frame.verdict = 11;                    }

                }            }

            /* verdicts_0.count((u32)meta->frame.verdict) */
{
                struct PsaIngress_verdicts_value *value_10;
                u32 key_0 = (u32)meta->frame.verdict;
                value_10 = BPF_MAP_LOOKUP_ELEM(PsaIngress_verdicts, &key_0);
                if (value_10 != NULL) {
                    __sync_fetch_and_add(&(value_10->packets), 1);
                } else {
                }
            };
            if (meta->frame.verdict == 7 || meta->frame.verdict == 10) {
                ostd->clone = true;
                                ostd->clone_session_id = 250;
            }
        }
    }
    {
{
;
            ;
            ;
            ;
            ;
            ;
            ;
            ;
            ;
            ;
        }

        if (ostd->clone || ostd->multicast_group != 0 || (!ostd->drop && ostd->egress_port == 0 && !ostd->resubmit && ostd->multicast_group == 0)) {
            struct xdp2tc_metadata xdp2tc_md = {};
            xdp2tc_md.headers = *headers;
            xdp2tc_md.ostd = *ostd;
            xdp2tc_md.packetOffsetInBits = ebpf_packetOffsetInBits;
    void *data = (void *)(long)skb->data;
    void *data_end = (void *)(long)skb->data_end;
    struct ethhdr *eth = data;
    if ((void *)((struct ethhdr *) eth + 1) > data_end) {
        return XDP_ABORTED;
    }
    xdp2tc_md.pkt_ether_type = eth->h_proto;
    eth->h_proto = bpf_htons(0x0800);
            int ret = bpf_xdp_adjust_head(skb, -(int)sizeof(struct xdp2tc_metadata));
            if (ret) {
                return XDP_ABORTED;
            }
    data = (void *)(long)skb->data;
    data_end = (void *)(long)skb->data_end;
    if (((char *) data + 14 + sizeof(struct xdp2tc_metadata)) > (char *) data_end) {
        return XDP_ABORTED;
    }
            __builtin_memmove(data, data + sizeof(struct xdp2tc_metadata), 14);
            __builtin_memcpy(data + 14, &xdp2tc_md, sizeof(struct xdp2tc_metadata));
            return XDP_PASS;
        }
        if (ostd->drop) {
            return XDP_ABORTED;
        }
        if (ostd->resubmit) {
            compiler_meta__->packet_path = RESUBMIT;
            return -1;
        }
        int outHeaderLength = 0;
        if (headers->ethernet.ebpf_valid) {
            outHeaderLength += 112;
        }
;        if (headers->outer_tag.ebpf_valid) {
            outHeaderLength += 32;
        }
;        if (headers->middle_tag.ebpf_valid) {
            outHeaderLength += 32;
        }
;        if (headers->inner_tag.ebpf_valid) {
            outHeaderLength += 32;
        }
;        if (headers->pppoe.ebpf_valid) {
            outHeaderLength += 64;
        }
;        if (headers->ipv4.ebpf_valid) {
            outHeaderLength += 160;
        }
;        if (headers->ipv6.ebpf_valid) {
            outHeaderLength += 320;
        }
;        if (headers->ipv6_fragment.ebpf_valid) {
            outHeaderLength += 64;
        }
;        if (headers->udp.ebpf_valid) {
            outHeaderLength += 64;
        }
;        if (headers->dns.ebpf_valid) {
            outHeaderLength += 96;
        }
;
        int outHeaderOffset = BYTES(outHeaderLength) - BYTES(ebpf_packetOffsetInBits);
        if (outHeaderOffset != 0) {
            int returnCode = 0;
            returnCode = bpf_xdp_adjust_head(skb, -outHeaderOffset);
            if (returnCode) {
                return XDP_ABORTED;
            }
        }
        pkt = ((void*)(long)skb->data);
        ebpf_packetEnd = ((void*)(long)skb->data_end);
        ebpf_packetOffsetInBits = 0;
        if (headers->ethernet.ebpf_valid) {
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 112)) {
                return XDP_ABORTED;
            }
            
            headers->ethernet.destination = htonll(headers->ethernet.destination << 16);
            ebpf_byte = ((char*)(&headers->ethernet.destination))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ethernet.destination))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ethernet.destination))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ethernet.destination))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ethernet.destination))[4];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ethernet.destination))[5];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5, (ebpf_byte));
            ebpf_packetOffsetInBits += 48;

            headers->ethernet.source = htonll(headers->ethernet.source << 16);
            ebpf_byte = ((char*)(&headers->ethernet.source))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ethernet.source))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ethernet.source))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ethernet.source))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ethernet.source))[4];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ethernet.source))[5];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5, (ebpf_byte));
            ebpf_packetOffsetInBits += 48;

            headers->ethernet.ethertype = bpf_htons(headers->ethernet.ethertype);
            ebpf_byte = ((char*)(&headers->ethernet.ethertype))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ethernet.ethertype))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

        }
;        if (headers->outer_tag.ebpf_valid) {
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 32)) {
                return XDP_ABORTED;
            }
            
            headers->outer_tag.tci = bpf_htons(headers->outer_tag.tci);
            ebpf_byte = ((char*)(&headers->outer_tag.tci))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->outer_tag.tci))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->outer_tag.ethertype = bpf_htons(headers->outer_tag.ethertype);
            ebpf_byte = ((char*)(&headers->outer_tag.ethertype))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->outer_tag.ethertype))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

        }
;        if (headers->middle_tag.ebpf_valid) {
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 32)) {
                return XDP_ABORTED;
            }
            
            headers->middle_tag.tci = bpf_htons(headers->middle_tag.tci);
            ebpf_byte = ((char*)(&headers->middle_tag.tci))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->middle_tag.tci))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->middle_tag.ethertype = bpf_htons(headers->middle_tag.ethertype);
            ebpf_byte = ((char*)(&headers->middle_tag.ethertype))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->middle_tag.ethertype))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

        }
;        if (headers->inner_tag.ebpf_valid) {
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 32)) {
                return XDP_ABORTED;
            }
            
            headers->inner_tag.tci = bpf_htons(headers->inner_tag.tci);
            ebpf_byte = ((char*)(&headers->inner_tag.tci))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->inner_tag.tci))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->inner_tag.ethertype = bpf_htons(headers->inner_tag.ethertype);
            ebpf_byte = ((char*)(&headers->inner_tag.ethertype))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->inner_tag.ethertype))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

        }
;        if (headers->pppoe.ebpf_valid) {
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 64)) {
                return XDP_ABORTED;
            }
            
            headers->pppoe.version_type_code = bpf_htons(headers->pppoe.version_type_code);
            ebpf_byte = ((char*)(&headers->pppoe.version_type_code))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->pppoe.version_type_code))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->pppoe.session = bpf_htons(headers->pppoe.session);
            ebpf_byte = ((char*)(&headers->pppoe.session))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->pppoe.session))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->pppoe.length = bpf_htons(headers->pppoe.length);
            ebpf_byte = ((char*)(&headers->pppoe.length))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->pppoe.length))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->pppoe.ppp_protocol = bpf_htons(headers->pppoe.ppp_protocol);
            ebpf_byte = ((char*)(&headers->pppoe.ppp_protocol))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->pppoe.ppp_protocol))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

        }
;        if (headers->ipv4.ebpf_valid) {
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 160)) {
                return XDP_ABORTED;
            }
            
            ebpf_byte = ((char*)(&headers->ipv4.version))[0];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 4, 4, (ebpf_byte >> 0));
            ebpf_packetOffsetInBits += 4;

            ebpf_byte = ((char*)(&headers->ipv4.ihl))[0];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 4, 0, (ebpf_byte >> 0));
            ebpf_packetOffsetInBits += 4;

            ebpf_byte = ((char*)(&headers->ipv4.tos))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_packetOffsetInBits += 8;

            headers->ipv4.total_length = bpf_htons(headers->ipv4.total_length);
            ebpf_byte = ((char*)(&headers->ipv4.total_length))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv4.total_length))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->ipv4.identification = bpf_htons(headers->ipv4.identification);
            ebpf_byte = ((char*)(&headers->ipv4.identification))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv4.identification))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            ebpf_byte = ((char*)(&headers->ipv4.flags))[0];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 2, 6, (ebpf_byte >> 0));
            ebpf_packetOffsetInBits += 2;

            headers->ipv4.fragment = bpf_htons(headers->ipv4.fragment << 2);
            ebpf_byte = ((char*)(&headers->ipv4.fragment))[0];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 6, 0, (ebpf_byte >> 2));
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0 + 1, 2, 6, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv4.fragment))[1];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 1, 6, 0, (ebpf_byte >> 2));
            ebpf_packetOffsetInBits += 14;

            ebpf_byte = ((char*)(&headers->ipv4.ttl))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_packetOffsetInBits += 8;

            ebpf_byte = ((char*)(&headers->ipv4.protocol))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_packetOffsetInBits += 8;

            headers->ipv4.checksum = bpf_htons(headers->ipv4.checksum);
            ebpf_byte = ((char*)(&headers->ipv4.checksum))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv4.checksum))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->ipv4.source = htonl(headers->ipv4.source);
            ebpf_byte = ((char*)(&headers->ipv4.source))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv4.source))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv4.source))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv4.source))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_packetOffsetInBits += 32;

            headers->ipv4.destination = htonl(headers->ipv4.destination);
            ebpf_byte = ((char*)(&headers->ipv4.destination))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv4.destination))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv4.destination))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv4.destination))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_packetOffsetInBits += 32;

        }
;        if (headers->ipv6.ebpf_valid) {
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 320)) {
                return XDP_ABORTED;
            }
            
            ebpf_byte = ((char*)(&headers->ipv6.version))[0];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 4, 4, (ebpf_byte >> 0));
            ebpf_packetOffsetInBits += 4;

            headers->ipv6.class_and_label = htonl(headers->ipv6.class_and_label << 4);
            ebpf_byte = ((char*)(&headers->ipv6.class_and_label))[0];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 4, 0, (ebpf_byte >> 4));
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0 + 1, 4, 4, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.class_and_label))[1];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 1, 4, 0, (ebpf_byte >> 4));
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 1 + 1, 4, 4, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.class_and_label))[2];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 2, 4, 0, (ebpf_byte >> 4));
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 2 + 1, 4, 4, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.class_and_label))[3];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 3, 4, 0, (ebpf_byte >> 4));
            ebpf_packetOffsetInBits += 28;

            headers->ipv6.payload_length = bpf_htons(headers->ipv6.payload_length);
            ebpf_byte = ((char*)(&headers->ipv6.payload_length))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.payload_length))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            ebpf_byte = ((char*)(&headers->ipv6.next_header))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_packetOffsetInBits += 8;

            ebpf_byte = ((char*)(&headers->ipv6.hop_limit))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_packetOffsetInBits += 8;

            headers->ipv6.source_0 = htonl(headers->ipv6.source_0);
            ebpf_byte = ((char*)(&headers->ipv6.source_0))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.source_0))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.source_0))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.source_0))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.source_1 = htonl(headers->ipv6.source_1);
            ebpf_byte = ((char*)(&headers->ipv6.source_1))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.source_1))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.source_1))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.source_1))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.source_2 = htonl(headers->ipv6.source_2);
            ebpf_byte = ((char*)(&headers->ipv6.source_2))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.source_2))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.source_2))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.source_2))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.source_3 = htonl(headers->ipv6.source_3);
            ebpf_byte = ((char*)(&headers->ipv6.source_3))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.source_3))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.source_3))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.source_3))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.destination_0 = htonl(headers->ipv6.destination_0);
            ebpf_byte = ((char*)(&headers->ipv6.destination_0))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.destination_0))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.destination_0))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.destination_0))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.destination_1 = htonl(headers->ipv6.destination_1);
            ebpf_byte = ((char*)(&headers->ipv6.destination_1))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.destination_1))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.destination_1))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.destination_1))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.destination_2 = htonl(headers->ipv6.destination_2);
            ebpf_byte = ((char*)(&headers->ipv6.destination_2))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.destination_2))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.destination_2))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.destination_2))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_packetOffsetInBits += 32;

            headers->ipv6.destination_3 = htonl(headers->ipv6.destination_3);
            ebpf_byte = ((char*)(&headers->ipv6.destination_3))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.destination_3))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.destination_3))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6.destination_3))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_packetOffsetInBits += 32;

        }
;        if (headers->ipv6_fragment.ebpf_valid) {
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 64)) {
                return XDP_ABORTED;
            }
            
            ebpf_byte = ((char*)(&headers->ipv6_fragment.next_header))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_packetOffsetInBits += 8;

            ebpf_byte = ((char*)(&headers->ipv6_fragment.reserved))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_packetOffsetInBits += 8;

            headers->ipv6_fragment.offset_and_more = bpf_htons(headers->ipv6_fragment.offset_and_more);
            ebpf_byte = ((char*)(&headers->ipv6_fragment.offset_and_more))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6_fragment.offset_and_more))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->ipv6_fragment.identification = htonl(headers->ipv6_fragment.identification);
            ebpf_byte = ((char*)(&headers->ipv6_fragment.identification))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6_fragment.identification))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6_fragment.identification))[2];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->ipv6_fragment.identification))[3];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
            ebpf_packetOffsetInBits += 32;

        }
;        if (headers->udp.ebpf_valid) {
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 64)) {
                return XDP_ABORTED;
            }
            
            headers->udp.source_port = bpf_htons(headers->udp.source_port);
            ebpf_byte = ((char*)(&headers->udp.source_port))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->udp.source_port))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->udp.destination_port = bpf_htons(headers->udp.destination_port);
            ebpf_byte = ((char*)(&headers->udp.destination_port))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->udp.destination_port))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->udp.length = bpf_htons(headers->udp.length);
            ebpf_byte = ((char*)(&headers->udp.length))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->udp.length))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->udp.checksum = bpf_htons(headers->udp.checksum);
            ebpf_byte = ((char*)(&headers->udp.checksum))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->udp.checksum))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

        }
;        if (headers->dns.ebpf_valid) {
            if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 96)) {
                return XDP_ABORTED;
            }
            
            headers->dns.id = bpf_htons(headers->dns.id);
            ebpf_byte = ((char*)(&headers->dns.id))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->dns.id))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            ebpf_byte = ((char*)(&headers->dns.is_response))[0];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 1, 7, (ebpf_byte >> 0));
            ebpf_packetOffsetInBits += 1;

            headers->dns.flags = bpf_htons(headers->dns.flags << 1);
            ebpf_byte = ((char*)(&headers->dns.flags))[0];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 7, 0, (ebpf_byte >> 1));
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0 + 1, 1, 7, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->dns.flags))[1];
            write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 1, 7, 0, (ebpf_byte >> 1));
            ebpf_packetOffsetInBits += 15;

            headers->dns.questions = bpf_htons(headers->dns.questions);
            ebpf_byte = ((char*)(&headers->dns.questions))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->dns.questions))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->dns.answers = bpf_htons(headers->dns.answers);
            ebpf_byte = ((char*)(&headers->dns.answers))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->dns.answers))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->dns.authorities = bpf_htons(headers->dns.authorities);
            ebpf_byte = ((char*)(&headers->dns.authorities))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->dns.authorities))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

            headers->dns.additionals = bpf_htons(headers->dns.additionals);
            ebpf_byte = ((char*)(&headers->dns.additionals))[0];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
            ebpf_byte = ((char*)(&headers->dns.additionals))[1];
            write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
            ebpf_packetOffsetInBits += 16;

        }
;
    }
    return -1;
}
SEC("xdp_ingress/xdp-ingress")
int xdp_ingress_func(struct xdp_md *skb) {
    struct psa_global_metadata instance = {};
    struct psa_global_metadata *compiler_meta__ = &instance;
    compiler_meta__->packet_path = NORMAL;
    struct psa_ingress_output_metadata_t ostd = {
            .drop = true,
    };

    struct empty_t resubmitted;
    struct hdr_md *hdrMd;
    struct headers_t *headers;
    int ret = -1;
    #pragma clang loop unroll(disable)
    for (int i = 0; i < 4; i++) {
        ostd.resubmit = 0;
        ret = process(skb, (struct headers_t *) headers, &ostd, compiler_meta__, &resubmitted);
        if (ostd.drop == 1 || ostd.resubmit == 0) {
            break;
        }
    }
    if (ret != -1) {
        return ret;
    }
    return bpf_redirect_map(&tx_port, ostd.egress_port%DEVMAP_SIZE, 0);
}

SEC("xdp_redirect_dummy_sec")
int xdp_redirect_dummy(struct xdp_md *skb) {
    return XDP_PASS;
}

SEC("classifier/tc-ingress")
int tc_ingress_func(SK_BUFF *skb) {
    struct psa_global_metadata *compiler_meta__ = (struct psa_global_metadata *) skb->cb;
    if (compiler_meta__->pass_to_kernel) return TC_ACT_OK;
    compiler_meta__->mark = 153;
    unsigned ebpf_packetOffsetInBits = 0;
    unsigned ebpf_packetOffsetInBits_save = 0;
    ParserError_t ebpf_errorCode = NoError;
    void* pkt = ((void*)(long)skb->data);
    void* ebpf_packetEnd = ((void*)(long)skb->data_end);
    u32 ebpf_zero = 0;
    u32 ebpf_one = 1;
    unsigned char ebpf_byte;
    u32 pkt_len = skb->len;
    u32 ebpf_input_port = skb->ifindex;
    if (ebpf_input_port == PSA_PORT_RECIRCULATE) {
        ebpf_input_port = P4C_PSA_PORT_RECIRCULATE;
    }
        void *data = (void *)(long)skb->data;
    void *data_end = (void *)(long)skb->data_end;
    if (((char *) data + sizeof(struct ethhdr) + sizeof(struct xdp2tc_metadata)) > (char *) data_end) {
        return TC_ACT_SHOT;
    }
    struct xdp2tc_metadata xdp2tc_md = {};
    bpf_skb_load_bytes(skb, sizeof(struct ethhdr), &xdp2tc_md, sizeof(struct xdp2tc_metadata));
        __u16 *ether_type = (__u16 *) ((void *) (long)skb->data + 12);
    if ((void *) ((__u16 *) ether_type + 1) >     (void *) (long) skb->data_end) {
        return TC_ACT_SHOT;
    }
    *ether_type = xdp2tc_md.pkt_ether_type;
    struct psa_ingress_output_metadata_t ostd = xdp2tc_md.ostd;
        struct headers_t *headers;
    headers = &(xdp2tc_md.headers);
    ebpf_packetOffsetInBits = xdp2tc_md.packetOffsetInBits;
    int ret = bpf_skb_adjust_room(skb, -(int)sizeof(struct xdp2tc_metadata), 1, 0);
    if (ret) {
        return XDP_ABORTED;
    }
    
    if (ostd.clone) {
        do_packet_clones(skb, &clone_session_tbl, ostd.clone_session_id, CLONE_I2E, 1);
    }
    int outHeaderLength = 0;
    if (headers->ethernet.ebpf_valid) {
        outHeaderLength += 112;
    }
;    if (headers->outer_tag.ebpf_valid) {
        outHeaderLength += 32;
    }
;    if (headers->middle_tag.ebpf_valid) {
        outHeaderLength += 32;
    }
;    if (headers->inner_tag.ebpf_valid) {
        outHeaderLength += 32;
    }
;    if (headers->pppoe.ebpf_valid) {
        outHeaderLength += 64;
    }
;    if (headers->ipv4.ebpf_valid) {
        outHeaderLength += 160;
    }
;    if (headers->ipv6.ebpf_valid) {
        outHeaderLength += 320;
    }
;    if (headers->ipv6_fragment.ebpf_valid) {
        outHeaderLength += 64;
    }
;    if (headers->udp.ebpf_valid) {
        outHeaderLength += 64;
    }
;    if (headers->dns.ebpf_valid) {
        outHeaderLength += 96;
    }
;
    int outHeaderOffset = BYTES(outHeaderLength) - BYTES(ebpf_packetOffsetInBits);
    if (outHeaderOffset != 0) {
        int returnCode = 0;
        returnCode = bpf_skb_adjust_room(skb, outHeaderOffset, 1, 0);
        if (returnCode) {
            return XDP_ABORTED;
        }
    }
    pkt = ((void*)(long)skb->data);
    ebpf_packetEnd = ((void*)(long)skb->data_end);
    ebpf_packetOffsetInBits = 0;
    if (headers->ethernet.ebpf_valid) {
        if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 112)) {
            return XDP_ABORTED;
        }
        
        headers->ethernet.destination = htonll(headers->ethernet.destination << 16);
        ebpf_byte = ((char*)(&headers->ethernet.destination))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ethernet.destination))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ethernet.destination))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ethernet.destination))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ethernet.destination))[4];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ethernet.destination))[5];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5, (ebpf_byte));
        ebpf_packetOffsetInBits += 48;

        headers->ethernet.source = htonll(headers->ethernet.source << 16);
        ebpf_byte = ((char*)(&headers->ethernet.source))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ethernet.source))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ethernet.source))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ethernet.source))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ethernet.source))[4];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 4, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ethernet.source))[5];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 5, (ebpf_byte));
        ebpf_packetOffsetInBits += 48;

        headers->ethernet.ethertype = bpf_htons(headers->ethernet.ethertype);
        ebpf_byte = ((char*)(&headers->ethernet.ethertype))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ethernet.ethertype))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

    }
;    if (headers->outer_tag.ebpf_valid) {
        if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 32)) {
            return XDP_ABORTED;
        }
        
        headers->outer_tag.tci = bpf_htons(headers->outer_tag.tci);
        ebpf_byte = ((char*)(&headers->outer_tag.tci))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->outer_tag.tci))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->outer_tag.ethertype = bpf_htons(headers->outer_tag.ethertype);
        ebpf_byte = ((char*)(&headers->outer_tag.ethertype))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->outer_tag.ethertype))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

    }
;    if (headers->middle_tag.ebpf_valid) {
        if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 32)) {
            return XDP_ABORTED;
        }
        
        headers->middle_tag.tci = bpf_htons(headers->middle_tag.tci);
        ebpf_byte = ((char*)(&headers->middle_tag.tci))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->middle_tag.tci))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->middle_tag.ethertype = bpf_htons(headers->middle_tag.ethertype);
        ebpf_byte = ((char*)(&headers->middle_tag.ethertype))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->middle_tag.ethertype))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

    }
;    if (headers->inner_tag.ebpf_valid) {
        if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 32)) {
            return XDP_ABORTED;
        }
        
        headers->inner_tag.tci = bpf_htons(headers->inner_tag.tci);
        ebpf_byte = ((char*)(&headers->inner_tag.tci))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->inner_tag.tci))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->inner_tag.ethertype = bpf_htons(headers->inner_tag.ethertype);
        ebpf_byte = ((char*)(&headers->inner_tag.ethertype))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->inner_tag.ethertype))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

    }
;    if (headers->pppoe.ebpf_valid) {
        if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 64)) {
            return XDP_ABORTED;
        }
        
        headers->pppoe.version_type_code = bpf_htons(headers->pppoe.version_type_code);
        ebpf_byte = ((char*)(&headers->pppoe.version_type_code))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->pppoe.version_type_code))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->pppoe.session = bpf_htons(headers->pppoe.session);
        ebpf_byte = ((char*)(&headers->pppoe.session))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->pppoe.session))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->pppoe.length = bpf_htons(headers->pppoe.length);
        ebpf_byte = ((char*)(&headers->pppoe.length))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->pppoe.length))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->pppoe.ppp_protocol = bpf_htons(headers->pppoe.ppp_protocol);
        ebpf_byte = ((char*)(&headers->pppoe.ppp_protocol))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->pppoe.ppp_protocol))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

    }
;    if (headers->ipv4.ebpf_valid) {
        if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 160)) {
            return XDP_ABORTED;
        }
        
        ebpf_byte = ((char*)(&headers->ipv4.version))[0];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 4, 4, (ebpf_byte >> 0));
        ebpf_packetOffsetInBits += 4;

        ebpf_byte = ((char*)(&headers->ipv4.ihl))[0];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 4, 0, (ebpf_byte >> 0));
        ebpf_packetOffsetInBits += 4;

        ebpf_byte = ((char*)(&headers->ipv4.tos))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_packetOffsetInBits += 8;

        headers->ipv4.total_length = bpf_htons(headers->ipv4.total_length);
        ebpf_byte = ((char*)(&headers->ipv4.total_length))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv4.total_length))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->ipv4.identification = bpf_htons(headers->ipv4.identification);
        ebpf_byte = ((char*)(&headers->ipv4.identification))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv4.identification))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        ebpf_byte = ((char*)(&headers->ipv4.flags))[0];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 2, 6, (ebpf_byte >> 0));
        ebpf_packetOffsetInBits += 2;

        headers->ipv4.fragment = bpf_htons(headers->ipv4.fragment << 2);
        ebpf_byte = ((char*)(&headers->ipv4.fragment))[0];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 6, 0, (ebpf_byte >> 2));
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0 + 1, 2, 6, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv4.fragment))[1];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 1, 6, 0, (ebpf_byte >> 2));
        ebpf_packetOffsetInBits += 14;

        ebpf_byte = ((char*)(&headers->ipv4.ttl))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_packetOffsetInBits += 8;

        ebpf_byte = ((char*)(&headers->ipv4.protocol))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_packetOffsetInBits += 8;

        headers->ipv4.checksum = bpf_htons(headers->ipv4.checksum);
        ebpf_byte = ((char*)(&headers->ipv4.checksum))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv4.checksum))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->ipv4.source = htonl(headers->ipv4.source);
        ebpf_byte = ((char*)(&headers->ipv4.source))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv4.source))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv4.source))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv4.source))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_packetOffsetInBits += 32;

        headers->ipv4.destination = htonl(headers->ipv4.destination);
        ebpf_byte = ((char*)(&headers->ipv4.destination))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv4.destination))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv4.destination))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv4.destination))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_packetOffsetInBits += 32;

    }
;    if (headers->ipv6.ebpf_valid) {
        if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 320)) {
            return XDP_ABORTED;
        }
        
        ebpf_byte = ((char*)(&headers->ipv6.version))[0];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 4, 4, (ebpf_byte >> 0));
        ebpf_packetOffsetInBits += 4;

        headers->ipv6.class_and_label = htonl(headers->ipv6.class_and_label << 4);
        ebpf_byte = ((char*)(&headers->ipv6.class_and_label))[0];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 4, 0, (ebpf_byte >> 4));
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0 + 1, 4, 4, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.class_and_label))[1];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 1, 4, 0, (ebpf_byte >> 4));
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 1 + 1, 4, 4, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.class_and_label))[2];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 2, 4, 0, (ebpf_byte >> 4));
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 2 + 1, 4, 4, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.class_and_label))[3];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 3, 4, 0, (ebpf_byte >> 4));
        ebpf_packetOffsetInBits += 28;

        headers->ipv6.payload_length = bpf_htons(headers->ipv6.payload_length);
        ebpf_byte = ((char*)(&headers->ipv6.payload_length))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.payload_length))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        ebpf_byte = ((char*)(&headers->ipv6.next_header))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_packetOffsetInBits += 8;

        ebpf_byte = ((char*)(&headers->ipv6.hop_limit))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_packetOffsetInBits += 8;

        headers->ipv6.source_0 = htonl(headers->ipv6.source_0);
        ebpf_byte = ((char*)(&headers->ipv6.source_0))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.source_0))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.source_0))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.source_0))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_packetOffsetInBits += 32;

        headers->ipv6.source_1 = htonl(headers->ipv6.source_1);
        ebpf_byte = ((char*)(&headers->ipv6.source_1))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.source_1))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.source_1))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.source_1))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_packetOffsetInBits += 32;

        headers->ipv6.source_2 = htonl(headers->ipv6.source_2);
        ebpf_byte = ((char*)(&headers->ipv6.source_2))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.source_2))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.source_2))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.source_2))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_packetOffsetInBits += 32;

        headers->ipv6.source_3 = htonl(headers->ipv6.source_3);
        ebpf_byte = ((char*)(&headers->ipv6.source_3))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.source_3))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.source_3))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.source_3))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_packetOffsetInBits += 32;

        headers->ipv6.destination_0 = htonl(headers->ipv6.destination_0);
        ebpf_byte = ((char*)(&headers->ipv6.destination_0))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.destination_0))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.destination_0))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.destination_0))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_packetOffsetInBits += 32;

        headers->ipv6.destination_1 = htonl(headers->ipv6.destination_1);
        ebpf_byte = ((char*)(&headers->ipv6.destination_1))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.destination_1))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.destination_1))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.destination_1))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_packetOffsetInBits += 32;

        headers->ipv6.destination_2 = htonl(headers->ipv6.destination_2);
        ebpf_byte = ((char*)(&headers->ipv6.destination_2))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.destination_2))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.destination_2))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.destination_2))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_packetOffsetInBits += 32;

        headers->ipv6.destination_3 = htonl(headers->ipv6.destination_3);
        ebpf_byte = ((char*)(&headers->ipv6.destination_3))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.destination_3))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.destination_3))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6.destination_3))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_packetOffsetInBits += 32;

    }
;    if (headers->ipv6_fragment.ebpf_valid) {
        if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 64)) {
            return XDP_ABORTED;
        }
        
        ebpf_byte = ((char*)(&headers->ipv6_fragment.next_header))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_packetOffsetInBits += 8;

        ebpf_byte = ((char*)(&headers->ipv6_fragment.reserved))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_packetOffsetInBits += 8;

        headers->ipv6_fragment.offset_and_more = bpf_htons(headers->ipv6_fragment.offset_and_more);
        ebpf_byte = ((char*)(&headers->ipv6_fragment.offset_and_more))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6_fragment.offset_and_more))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->ipv6_fragment.identification = htonl(headers->ipv6_fragment.identification);
        ebpf_byte = ((char*)(&headers->ipv6_fragment.identification))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6_fragment.identification))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6_fragment.identification))[2];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 2, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->ipv6_fragment.identification))[3];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 3, (ebpf_byte));
        ebpf_packetOffsetInBits += 32;

    }
;    if (headers->udp.ebpf_valid) {
        if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 64)) {
            return XDP_ABORTED;
        }
        
        headers->udp.source_port = bpf_htons(headers->udp.source_port);
        ebpf_byte = ((char*)(&headers->udp.source_port))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->udp.source_port))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->udp.destination_port = bpf_htons(headers->udp.destination_port);
        ebpf_byte = ((char*)(&headers->udp.destination_port))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->udp.destination_port))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->udp.length = bpf_htons(headers->udp.length);
        ebpf_byte = ((char*)(&headers->udp.length))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->udp.length))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->udp.checksum = bpf_htons(headers->udp.checksum);
        ebpf_byte = ((char*)(&headers->udp.checksum))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->udp.checksum))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

    }
;    if (headers->dns.ebpf_valid) {
        if (ebpf_packetEnd < pkt + BYTES(ebpf_packetOffsetInBits + 96)) {
            return XDP_ABORTED;
        }
        
        headers->dns.id = bpf_htons(headers->dns.id);
        ebpf_byte = ((char*)(&headers->dns.id))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->dns.id))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        ebpf_byte = ((char*)(&headers->dns.is_response))[0];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 1, 7, (ebpf_byte >> 0));
        ebpf_packetOffsetInBits += 1;

        headers->dns.flags = bpf_htons(headers->dns.flags << 1);
        ebpf_byte = ((char*)(&headers->dns.flags))[0];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0, 7, 0, (ebpf_byte >> 1));
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 0 + 1, 1, 7, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->dns.flags))[1];
        write_partial_ex(pkt + BYTES(ebpf_packetOffsetInBits) + 1, 7, 0, (ebpf_byte >> 1));
        ebpf_packetOffsetInBits += 15;

        headers->dns.questions = bpf_htons(headers->dns.questions);
        ebpf_byte = ((char*)(&headers->dns.questions))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->dns.questions))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->dns.answers = bpf_htons(headers->dns.answers);
        ebpf_byte = ((char*)(&headers->dns.answers))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->dns.answers))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->dns.authorities = bpf_htons(headers->dns.authorities);
        ebpf_byte = ((char*)(&headers->dns.authorities))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->dns.authorities))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

        headers->dns.additionals = bpf_htons(headers->dns.additionals);
        ebpf_byte = ((char*)(&headers->dns.additionals))[0];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 0, (ebpf_byte));
        ebpf_byte = ((char*)(&headers->dns.additionals))[1];
        write_byte(pkt, BYTES(ebpf_packetOffsetInBits) + 1, (ebpf_byte));
        ebpf_packetOffsetInBits += 16;

    }
;
    if (ostd.multicast_group != 0) {
        do_packet_clones(skb, &multicast_grp_tbl, ostd.multicast_group, NORMAL_MULTICAST, 2);
        return TC_ACT_SHOT;
    }
    skb->priority = ostd.class_of_service;
    if (!ostd.drop && ostd.egress_port == 0) {
        compiler_meta__->pass_to_kernel = true;
        return bpf_redirect(skb->ifindex, BPF_F_INGRESS);
    }
    return bpf_redirect(ostd.egress_port, 0);
}

char _license[] SEC("license") = "GPL";
