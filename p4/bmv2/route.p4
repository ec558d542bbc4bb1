/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwards by the port where a packet came in, and looks at nothing else of it. The throughput of
 * ctga's program is measured against a router that has this control alone
 * (bench/baseline/router.p4).
 */
control Route(inout standard_metadata_t standard_metadata)
{
	action forward(bit<9> port)
	{
		standard_metadata.egress_spec = port;
	}

	action drop()
	{
		mark_to_drop(standard_metadata);
	}

	table ports {
		key = { standard_metadata.ingress_port: exact; }
		actions = { forward; drop; }
		default_action = drop();
		size = 512;
	}

	apply {
		ports.apply();
	}
}
