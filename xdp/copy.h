/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What becomes of a match: it was seen before, is sampled out, is over budget, or is copied into
 * its ring buffer.
 *
 * Every match adds to exactly one counter. The program counts a full ring and never waits for it: a
 * packet that was not copied is a fact about our coverage, and the packet itself goes on all the
 * same.
 */
#ifndef CTGA_COPY_H
#define CTGA_COPY_H

#include "headers.h"
#include "source.h"

/*
 * Whether the record wakes the reader. A wake-up is an interrupt to this very CPU and costs many
 * times the copy. So a record wakes the reader only if what waits in the ring passes a multiple of
 * wakeup_bytes: a reader that lags must not slow the packets down. Any multiple will do, because
 * two CPUs that reserve at the same time may both miss one. The reader's timer fetches what stays
 * below the first.
 */
static __always_inline __u64 wakeup_flags(void *ring, const struct settings *settings,
					  __u64 record_size)
{
	__u64 waiting = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);
	/* The reader may have fetched the record already. */
	__u64 before = waiting > record_size ? waiting - record_size : 0;

	/*
	 * If a multiple of wakeup_bytes lies between the two, they differ in its bit or in a higher
	 * one.
	 */
	return (waiting ^ before) >= settings->wakeup_bytes ? BPF_RB_FORCE_WAKEUP :
							      BPF_RB_NO_WAKEUP;
}

#define ONE_COPY 4096U /* in a bucket */

/*
 * A CPU's budget, and how much of it each name, or the senders that share a bucket, may use in any
 * case. What is not used of the shares is there for everybody. So who floods one name uses up what
 * others leave, and never their shares.
 *
 * The shares add up to the budget where there are no more than MOST_SHARES. Of more names and
 * senders few are busy at once; and if more are, chance decides of what they have in common.
 *
 * A copy beyond its share must find room in the common bucket. A copy within its share is paid for
 * by both, and for that the common bucket lends up to twice its size. Where less is left than half
 * of a bucket, or half of the loan, chance decides in proportion to it: so of a flood and of what is
 * genuine an equal part is copied, however the flood is timed.
 */
struct limit {
	__u32 per_second;
	__u32 ticks_per_second;
	__u32 shares;
	__u32 smallest_share; /* how many copies a share's bucket holds at least */
};

/* More than a CPU can make. It keeps the sums below 32 bits. */
#define MOST_PER_SECOND (1U << 20)
#define SMALLEST_BUDGET 64U
#define MOST_SHARES 256

static __always_inline struct limit limit_of(const struct settings *settings, __u32 per_second,
					     __u32 shares, __u32 smallest_share)
{
	return (struct limit){
		.per_second = per_second < MOST_PER_SECOND ? per_second : MOST_PER_SECOND,
		.ticks_per_second = settings->ticks_per_second ? settings->ticks_per_second : 1,
		.shares = shares < MOST_SHARES ? shares : MOST_SHARES,
		.smallest_share = smallest_share,
	};
}

/* A bucket holds the copies of a quarter of a second. */
static __always_inline __u32 bucket_size(const struct limit *limit, __u32 shares, __u32 smallest)
{
	__u32 copies = limit->per_second / 4 / shares;

	return (copies > smallest ? copies : smallest) * ONE_COPY;
}

/*
 * What a bucket still holds. Time pays back what was used of it; time is in jiffies, which cost
 * nothing to read. Too little time to pay for the bits that are rounded off is left for later. More
 * than `size` is used only if the limit was higher then.
 */
static __always_inline __u32 left_in(struct bucket *bucket, const struct limit *limit, __u32 shares,
				     __u32 size, __u32 now)
{
	__u64 elapsed = (__u32)(now - bucket->tick);
	__u64 paid;

	if (bucket->used > size)
		bucket->used = size;
	if (elapsed) {
		paid = elapsed * limit->per_second * ONE_COPY /
		       ((__u64)limit->ticks_per_second * shares);
		if (paid >= bucket->used) {
			bucket->used = 0;
			bucket->tick = now;
		} else if (paid >= ONE_COPY / 64) {
			bucket->used -= paid;
			bucket->tick = now;
		}
	}
	return size - bucket->used;
}

/* `luck` is as good as chance. */
static __always_inline bool is_lucky(__u32 left, __u32 size, __u32 luck)
{
	return left >= ONE_COPY && luck % 4096 * (size / 2 / ONE_COPY) < left;
}

/*
 * The verifier walks once through a function that is global. A call costs some 10 ns where returns
 * are guarded against speculation, so this is for the object that needs it.
 */
#ifdef CTGA_WITHOUT_PERFMON
#define VERIFIED_ONCE __noinline
#else
#define VERIFIED_ONCE static __always_inline
#endif

/* Out of which buckets a copy is paid. */
enum payment {
	PAID_BY_NONE, /* the copy is over budget */
	PAID_BY_COMMON,
	PAID_BY_BOTH,
};

/*
 * What the budget says of a copy. `luck` decides of the share in its lower half, and of the common
 * bucket in its upper half.
 */
VERIFIED_ONCE __u32 payment_of(struct bucket *common, struct bucket *share,
			       const struct limit *limit, __u64 luck)
{
	__u32 now = bpf_jiffies64();
	__u32 shares, size, share_size, left, share_left, loan;

	if (!common || !share || !limit)
		return PAID_BY_NONE;
	shares = limit->shares ? limit->shares : 1;
	size = bucket_size(limit, 1, SMALLEST_BUDGET);
	share_size = bucket_size(limit, shares, limit->smallest_share);
	left = left_in(common, limit, 1, 3 * size, now);
	share_left = left_in(share, limit, shares, share_size, now);
	loan = left < 2 * size ? left : 2 * size;
	if (is_lucky(share_left, share_size, luck) && is_lucky(loan, 2 * size, luck >> 32))
		return PAID_BY_BOTH;
	return is_lucky(left - loan, size, luck >> 32) ? PAID_BY_COMMON : PAID_BY_NONE;
}

static __always_inline void pay(enum payment payment, struct bucket *common, struct bucket *share)
{
	if (payment == PAID_BY_NONE)
		return;
	common->used += ONE_COPY;
	if (payment == PAID_BY_BOTH)
		share->used += ONE_COPY;
}

/* So many bytes are copied after one look at the frame's end. */
#define COPY_BLOCK 64

/*
 * Copies the beginning of a frame's linear part. memcpy behind bpf_xdp_load_bytes takes up to four
 * times as long for some lengths, and kernels before 5.18 do not have that. The last word is the
 * eight bytes before the end, which may overlap the word before.
 */
static __always_inline bool copy_words(void *ctx, enum hook hook, __u8 *to, __u32 length,
				       const __u32 capacity)
{
	const struct bytes bytes = bytes_of_frame(ctx, hook);
	const __u64 *words;
	__u64 last = length;
	__u32 at = 0;

	/*
	 * A length below 8 wraps around and is refused. 64 bits, so that the verifier sees the
	 * bound in the register that is added.
	 */
	last -= 8;
	barrier_var(last);
	if (last > capacity - 8)
		return false;
	barrier_var(last);
	words = bytes_at(&bytes, last, 8);
	if (!words)
		return false;
	*(__u64 *)(to + last) = *words;
	for (; at + COPY_BLOCK <= capacity && at + COPY_BLOCK <= length; at += COPY_BLOCK) {
		words = bytes_at(&bytes, at, COPY_BLOCK);
		if (!words)
			return false;
#pragma unroll
		for (int i = 0; i < COPY_BLOCK / 8; i++)
			((__u64 *)(to + at))[i] = words[i];
	}
	for (; at + 8 <= capacity && at + 8 <= length; at += 8) {
		words = bytes_at(&bytes, at, 8);
		if (!words)
			return false;
		*(__u64 *)(to + at) = *words;
	}
	return true;
}

enum copy_result {
	COPY_DONE,
	COPY_NO_ROOM,
	COPY_UNREADABLE,
};

/*
 * The cost of a match must not tell whether it was copied. So what is not copied, for whatever
 * reason, is written to a scratch area just as a copy is to the ring.
 *
 * The ring itself is left alone then: a record that is discarded takes room until the reader comes,
 * and the ring's lock is shared by all CPUs. Atomic additions to the CPU's own memory stand in for
 * the lock, and for the exchange that publishes a record.
 */
static __always_inline void stand_in(struct scratch *scratch)
{
	__sync_fetch_and_add(&scratch->stand_in, 1);
}

/* What is to be copied. In five words, the most that a function takes which is not inlined. */
struct match {
	void *ctx;
	const struct answer_place *answer;
	__u64 entry;         /* the entry that begins in the cache of seen answers; 0: none */
	__u32 ended_repeats; /* of the entry that it replaces */
	__u16 length; /* up to the end of the IP packet: what follows is padding, or a trick */
	__u8 kind;
	bool wanted; /* in the ring, and not only in the scratch area */
};

/* `capacity` is a constant: how many bytes of the frame the record's class holds. */
static __always_inline enum copy_result copy_into_class(const struct match *match, enum hook hook,
							void *ring, const __u32 capacity)
{
	const __u64 record_size = sizeof(struct record_header) + capacity;
	const struct settings *settings = only_value(&limits);
	struct scratch *scratch = only_value(&scratches);
	struct record_header *record = NULL;
	struct record_header *to;
	__u64 flags, reserved = 0;
	bool read;

	if (!scratch || !settings)
		return COPY_NO_ROOM;
	if (match->wanted) {
		record = bpf_ringbuf_reserve(ring, record_size, 0);
	} else {
		stand_in(scratch);
		stand_in(scratch);
	}
	to = &scratch->header;
	if (record) {
		to = record;
		reserved = 1;
	}
	/* The verifier of Linux 6.1 forgets that the record is there: it must not be asked again. */
	barrier_var(reserved);
	*to = (struct record_header){
		.timestamp_ns = bpf_ktime_get_coarse_ns(),
		.answer = *match->answer,
		.entry = match->entry,
		.ended_repeats = match->ended_repeats,
		.interface_index = interface_of(match->ctx, hook),
		.frame_length = frame_length(match->ctx, hook),
		.captured_length = match->length,
		.kind = match->kind,
	};
	if (is_linear(match->ctx, hook, match->length))
		read = copy_words(match->ctx, hook, (__u8 *)(to + 1), match->length, capacity);
	else
		read = load_frame(match->ctx, hook, to + 1, match->length, capacity);
	flags = wakeup_flags(ring, settings, RING_HEADER_SIZE + record_size);
	if (!reserved) {
		stand_in(scratch);
		return read ? COPY_NO_ROOM : COPY_UNREADABLE;
	}
	if (!read) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return COPY_UNREADABLE;
	}
	bpf_ringbuf_submit(record, flags);
	return COPY_DONE;
}

/* `what`: length, kind << 16 and wanted << 24. */
static __always_inline enum copy_result copy_match(void *ctx, enum hook hook,
						   const struct answer_place *answer, __u64 entry,
						   __u32 ended_repeats, __u32 what)
{
	const struct match match = {
		.ctx = ctx,
		.answer = answer,
		.entry = entry,
		.ended_repeats = ended_repeats,
		.length = what,
		.kind = what >> 16,
		.wanted = what >> 24,
	};
	void *ring = match.kind == RECORD_ANSWER ? (void *)&answer_ring : (void *)&fragment_ring;

	if (!answer)
		return COPY_UNREADABLE;
	if (match.length <= RECORD_CAPACITY_SMALL)
		return copy_into_class(&match, hook, ring, RECORD_CAPACITY_SMALL);
	if (match.length <= RECORD_CAPACITY_MEDIUM)
		return copy_into_class(&match, hook, ring, RECORD_CAPACITY_MEDIUM);
	return copy_into_class(&match, hook, ring, RECORD_CAPACITY);
}

/* What is not inlined is verified once, for one type of context. */
__noinline __u32 copy_at_xdp(struct xdp_md *ctx, const struct answer_place *answer, __u64 entry,
			     __u32 ended_repeats, __u32 what)
{
	return copy_match(ctx, HOOK_XDP, answer, entry, ended_repeats, what);
}

__noinline __u32 copy_at_tc(struct __sk_buff *ctx, const struct answer_place *answer, __u64 entry,
			    __u32 ended_repeats, __u32 what)
{
	return copy_match(ctx, HOOK_TC, answer, entry, ended_repeats, what);
}

__noinline __u32 copy_segment(struct __sk_buff *ctx, const struct answer_place *answer, __u64 entry,
			      __u32 ended_repeats, __u32 what)
{
	if (!constants.parts_merged)
		return COPY_UNREADABLE;
	return copy_match(ctx, HOOK_SEGMENT, answer, entry, ended_repeats, what);
}

/* What the budget and the sample say of a match. */
enum decision {
	WANTED,
	SAMPLED_OUT,
	OVER_BUDGET,
};

/* Copies a match if that was decided, and counts it. Returns whether it is in the ring. */
static __always_inline bool carry_out(enum decision decision, struct match *match, enum hook hook,
				      struct copy_counters *outcomes, struct counters *counters)
{
	__u32 what = match->length | match->kind << 16 | (decision == WANTED) << 24;
	enum copy_result result;

	if (hook == HOOK_XDP)
		result = copy_at_xdp(match->ctx, match->answer, match->entry, match->ended_repeats,
				     what);
	else if (hook == HOOK_SEGMENT)
		result = copy_segment(match->ctx, match->answer, match->entry, match->ended_repeats,
				      what);
	else
		result = copy_at_tc(match->ctx, match->answer, match->entry, match->ended_repeats,
				    what);
	if (result == COPY_UNREADABLE) /* the kernel cannot read bytes that it said are there */
		COUNT(counters->malformed);
	else if (decision == SAMPLED_OUT)
		COUNT(outcomes->sampled_out);
	else if (decision == OVER_BUDGET)
		COUNT(outcomes->over_budget);
	else if (result == COPY_NO_ROOM)
		COUNT(outcomes->ring_full);
	else
		COUNT(outcomes->copied);
	return result == COPY_DONE;
}

/* The slot in this CPU's cache that an answer with this tag takes. */
static __always_inline struct seen_answer *slot_of(__u64 tag)
{
	struct seen_answers *cache = only_value(&seen);

	return cache ? &cache->slots[SEEN_SLOT(tag)] : NULL;
}

/* The bursts that a name and a sender have in any case: one datagram of eight fragments for sure. */
#define SMALLEST_NAME_SHARE 8
#define SMALLEST_SENDER_SHARE 16

/*
 * Samples, limits and copies an answer to a known name that this CPU has not copied
 * lately. `slot` is NULL if the answer has no tag, or there is no cache.
 */
static __always_inline void handle_new_answer(void *ctx, enum hook hook, __u32 length,
					      const struct answer *answer, struct seen_answer *slot,
					      const struct settings *settings, __u64 now,
					      struct counters *counters)
{
	struct match match = {
		.ctx = ctx,
		.answer = &answer->place,
		.length = length,
		.kind = RECORD_ANSWER,
	};
	struct limit limit = limit_of(settings, settings->answers_per_second, answer->names,
				      SMALLEST_NAME_SHARE);
	struct bucket *share = bpf_map_lookup_elem(&name_budgets, &answer->name);
	struct cpu_state *state = only_value(&states);
	enum payment payment = PAID_BY_NONE;
	enum decision decision = WANTED;

	if (!state || !share)
		return;
	if (limit.per_second) {
		payment = payment_of(&state->answers, share, &limit,
				     (__u64)bpf_get_prandom_u32() << 32);
		if (payment == PAID_BY_NONE)
			decision = OVER_BUDGET;
	}
	if (settings->every_nth > 1 && state->answers_counted++ % settings->every_nth != 0)
		decision = SAMPLED_OUT;
	if (slot) {
		match.ended_repeats = slot->entry;
		match.entry = SEEN_ENTRY(bpf_get_smp_processor_id(), SEEN_SLOT(answer->place.tag),
					 (slot->entry >> 32) + 1);
	}
	if (!carry_out(decision, &match, hook, &counters->answers, counters))
		return;
	pay(payment, &state->answers, share);
	if (slot) {
		slot->entry = match.entry << 32; /* the generation, with no repeats yet */
		slot->tag = answer->place.tag;
		slot->expires = now + settings->seen_ticks;
	}
}

/*
 * An answer to a known name. One that was copied not long ago is only counted in its slot, and user
 * space adds that count to the sightings in the store. An answer takes its slot only when its copy
 * is in the ring: one that found no room there is copied the next time that it comes by.
 */
static __always_inline void handle_answer(void *ctx, enum hook hook, __u32 length,
					  const struct answer *answer, struct counters *counters)
{
	const struct settings *settings = only_value(&limits);
	struct seen_answer *slot = NULL;
	__u64 tag = answer->place.tag;
	__u64 now = bpf_jiffies64();

	if (!settings)
		return;
	if (tag && settings->seen_ticks) {
		slot = slot_of(tag);
		if (slot && slot->tag == tag && now < slot->expires) {
			slot->entry++;
			COUNT(counters->answers.seen);
			return;
		}
	}
	handle_new_answer(ctx, hook, length, answer, slot, settings, now, counters);
}

/*
 * A fragment up to the threshold. All fragments of a datagram share one fate, since a part of a
 * datagram is worth nothing: a keyed hash of what they have in common decides, and not a count of
 * packets. The same hash decides when a bucket runs low: while it is less than half full, fewer
 * datagrams are copied the emptier it is, and those that are copied stay whole.
 */
static __always_inline void handle_fragment(void *ctx, enum hook hook,
					    const struct ip_packet *packet,
					    const struct settings *settings,
					    struct counters *counters)
{
	const struct answer_place none = {};
	struct match match = {
		.ctx = ctx,
		.answer = &none,
		.length = packet->end,
		.kind = RECORD_FRAGMENT,
	};
	struct limit limit = limit_of(settings, settings->fragments_per_second, SOURCE_BUCKETS,
				      SMALLEST_SENDER_SHARE);
	__u32 sender = packet->source % SOURCE_BUCKETS;
	struct bucket *share = bpf_map_lookup_elem(&source_budgets, &sender);
	struct cpu_state *state = only_value(&states);
	enum payment payment = PAID_BY_NONE;
	enum decision decision = WANTED;

	if (!state || !share)
		return;
	if (limit.per_second) {
		/* The same luck in both halves, so that all of a datagram is paid for alike. */
		payment = payment_of(&state->fragments, share, &limit,
				     packet->fate << 32 | (__u32)packet->fate);
		if (payment == PAID_BY_NONE)
			decision = OVER_BUDGET;
	}
	if (settings->every_nth > 1 && (packet->fate >> 32) * settings->every_nth >> 32 != 0)
		decision = SAMPLED_OUT;
	if (carry_out(decision, &match, hook, &counters->fragments, counters))
		pay(payment, &state->fragments, share);
}

#endif
