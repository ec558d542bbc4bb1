/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables, included within a control. What they are for is in decision.p4. */
action forward(bit<8> ports)
{
	SUME.dst_port = ports;
}

action drop()
{
	SUME.dst_port = 0;
}

table route {
	key = { SUME.src_port: exact; }
	actions = { forward; drop; }
	default_action = drop();
	size = 64;
}

action known()
{
	USER.known = 1;
}

/*
 * Letters are folded by setting a bit in every byte, and the last two labels share 128 bits: exact keys are at most 384 bits
 * wide here. So other names may have the key of a known one, none that a log's operator would choose, and whoever reads the
 * copies looks at the name itself.
 */
#define FOLD_16 0x20202020202020202020202020202020
table known_names {
	key = { NAME_KEY: exact; }
	actions = { known; NoAction; }
	default_action = NoAction();
	size = 64;
}
