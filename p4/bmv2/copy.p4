/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies, in the two halves that v1model needs: ingress marks a packet, and egress clones what is
 * marked to the CPU port. A clone that is made at ingress would be parsed once more before the
 * packet itself goes on (simple_switch.cpp), so a match would slow down everything behind it.
 */
#define CPU_SESSION 250
#define CPU_HEADER_BYTES 12
/* PKT_INSTANCE_TYPE_EGRESS_CLONE of simple_switch.h. */
#define CLONED_FROM_EGRESS 2

const bit<8> CPU_HEADER_VERSION = 1;

/* Why a packet was copied: the kinds of records of xdp/record.h. Zero means that it was not. */
const bit<8> REASON_ANSWER = 1;
const bit<8> REASON_FRAGMENT = 2;

control MarkForCopy(inout metadata_t meta, in standard_metadata_t standard_metadata)
{
	action copy(bit<8> reason)
	{
		meta.reason = reason;
		meta.ingress_port = (bit<16>)standard_metadata.ingress_port;
		meta.copied_length = meta.ip_end;
		meta.original_length = (bit<16>)standard_metadata.packet_length;
		meta.timestamp_us = standard_metadata.ingress_global_timestamp;
	}

	apply {
		if (meta.verdict == ANSWERS_COPIED)
			copy(REASON_ANSWER);
		else if (meta.verdict == FRAGMENTS_COPIED)
			copy(REASON_FRAGMENT);
	}
}

control CopyToCpu(inout headers_t headers, in metadata_t meta,
		  in standard_metadata_t standard_metadata)
{
	apply {
		if (standard_metadata.instance_type == CLONED_FROM_EGRESS) {
			headers.cpu.setValid();
			headers.cpu.ingress_port = meta.ingress_port;
			headers.cpu.reason = meta.reason;
			headers.cpu.version = CPU_HEADER_VERSION;
			headers.cpu.original_length = meta.original_length;
			headers.cpu.timestamp_us = meta.timestamp_us;
			/* Behind the IP packet there is only Ethernet padding. */
			truncate(meta.copied_length + CPU_HEADER_BYTES);
		} else if (meta.reason != 0) {
			clone_preserving_field_list(CloneType.E2E, CPU_SESSION, KEPT_FOR_CLONE);
		}
	}
}
