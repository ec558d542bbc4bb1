/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the XDP program and user space share: records in the ring buffer, settings and counters.
 *
 * Plain C, included by the program (clang -target bpf) and by the addon (C++). Everything is naturally
 * aligned without padding and in host byte order: both sides run on one machine.
 */
#ifndef CTGA_RECORD_H
#define CTGA_RECORD_H

#include <linux/types.h>

enum record_kind {
	RECORD_ANSWER = 1,   /* an unfragmented answer to a known name */
	RECORD_FRAGMENT = 2, /* an IP fragment up to the threshold */
};

/*
 * A record is this header and captured_length bytes of frame; what follows in its class is unspecified.
 * The kernel knows no layout of records, so whoever changes this one gives the map `ring` another name: a
 * new version then cannot mistake what an old one left in a pinned ring.
 */
struct record_header {
	__u64 timestamp_ns;    /* CLOCK_BOOTTIME when the packet was copied */
	__u32 interface_index; /* where the packet came in */
	__u32 frame_length;    /* bytes on the wire, without FCS */
	__u16 captured_length; /* bytes that follow; at most frame_length */
	__u8 kind;             /* enum record_kind */
	__u8 reserved[5];
};

/*
 * bpf_ringbuf_reserve wants a constant size, so there are two classes: a tree head or a small fragment
 * takes 512 bytes of ring with the ring's own header, and no frame we keep is larger than 2048.
 */
#define RING_HEADER_SIZE 8
#define RECORD_CAPACITY_SMALL (512 - RING_HEADER_SIZE - 24)
#define RECORD_CAPACITY 2048

/* May change while the program runs; each field is read once a packet. */
struct settings {
	__u32 fragment_threshold; /* largest IP length of a fragment that is copied, in bytes */
	__u32 every_nth;          /* copy one match of so many, per CPU and kind; 0 counts as 1 */
	__u32 wakeup_bytes;       /* wake the reader each time so much more waits in the ring; 0: each record */
	__u32 reserved;
};

/* matched = copied + sampled_out + ring_full + oversize + copy_failed, always. */
struct copy_counters {
	__u64 matched;
	__u64 copied;
	__u64 sampled_out; /* not the n-th match */
	__u64 ring_full;   /* no space in the ring buffer: the reader is too slow or gone */
	__u64 oversize;    /* more than RECORD_CAPACITY bytes */
	__u64 copy_failed; /* bpf_xdp_load_bytes refused */
};

/* Per CPU. packets = the six verdicts below + answers.matched + fragments.matched, always. */
struct counters {
	__u64 packets;
	__u64 not_ip;              /* neither IPv4 nor IPv6 below at most one VLAN tag */
	__u64 not_udp53;           /* IP, but not UDP from port 53 */
	__u64 malformed;           /* truncated, or lengths that contradict each other */
	__u64 not_dns_answer;      /* from port 53, but not one answer to one IN TXT question */
	__u64 unknown_name;        /* such an answer, to a name that is not looked for */
	__u64 fragments_too_large; /* fragments above the threshold */
	struct copy_counters answers;
	struct copy_counters fragments;
};

/* A DNS name on the wire is at most 255 bytes with its root label (RFC 1035, Section 2.3.4). */
#define MAX_NAME_LENGTH 255
#define MAX_KNOWN_NAMES 4096

/* Key of the map of known names: wire format, lower case, zeros behind the root's zero byte. */
struct known_name {
	union {
		__u8 bytes[MAX_NAME_LENGTH + 1];
		__u64 words[(MAX_NAME_LENGTH + 1) / 8];
	};
};

#endif
