/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sampling, and the copy of a matched packet into the ring buffer.
 *
 * Every match ends in exactly one counter. A full ring is counted and never waited for: a packet that
 * was not copied is a fact about our coverage, and the packet itself goes on all the same.
 */
#ifndef CTGA_COPY_H
#define CTGA_COPY_H

#include "maps.h"
#include "name.h"
#include "parse.h"

/*
 * A wake-up is an interrupt to oneself and costs many times the copy, so the reader is woken when what
 * waits for it passes a multiple of wakeup_bytes, and never for each record above it: a reader that lags
 * must not slow the packets down. Two CPUs that reserve at once may both miss a multiple, hence not only the
 * first; what stays below it is fetched by the reader's timer.
 */
static __always_inline __u64 wakeup_flags(const struct settings *settings, __u64 record_size)
{
	__u64 step = settings->wakeup_bytes ? settings->wakeup_bytes : 1;
	__u64 waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	__u64 before = waiting > record_size ? waiting - record_size : 0; /* the reader may have overtaken us */

	return waiting / step != before / step ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/* `capacity` is a constant: that of the record's class. */
static __always_inline void copy_into_class(struct xdp_md *ctx, __u32 length, const __u32 capacity,
					    enum record_kind kind, const struct settings *settings,
					    struct copy_counters *counters)
{
	const __u64 record_size = sizeof(struct record_header) + capacity;
	struct record_header *record = bpf_ringbuf_reserve(&ring, record_size, 0);

	if (!record) {
		counters->ring_full++;
		return;
	}
	*record = (struct record_header){
		.timestamp_ns = bpf_ktime_get_boot_ns(),
		.interface_index = ctx->ingress_ifindex,
		.frame_length = bpf_xdp_get_buff_len(ctx),
		.captured_length = length,
		.kind = kind,
	};
	if (!load(ctx, 0, record + 1, length, capacity)) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		counters->copy_failed++;
		return;
	}
	bpf_ringbuf_submit(record, wakeup_flags(settings, RING_HEADER_SIZE + record_size));
	counters->copied++;
}

/*
 * Copies the frame up to the end of its IP packet, if it is its turn. What lies behind is padding, or
 * somebody's attempt to have more copied than the IP length shows.
 */
static __always_inline void copy_packet(struct xdp_md *ctx, const struct ip_packet *packet,
					enum record_kind kind, const struct settings *settings,
					struct copy_counters *counters)
{
	__u32 length = packet->start + packet->length;
	__u32 every_nth = settings->every_nth;

	/* Per CPU, so that counting needs no atomics; the first match of each CPU is copied. */
	if (counters->matched++ % (every_nth ? every_nth : 1) != 0)
		counters->sampled_out++;
	else if (length <= RECORD_CAPACITY_SMALL)
		copy_into_class(ctx, length, RECORD_CAPACITY_SMALL, kind, settings, counters);
	else if (length <= RECORD_CAPACITY)
		copy_into_class(ctx, length, RECORD_CAPACITY, kind, settings, counters);
	else
		counters->oversize++;
}

#endif
