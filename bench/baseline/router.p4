/* SPDX-License-Identifier: GPL-2.0-only */
/* Forwards from port to port and looks at nothing: what p4/bmv2/ctga.p4 is measured against. Its route table is the same. */
#include <core.p4>
#include <v1model.p4>

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

control CtgaIngress(inout headers_t headers, inout metadata_t meta, inout standard_metadata_t standard_metadata)
{
	action forward(bit<9> port)
	{
		standard_metadata.egress_spec = port;
	}

	action drop()
	{
		mark_to_drop(standard_metadata);
	}

	table route {
		key = { standard_metadata.ingress_port: exact; }
		actions = { forward; drop; }
		default_action = drop();
		size = 512;
	}

	apply {
		route.apply();
	}
}

control Nothing(inout headers_t headers, inout metadata_t meta, inout standard_metadata_t standard_metadata)
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

V1Switch(RouterParser(), NoChecksum(), CtgaIngress(), Nothing(), NoChecksum(), RouterDeparser()) main;
