/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP comes from a port of answers, which the control plane names, or from another one, and then
 * nothing that the parser read behind the UDP header counts.
 */
control AnswerPorts(in headers_t headers, inout metadata_t meta)
{
	action answers()
	{
	}

	table ports {
		key = { headers.udp.source_port: exact @name("port"); }
		actions = { answers; NoAction; }
		default_action = NoAction();
		size = 16;
	}

	apply {
		if (headers.udp.isValid() && !ports.apply().hit) {
			meta.verdict = OTHER_PORT;
			if (headers.udp.destination_port == PORT_VXLAN ||
			    headers.udp.destination_port == PORT_VXLAN_OF_LINUX ||
			    headers.udp.destination_port == PORT_GENEVE ||
			    headers.udp.destination_port == PORT_GTP_U)
				meta.verdict = ENCAPSULATED_UDP;
		}
	}
}
