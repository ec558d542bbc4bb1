/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decision to copy, for every target: the verdict on an answer to a known name and on a
 * fragment. It decides and does nothing else; how a packet is copied, and which of those that could
 * be copied are sampled, is the target's.
 */
#ifndef CTGA_DECISION_P4
#define CTGA_DECISION_P4

#include "verdicts.p4"

/* The largest frame that is copied, in bytes: RECORD_CAPACITY of xdp/record.h. */
const bit<32> LARGEST_COPY = 2048;

/*
 * The largest fragment that is copied, in bytes of IP length, unless the control plane says more.
 */
const bit<32> DEFAULT_FRAGMENT_THRESHOLD = 400;

/*
 * The ends are bytes from the start of the frame: where the IP packet says that it begins and ends,
 * and where the frame that arrived ends. A threshold of zero stands for the default.
 */
control Decision(inout bit<8> verdict, in bit<32> ip_start, in bit<32> ip_end, in bit<32> frame_end,
		 in bit<32> fragment_threshold)
{
	bit<32> threshold;

	apply {
		threshold = fragment_threshold;
		if (threshold == 0)
			threshold = DEFAULT_FRAGMENT_THRESHOLD;

		if (verdict == KNOWN_ANSWER) {
			verdict = ANSWERS_COPIED;
			if (ip_end > LARGEST_COPY)
				verdict = ANSWERS_TOO_LARGE;
		} else if (verdict == FRAGMENT) {
			verdict = FRAGMENTS_COPIED;
			if (frame_end < ip_end)
				verdict = MALFORMED;
			else if (ip_end - ip_start > threshold || ip_end > LARGEST_COPY)
				verdict = FRAGMENTS_TOO_LARGE;
		}
	}
}

#endif
