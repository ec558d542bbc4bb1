/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwards by the port where a packet came in. Both tables are named without the control that holds
 * them, as the scripts of P4->NetFPGA name tables.
 */
control Route(in one_hot_ports_t from, inout one_hot_ports_t to)
{
	action forward(one_hot_ports_t ports)
	{
		to = ports;
	}

	action drop()
	{
		to = 0;
	}

	@name(".route")
	table route {
		key = { from: exact; }
		actions = { forward; drop; }
		default_action = drop();
		size = 64;
	}

	apply {
		route.apply();
	}
}
