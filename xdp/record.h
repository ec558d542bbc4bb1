/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the program and user space share: records in the ring buffers, settings, counters, keys.
 *
 * Plain C, included by the program (clang -target bpf) and by the addon (C++). Everything is naturally
 * aligned without padding and in host byte order: both sides run on one machine.
 *
 * The kernel knows no layout, so whoever changes one here gives its map another name (maps.h): a new version
 * then cannot mistake what an old one left pinned.
 */
#ifndef CTGA_RECORD_H
#define CTGA_RECORD_H

#include <linux/types.h>

enum record_kind {
	RECORD_ANSWER = 1,   /* an unfragmented answer to a known name */
	RECORD_FRAGMENT = 2, /* an IP fragment up to the threshold */
};

/*
 * Where an answer's texts lie in the frame, and how its repeats are told apart. All zero for fragments, and
 * for answers of a form that is not hashed (see answer.h): those are never taken for repeats.
 */
struct answer_place {
	__u64 tag;            /* keyed hash of the name in lower case and of the RDATA */
	__u16 name_offset;    /* the question's name, wire format */
	__u16 name_length;
	__u16 rdata_offset;   /* the TXT record's RDATA */
	__u16 rdata_length;
};

/* A record is this header and captured_length bytes of frame; what follows in its class is unspecified. */
struct record_header {
	__u64 timestamp_ns;         /* CLOCK_MONOTONIC_COARSE when the packet was copied: to a jiffy, and cheap */
	struct answer_place answer;
	__u64 entry;                 /* which entry in the cache of seen answers begins; 0: none */
	__u32 ended_repeats;        /* repeats in the entry that it ends: same CPU and slot, generation - 1 */
	__u32 interface_index;      /* where the packet came in */
	__u32 frame_length;         /* bytes on the wire, without FCS */
	__u16 captured_length;      /* bytes that follow; at most frame_length */
	__u8 kind;                  /* enum record_kind */
	__u8 reserved;
};

/* An entry in the cache of seen answers: CPU, slot and generation name it for as long as the map exists. */
#define SEEN_SLOT_BITS 10
#define SEEN_SLOTS (1 << SEEN_SLOT_BITS)
#define SEEN_ENTRY(cpu, slot, generation) ((__u64)(cpu) << 48 | (__u64)(slot) << 32 | (__u32)(generation))

/* One answer that was copied not long ago. */
struct seen_answer {
	__u64 tag;     /* before it is mixed */
	__u64 entry;    /* generation of the slot << 32 | repeats: one word, so that a reader never sees it torn */
	__u64 expires; /* in jiffies: from then on the answer is copied again */
};

/* Of one CPU. Less than 32 KiB, the most a per-CPU value may have. */
struct seen_answers {
	struct seen_answer slots[SEEN_SLOTS];
};

/*
 * bpf_ringbuf_reserve wants a constant size, so there are three classes: the smallest fragments, tree heads
 * as they are, and whatever else is kept of a frame.
 */
#define RING_HEADER_SIZE 8
#define RECORD_HEADER_SIZE 48
#define RECORD_CAPACITY_SMALL (192 - RING_HEADER_SIZE - RECORD_HEADER_SIZE)
#define RECORD_CAPACITY_MEDIUM (512 - RING_HEADER_SIZE - RECORD_HEADER_SIZE)
#define RECORD_CAPACITY 2048

/* May change while the program runs. */
struct settings {
	__u32 fragment_threshold; /* largest IP length of a fragment that is copied, in bytes */
	__u32 every_nth;          /* copy one match of so many; 0 counts as 1 */
	__u32 wakeup_bytes;       /* wake the reader each time so much more waits in a ring; a power of two, or 0: each time */
	__u32 ticks_per_second;   /* of bpf_jiffies64: only user space can know */
	__u32 seen_ticks;         /* how long a copied answer counts as seen; 0: no cache */
	__u32 answers_per_second; /* copies at most, on each CPU; 0: no limit */
	__u32 fragments_per_second;
	/* Written and read by user space alone: share of the latest matches that was copied, in 1/65536. */
	__u16 answers_share;
	__u16 fragments_share;
};

/* What becomes of a match: exactly one of these. Their sum is the number of matches. */
struct copy_counters {
	__u64 copied;
	__u64 sampled_out; /* not the n-th match, or not the n-th datagram */
	__u64 over_budget; /* more than settings allow in a second */
	__u64 seen;        /* the same answer was copied not long ago */
	__u64 ring_full;   /* the reader is too slow or gone */
};

/*
 * Per CPU. Every packet counts once, in one of these or in one of the copy_counters; there is no total, so
 * that a sum is right at any moment.
 */
struct counters {
	__u64 not_ip;              /* neither IPv4 nor IPv6 below at most two VLAN tags and PPPoE */
	__u64 not_udp;             /* IP, but neither UDP nor a fragment of it */
	__u64 other_port;          /* UDP from a port that is not listed */
	__u64 malformed;           /* truncated, or lengths that contradict each other, or no plain name */
	__u64 not_tree_head;       /* from such a port, but not one answer to a question for IN TXT sth.* */
	__u64 unknown_name;        /* such an answer, to a name that is not looked for */
	__u64 answers_too_large;   /* to a known name, in a frame of more than RECORD_CAPACITY bytes */
	__u64 fragments_too_large; /* fragments above the threshold */
	struct copy_counters answers;
	struct copy_counters fragments;
};

/* A DNS name on the wire is at most 255 bytes with its root label (RFC 1035, Section 2.3.4). */
#define MAX_NAME_LENGTH 255
#define MAX_NAME_WORDS 32
#define MAX_LABELS 40 /* without the root */
#define MAX_KNOWN_NAMES 4096

/* Larger RDATA is not hashed. A tree head with an RSA-4096 signature has some 850 bytes. */
#define MAX_HASHED_RDATA 1024
#define MAX_RDATA_WORDS (MAX_HASHED_RDATA / 8)

/*
 * Secrets of hash.h, drawn when the map is made. Whoever does not know them can neither make two answers look
 * the same nor choose which datagrams are sampled.
 */
struct keys {
	__u64 name[MAX_NAME_WORDS];
	__u64 rdata[MAX_RDATA_WORDS];
	__u64 rdata_last;
	__u64 rdata_length;
	__u64 datagram[6];
	__u64 ready; /* not 0 once drawn */
};

/* A bit for each UDP source port: word port / 64, bit port % 64. */
struct ports {
	__u64 words[65536 / 64];
};

#endif
