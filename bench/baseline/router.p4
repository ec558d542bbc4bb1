/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwards from port to port and looks at nothing else: the throughput of p4/bmv2 is measured
 * against this router, which forwards by the same control.
 */
#include <core.p4>
#include <v1model.p4>

#include "../../p4/bmv2/route.p4"

header ethernet_t {
	bit<48> destination;
	bit<48> source;
	bit<16> ethertype;
}

struct headers_t {
	ethernet_t ethernet;
}

struct metadata_t {
}

parser RouterParser(packet_in packet, out headers_t headers, inout metadata_t meta,
		    inout standard_metadata_t standard_metadata)
{
	state start {
		packet.extract(headers.ethernet);
		transition accept;
	}
}

control CtgaIngress(inout headers_t headers, inout metadata_t meta,
		    inout standard_metadata_t standard_metadata)
{
	Route() route;

	apply {
		route.apply(standard_metadata);
	}
}

control Nothing(inout headers_t headers, inout metadata_t meta,
		inout standard_metadata_t standard_metadata)
{
	apply {
	}
}

control NoChecksum(inout headers_t headers, inout metadata_t meta)
{
	apply {
	}
}

control RouterDeparser(packet_out packet, in headers_t headers)
{
	apply {
		packet.emit(headers.ethernet);
	}
}

V1Switch(RouterParser(), NoChecksum(), CtgaIngress(), Nothing(), NoChecksum(),
	 RouterDeparser()) main;
