/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The answer section of a DNS message (RFC 1035, Section 4.1.3): which of its records the tag
 * covers.
 *
 * User space takes the text of every TXT record, whatever its owner, its class and the records
 * around it, because some client does. So an answer has a tag if it has few records, all of them
 * whole, and exactly one is a TXT record: then its RDATA is all that user space would look at. The
 * signed answer of a zone is such a one, TXT and RRSIG, and so is a TXT record at the end of a CNAME
 * chain. Everything else has no tag, is never taken for a repeat, and is copied each time.
 */
#ifndef CTGA_RECORDS_H
#define CTGA_RECORDS_H

#include <bpf/bpf_endian.h>

#include "source.h"

#define DNS_TYPE_TXT 16

/* What follows the owner of a resource record. */
struct record_fixed {
	__be16 type;
	__be16 class;
	__be32 ttl;
	__be16 rdata_length;
} __attribute__((packed));

struct pointed_record {
	__u8 owner[2]; /* a compression pointer */
	struct record_fixed record;
} __attribute__((packed));

/* The shortest of all records: an owner of one byte and an empty RDATA. */
#define SHORTEST_RECORD (1 + sizeof(struct record_fixed))

#define MAX_LABEL_LENGTH 63
/* The first byte of a compression pointer (RFC 1035, Section 4.1.4) has both of these bits. */
#define POINTER 0xc0

/*
 * Where the name at `at` ends, wherever a pointer in it leads; 0 if it does not hold together.
 *
 * This and record_at are functions of their own, for each source of bytes, for the reason that
 * answer.h gives.
 */
static __always_inline __u32 end_of_name(const struct bytes *bytes, __u32 at)
{
#pragma unroll
	for (int label = 0; label <= MAX_LABELS; label++) {
		const __u8 *length = bytes_at(bytes, at, 1);

		if (!length)
			return 0;
		if (*length == 0)
			return at + 1;
		if (*length > MAX_LABEL_LENGTH)
			return *length >= POINTER ? at + 2 : 0;
		at += 1 + *length;
	}
	return 0;
}

__noinline __u32 end_of_name_at_xdp(struct xdp_md *ctx, __u32 at)
{
	const struct bytes bytes = bytes_of_frame(ctx, HOOK_XDP);

	return end_of_name(&bytes, at & LARGEST_OFFSET);
}

__noinline __u32 end_of_name_at_tc(struct __sk_buff *ctx, __u32 at)
{
	const struct bytes bytes = bytes_of_frame(ctx, HOOK_TC);

	return end_of_name(&bytes, at & LARGEST_OFFSET);
}

__noinline __u32 end_of_name_in_window(__u32 at)
{
	const struct window *copy = only_value(&window);
	struct bytes bytes;

	if (!copy)
		return 0;
	bytes = bytes_of_window(copy);
	return end_of_name(&bytes, at & LARGEST_OFFSET);
}

#define IS_TEXT (1ULL << 48)

/*
 * The record at `at`: the offset of its RDATA in the frame << 16 | the length of its RDATA, and
 * IS_TEXT if it is a TXT record. 0 if it does not hold together, or goes on behind `end`.
 */
static __always_inline __u64 record_at(const struct bytes *bytes, void *ctx, enum hook hook,
				       __u32 at, __u32 end)
{
	const __u8 *owner = bytes_at(bytes, at, 1);
	const struct record_fixed *record;
	__u64 found;
	__u32 length;

	if (!owner)
		return 0;
	if (*owner >= POINTER)
		at += 2;
	else if (bytes->window)
		at = end_of_name_in_window(at);
	else if (hook == HOOK_XDP)
		at = end_of_name_at_xdp(ctx, at);
	else
		at = end_of_name_at_tc(ctx, at);
	record = at ? bytes_at(bytes, at, sizeof(*record)) : NULL;
	if (!record)
		return 0;
	at += sizeof(*record);
	length = bpf_ntohs(record->rdata_length);
	found = (__u64)at << 16 | length;
	if (record->type == bpf_htons(DNS_TYPE_TXT))
		found |= IS_TEXT;
	return at + length > end ? 0 : found;
}

__noinline __u64 record_at_xdp(struct xdp_md *ctx, __u32 at, __u32 end)
{
	const struct bytes bytes = bytes_of_frame(ctx, HOOK_XDP);

	return record_at(&bytes, ctx, HOOK_XDP, at & LARGEST_OFFSET, end);
}

__noinline __u64 record_at_tc(struct __sk_buff *ctx, __u32 at, __u32 end)
{
	const struct bytes bytes = bytes_of_frame(ctx, HOOK_TC);

	return record_at(&bytes, ctx, HOOK_TC, at & LARGEST_OFFSET, end);
}

__noinline __u64 record_in_window(__u32 at, __u32 end)
{
	const struct window *copy = only_value(&window);
	struct bytes bytes;

	if (!copy)
		return 0;
	bytes = bytes_of_window(copy);
	return record_at(&bytes, NULL, HOOK_XDP, at & LARGEST_OFFSET, end);
}

/* The records so far: where the next one begins, and the TXT record if there was one. */
struct walk {
	__u32 at;
	__u64 text;
};

/* Takes the next record. Returns false if it does not hold together, or is a second TXT record. */
static __always_inline bool take_record(const struct bytes *bytes, void *ctx, enum hook hook,
					__u32 end, struct walk *walk)
{
	__u64 record;

	if (bytes->window)
		record = record_in_window(walk->at, end);
	else if (hook == HOOK_XDP)
		record = record_at_xdp(ctx, walk->at, end);
	else
		record = record_at_tc(ctx, walk->at, end);
	if (!record || record & walk->text & IS_TEXT)
		return false;
	if (record & IS_TEXT)
		walk->text = record;
	walk->at = (__u32)(record >> 16) + (record & 0xffff);
	return true;
}

/*
 * The only TXT record among the `count` records from `at` to `end`, as record_at has it. 0 if there
 * are more than four, if one does not hold together, or if not exactly one is a TXT record.
 *
 * There is no loop: without CAP_PERFMON, the verifier also follows the turns that a CPU may
 * speculate on, and of those there is no end.
 */
static __always_inline __u64 only_text(const struct bytes *bytes, void *ctx, enum hook hook,
				       __u32 at, __u32 end, __u32 count)
{
	const struct pointed_record *first;
	struct walk walk = { .at = at };
	__u32 length;

	/* What most answers are: one record, whose owner is a pointer. */
	first = bytes_at(bytes, at, sizeof(*first));
	if (count == 1 && first && first->owner[0] >= POINTER &&
	    first->record.type == bpf_htons(DNS_TYPE_TXT)) {
		at += sizeof(*first);
		length = bpf_ntohs(first->record.rdata_length);
		return at + length > end ? 0 : IS_TEXT | (__u64)at << 16 | length;
	}
	if (count < 1 || count > 4 || !take_record(bytes, ctx, hook, end, &walk) ||
	    (count > 1 && !take_record(bytes, ctx, hook, end, &walk)) ||
	    (count > 2 && !take_record(bytes, ctx, hook, end, &walk)) ||
	    (count > 3 && !take_record(bytes, ctx, hook, end, &walk)))
		return 0;
	return walk.text;
}

#endif
