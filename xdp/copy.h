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

#define ONE_COPY 65536ULL /* in a bucket's tokens */

/* How many tokens a bucket holds: the copies of a quarter of a second, and at least 64 copies. */
static __always_inline __u64 bucket_size(__u32 per_second)
{
	__u64 copies = per_second / 4;

	return (copies > 64 ? copies : 64) * ONE_COPY;
}

/*
 * Fills the bucket up to `now` and returns its tokens. Time is in jiffies, which cost nothing to
 * read.
 */
static __always_inline __u64 tokens_in(struct bucket *bucket, __u32 per_second,
				       const struct settings *settings, __u64 now)
{
	__u64 hertz = settings->ticks_per_second ? settings->ticks_per_second : 1;
	__u64 elapsed = now - bucket->tick;
	__u64 size = bucket_size(per_second);

	if (elapsed) {
		if (elapsed > hertz)
			elapsed = hertz; /* one second fills any bucket, a new one too */
		bucket->tick = now;
		bucket->tokens += elapsed * per_second * ONE_COPY / hertz;
	}
	if (bucket->tokens > size)
		bucket->tokens = size;
	return bucket->tokens;
}

static __always_inline void spend(struct bucket *bucket)
{
	if (bucket->tokens >= ONE_COPY)
		bucket->tokens -= ONE_COPY;
}

/*
 * Copies the frame word by word, for kernels without bpf_xdp_load_bytes. The last word is the eight
 * bytes before the end, which may overlap the word before.
 */
static __always_inline bool copy_words(struct xdp_md *ctx, __u8 *to, __u32 length,
				       const __u32 capacity)
{
	const struct bytes bytes = bytes_of_frame(ctx, HOOK_XDP);
	const __u64 *word;
	__u64 last = length;

	/*
	 * A length below 8 wraps around and is refused. 64 bits, so that the verifier sees the
	 * bound in the register that is added.
	 */
	last -= 8;
	barrier_var(last);
	if (last > capacity - 8)
		return false;
	barrier_var(last);
	word = bytes_at(&bytes, last, 8);
	if (!word)
		return false;
	*(__u64 *)(to + last) = *word;
	for (__u32 at = 0; at < capacity; at += 8) {
		if (at + 8 >= length)
			return true;
		word = bytes_at(&bytes, at, 8);
		if (!word)
			return false;
		*(__u64 *)(to + at) = *word;
	}
	return true;
}

struct match {
	void *ctx;
	enum hook hook;
	enum record_kind kind;
	__u32 length; /* up to the end of the IP packet: what follows is padding, or a trick */
	const struct answer_place *answer;
	__u64 entry;         /* the entry that begins in the cache of seen answers; 0: none */
	__u32 ended_repeats; /* of the entry that it replaces */
};

enum copy_result {
	COPY_DONE,
	COPY_NO_ROOM,
	COPY_UNREADABLE,
};

/* `capacity` is a constant: how many bytes of the frame the record's class holds. */
static __always_inline enum copy_result copy_into_class(const struct match *match, void *ring,
							const __u32 capacity,
							const struct settings *settings)
{
	const __u64 record_size = sizeof(struct record_header) + capacity;
	struct record_header *record = bpf_ringbuf_reserve(ring, record_size, 0);
	bool read;

	if (!record)
		return COPY_NO_ROOM;
	*record = (struct record_header){
		.timestamp_ns = bpf_ktime_get_coarse_ns(),
		.answer = *match->answer,
		.entry = match->entry,
		.ended_repeats = match->ended_repeats,
		.interface_index = interface_of(match->ctx, match->hook),
		.frame_length = frame_length(match->ctx, match->hook),
		.captured_length = match->length,
		.kind = match->kind,
	};
	if (match->hook == HOOK_XDP && !constants.xdp_has_buffers) {
		record->frame_length = match->length;
		read = copy_words(match->ctx, (__u8 *)(record + 1), match->length, capacity);
	} else {
		read = load_frame(match->ctx, match->hook, record + 1, match->length, capacity);
	}
	if (!read) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		return COPY_UNREADABLE;
	}
	bpf_ringbuf_submit(record, wakeup_flags(ring, settings, RING_HEADER_SIZE + record_size));
	return COPY_DONE;
}

/* `length` is at most RECORD_CAPACITY. */
static __always_inline enum copy_result copy_frame(const struct match *match, void *ring,
						   const struct settings *settings)
{
	if (match->length <= RECORD_CAPACITY_SMALL)
		return copy_into_class(match, ring, RECORD_CAPACITY_SMALL, settings);
	if (match->length <= RECORD_CAPACITY_MEDIUM)
		return copy_into_class(match, ring, RECORD_CAPACITY_MEDIUM, settings);
	return copy_into_class(match, ring, RECORD_CAPACITY, settings);
}

static __always_inline void count_copy(enum copy_result result, struct copy_counters *outcomes,
				       struct counters *counters)
{
	switch (result) {
	case COPY_DONE:
		COUNT(outcomes->copied);
		break;
	case COPY_NO_ROOM:
		COUNT(outcomes->ring_full);
		break;
	case COPY_UNREADABLE: /* the kernel cannot read bytes that it said are there */
		COUNT(counters->malformed);
		break;
	}
}

/* The slot in this CPU's cache that an answer with this tag takes. */
static __always_inline struct seen_answer *slot_of(__u64 tag)
{
	struct seen_answers *cache = only_value(&seen);

	return cache ? &cache->slots[SEEN_SLOT(tag)] : NULL;
}

/*
 * Samples, limits and copies an answer to a known name that this CPU has not copied
 * lately. `slot` is NULL if the answer has no tag, or there is no cache.
 */
static __always_inline void handle_new_answer(void *ctx, enum hook hook, __u32 length,
					      const struct answer_place *place,
					      struct seen_answer *slot,
					      const struct settings *settings, __u64 now,
					      struct counters *counters)
{
	struct match match = {
		.ctx = ctx,
		.hook = hook,
		.kind = RECORD_ANSWER,
		.length = length,
		.answer = place,
	};
	struct cpu_state *state = only_value(&states);
	enum copy_result result;

	if (!state)
		return;
	if (settings->every_nth > 1 && state->answers_counted++ % settings->every_nth != 0) {
		COUNT(counters->answers.sampled_out);
		return;
	}
	if (settings->answers_per_second &&
	    tokens_in(&state->answers, settings->answers_per_second, settings, now) < ONE_COPY) {
		COUNT(counters->answers.over_budget);
		return;
	}
	if (slot) {
		match.ended_repeats = slot->entry;
		match.entry = SEEN_ENTRY(bpf_get_smp_processor_id(), SEEN_SLOT(place->tag),
					 (slot->entry >> 32) + 1);
	}
	result = copy_frame(&match, &answer_ring, settings);
	count_copy(result, &counters->answers, counters);
	if (result != COPY_DONE)
		return;
	spend(&state->answers);
	if (slot) {
		slot->entry = match.entry << 32; /* the generation, with no repeats yet */
		slot->tag = place->tag;
		slot->expires = now + settings->seen_ticks;
	}
}

/*
 * An answer to a known name. One that was copied not long ago is only counted in its slot, and user
 * space adds that count to the sightings in the store. An answer takes its slot only when its copy
 * is in the ring: one that found no room there is copied the next time that it comes by.
 */
static __always_inline void handle_answer(void *ctx, enum hook hook, __u32 length,
					  const struct answer_place *place,
					  struct counters *counters)
{
	const struct settings *settings = only_value(&limits);
	struct seen_answer *slot = NULL;
	__u64 now = bpf_jiffies64();

	if (!settings)
		return;
	if (place->tag && settings->seen_ticks) {
		slot = slot_of(place->tag);
		if (slot && slot->tag == place->tag && now < slot->expires) {
			slot->entry++;
			COUNT(counters->answers.seen);
			return;
		}
	}
	handle_new_answer(ctx, hook, length, place, slot, settings, now, counters);
}

/*
 * A fragment up to the threshold. All fragments of a datagram share one fate, since a part of a
 * datagram is worth nothing: a keyed hash of what they have in common decides, and not a count of
 * packets. The same hash decides when the budget runs low: while the bucket is less than half full,
 * fewer datagrams are copied the emptier it is, and those that are copied stay whole.
 */
static __always_inline void handle_fragment(void *ctx, enum hook hook, __u32 length, __u64 fate,
					    const struct settings *settings,
					    struct counters *counters)
{
	const struct answer_place none = {};
	const struct match match = {
		.ctx = ctx,
		.hook = hook,
		.kind = RECORD_FRAGMENT,
		.length = length,
		.answer = &none,
	};
	struct cpu_state *state = only_value(&states);
	enum copy_result result;
	__u64 tokens, half;

	if (!state)
		return;
	if (settings->every_nth > 1 && (fate >> 32) * settings->every_nth >> 32 != 0) {
		COUNT(counters->fragments.sampled_out);
		return;
	}
	if (settings->fragments_per_second) {
		tokens = tokens_in(&state->fragments, settings->fragments_per_second, settings,
				   bpf_jiffies64());
		half = bucket_size(settings->fragments_per_second) / 2;
		if (tokens < ONE_COPY || (fate & 0xffff) * (half / ONE_COPY) >= tokens) {
			COUNT(counters->fragments.over_budget);
			return;
		}
	}
	result = copy_frame(&match, &fragment_ring, settings);
	count_copy(result, &counters->fragments, counters);
	if (result == COPY_DONE)
		spend(&state->fragments);
}

#endif
