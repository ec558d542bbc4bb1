/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks the name of an answer up among those that the control plane has put in the table.
 *
 * An exact key has at most 384 bits on this target. So letters are folded by setting a bit in every
 * byte, and the last two labels share 128 bits. Other names may therefore have the key of a known
 * one, though none that the operator of a log would choose, and whoever reads the copies looks at
 * the name itself.
 */
#define FOLD_16 0x20202020202020202020202020202020

control KnownNames(in headers_t headers, inout bit<8> verdict)
{
	bit<384> folded;

	action known()
	{
		verdict = KNOWN_ANSWER;
	}

	action unknown()
	{
		verdict = UNKNOWN_NAME;
	}

	@name(".known_names")
	table known_names {
		key = { folded: exact @name("name"); }
		actions = { known; unknown; }
		default_action = unknown();
		size = 64;
	}

	apply {
		folded = (headers.label_1.text | FOLD_16) ++ (headers.label_2.text | FOLD_16) ++
		      ((headers.label_3.text | FOLD_16) ^
		       (headers.label_4.text[63:0] ++ headers.label_4.text[127:64] | FOLD_16));
		known_names.apply();
	}
}
