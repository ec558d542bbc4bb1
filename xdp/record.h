/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What the program and user space share: records in the ring buffers, settings, counters, keys.
 *
 * This is plain C, included by the program (clang -target bpf) and by the addon (C++). Every field
 * is naturally aligned, there is no padding, and the byte order is the host's: both sides run on
 * one machine.
 *
 * The kernel does not know these layouts. Whoever changes one must also give its map another name
 * (maps.h), so that a new version of ctga cannot misread a map that an old version left pinned.
 */
#ifndef CTGA_RECORD_H
#define CTGA_RECORD_H

#include <linux/types.h>

#include "hash.h"

/* What user space sets before it loads the program; the verifier removes what that rules out. */
struct constants {
	/* Frames begin with an Ethernet header. At TC they may begin with IP. */
	__u8 has_ethernet;
	/* Datagrams that were merged into one packet are told apart at TC (merged.h). */
	__u8 parts_merged;
};

enum record_kind {
	RECORD_ANSWER = 1,   /* an unfragmented answer to a known name */
	RECORD_FRAGMENT = 2, /* an IP fragment up to the threshold */
};

/*
 * Where an answer's name and RDATA lie in the frame, as offsets and lengths in bytes, and the tag
 * by which its repeats are recognised. All fields are zero for fragments and for answers without a
 * tag (records.h): such answers are never taken for repeats.
 */
struct answer_place {
	__u64 tag;         /* of the name in lower case and of the RDATA */
	__u16 name_offset; /* of the question's name, in wire format */
	__u16 name_length;
	__u16 rdata_offset; /* of the TXT record's RDATA */
	__u16 rdata_length;
};

/*
 * A record is this header and then captured_length bytes of the frame. The bytes behind those, up
 * to the end of the record's class (RECORD_CAPACITY_*), are unspecified.
 */
struct record_header {
	__u64 timestamp_ns; /* CLOCK_MONOTONIC_COARSE at the copy: cheap, and exact to a jiffy */
	struct answer_place answer;
	__u64 entry;           /* the entry that begins in the cache of seen answers; 0: none */
	__u32 ended_repeats;   /* repeats of the entry that it replaces in its slot */
	__u32 interface_index; /* where the packet came in */
	__u32 frame_length;    /* bytes on the wire, without FCS */
	__u16 captured_length; /* bytes that follow; at most frame_length */
	__u8 kind;             /* enum record_kind */
	__u8 reserved;
};

/*
 * An entry in the cache of seen answers. CPU, slot and the slot's generation identify it for as
 * long as the map exists.
 */
#define SEEN_SLOT_BITS 10
#define SEEN_SLOTS (1 << SEEN_SLOT_BITS)
#define SEEN_SLOT(tag) ((tag) >> (64 - SEEN_SLOT_BITS))
#define SEEN_ENTRY(cpu, slot, generation) \
	((__u64)(cpu) << 48 | (__u64)(slot) << 32 | (__u32)(generation))

/*
 * One answer that was copied not long ago. `entry` is one word, so that user space never reads a
 * generation with the repeats of another.
 */
struct seen_answer {
	__u64 tag;
	__u64 entry;   /* generation of the slot << 32 | repeats */
	__u64 expires; /* in jiffies: from then on the answer is copied again */
};

/* The cache of one CPU. It is smaller than 32 KiB, the most that a per-CPU value may have. */
struct seen_answers {
	struct seen_answer slots[SEEN_SLOTS];
};

/*
 * bpf_ringbuf_reserve takes constant sizes only, so a record has one of three: for the smallest
 * fragments, for answers with a usual tree head, and for every other frame.
 */
#define RING_HEADER_SIZE 8
#define RECORD_HEADER_SIZE 48
#define RECORD_CAPACITY_SMALL (192 - RING_HEADER_SIZE - RECORD_HEADER_SIZE)
#define RECORD_CAPACITY_MEDIUM (512 - RING_HEADER_SIZE - RECORD_HEADER_SIZE)
#define RECORD_CAPACITY 2048

/* User space may change these while the program runs. */
struct settings {
	__u32 fragment_threshold; /* largest IP length of a fragment that is copied, in bytes */
	__u32 every_nth;          /* copy one match of so many; 0 counts as 1 */
	__u32 wakeup_bytes;       /* wake the reader per so many bytes: a power of two; 0: always */
	__u32 ticks_per_second;   /* of bpf_jiffies64: only user space can know */
	__u32 seen_ticks;         /* how long a copied answer counts as seen; 0: no cache */
	__u32 answers_per_second; /* most copies a second on each CPU; 0: no limit */
	__u32 fragments_per_second;
	/* User space alone writes and reads these: the share of late matches copied, of 65535. */
	__u16 answers_share;
	__u16 fragments_share;
};

/* Each match is counted in exactly one of these, so their sum is the number of matches. */
struct copy_counters {
	__u64 copied;
	__u64 sampled_out; /* not the n-th match, or not the n-th datagram */
	__u64 over_budget; /* more than settings allow in a second */
	__u64 seen;        /* the same answer was copied not long ago */
	__u64 ring_full;   /* the reader is too slow or gone */
};

/*
 * The counters of one CPU. Every packet is counted once, in one of these or in one of the
 * copy_counters. There is no counter of all packets: read apart from the others, it could
 * contradict their sum.
 */
struct counters {
	__u64 not_ip;        /* no IPv4 or IPv6 behind at most three VLAN tags and PPPoE */
	__u64 more_tags;     /* more VLAN tags than that */
	__u64 mpls;          /* MPLS there in place of IP */
	__u64 not_udp[256];  /* IP, but neither UDP nor a fragment of UDP; by its protocol */
	__u64 other_port[2]; /* UDP from a port that is not listed; [1]: to one of a tunnel */
	__u64 malformed;     /* cut off, contradictory lengths, or no plain name */
	__u64 not_tree_head; /* from a listed port, but no answer to IN TXT sth.* or checkpoint.* */
	__u64 unknown_name;  /* an answer to such a question, but no name that we look for */
	__u64 answers_too_large;   /* to a known name, in a frame above RECORD_CAPACITY bytes */
	__u64 fragments_too_large; /* above the threshold, or in a frame above RECORD_CAPACITY */
	struct copy_counters answers;
	struct copy_counters fragments;
};

/* A DNS name on the wire is at most 255 bytes with its root label (RFC 1035, Section 2.3.4). */
#define MAX_NAME_LENGTH 255
#define MAX_NAME_WORDS 32
#define MAX_LABELS 40 /* without the root */
#define MAX_KNOWN_NAMES 4096

/*
 * RDATA is hashed in blocks of so many words of 64 bits. Shorter or larger RDATA is not hashed: that
 * of a tree head with an RSA-4096 signature has some 850 bytes.
 */
#define RDATA_BLOCK 8
#define SHORTEST_HASHED_RDATA 8
#define MAX_HASHED_RDATA 1024
#define MAX_RDATA_BLOCKS (MAX_HASHED_RDATA / 8 / RDATA_BLOCK)

/* The secret keys of hash.h. */
struct keys {
	__u64 name[MAX_NAME_WORDS];
	struct key_pair rdata[MAX_HASHED_RDATA / 8];
	struct key_pair rdata_end[RDATA_BLOCK];
	struct key_pair what;
	__u64 tag[2];
	__u64 datagram[2];
};

/* Where a name with this sum stands among the known ones. */
struct name_place {
	__u64 sum; /* hash.h */
	/*
	 * The name's length in bytes << 16 | its number, below `count`. While the names stay, so do
	 * their numbers.
	 */
	__u64 found;
};

/* Eight bytes of a known name: (word | mask) == text if a word has the same ones, in any case. */
struct name_word {
	__u64 mask;
	__u64 text;
};

struct name_text {
	struct name_word words[MAX_NAME_WORDS];
};

/*
 * The known names, and by their sums the way to them: a table of 2^n buckets, each as large as a
 * cache line. User space draws other keys until no bucket overflows and no two names have one sum.
 * Empty places are zero.
 */
#define NAMES_PER_BUCKET 4
#define MAX_NAME_BUCKETS (2 * MAX_KNOWN_NAMES)

struct known_names {
	__u32 count;
	__u32 bucket_mask; /* the number of buckets, less one */
	__u64 blocks;      /* the words of the longest name, in fours */
	struct name_place buckets[MAX_NAME_BUCKETS][NAMES_PER_BUCKET];
	struct name_text texts[MAX_KNOWN_NAMES];
};

/*
 * Keys, and the names by their sums under these keys. There are two of these: user space writes the
 * one that is not in force, and then puts it in force, so no packet meets keys of one and names of
 * the other.
 */
#define GENERATIONS 2

struct generation {
	struct keys keys;
	struct known_names names;
};

/* Which of the generations is in force: `drawn` % GENERATIONS. */
struct in_force {
	__u64 drawn; /* how often keys were drawn; 0: never */
};

/* One bit for each UDP source port: bit port % 64 of word port / 64. */
struct ports {
	__u64 words[65536 / 64];
};

#endif
