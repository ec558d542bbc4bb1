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
 * Waking the reader costs far more than copying, so it is woken once enough waits for it; what stays
 * below is fetched by its timer.
 */
static __always_inline __u64 wakeup_flags(const struct settings *settings)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= settings->wakeup_bytes ? BPF_RB_FORCE_WAKEUP :
										       BPF_RB_NO_WAKEUP;
}

/* `capacity` is a constant: that of the record's class. */
static __always_inline void copy_into_class(struct xdp_md *ctx, __u32 length, const __u32 capacity,
					    enum record_kind kind, const struct settings *settings,
					    struct copy_counters *counters)
{
	struct record_header *record = bpf_ringbuf_reserve(&ring, sizeof(*record) + capacity, 0);

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
	bpf_ringbuf_submit(record, wakeup_flags(settings));
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
