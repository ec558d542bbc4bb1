/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks the name of an answer up among those that the control plane has put in the table. The
 * parser has gathered its labels in one number, which is the key: no hash is needed, so no other
 * name is ever taken for a known one.
 */
const bit<256> EACH_OF_32 = 0x0101010101010101010101010101010101010101010101010101010101010101;
const bit<MAX_NAME_BITS> EACH_BYTE = EACH_OF_32 ++ EACH_OF_32 ++ EACH_OF_32 ++ EACH_OF_32;

control KnownNames(inout metadata_t meta)
{
	direct_counter(CounterType.packets) answers;

	/*
	 * Names are compared without regard to case (RFC 4343), so 0x20 is added to each byte from
	 * 'A' to 'Z'. Those are the bytes of which 0x3f more reaches 0x80 and 0x25 more does not.
	 * Lengths of labels are below 'A', and bytes from 0x80 on are no letters.
	 */
	action fold_name()
	{
		bit<MAX_NAME_BITS> low = meta.name & (EACH_BYTE * 0x7f);
		bit<MAX_NAME_BITS> capital =
			(low + EACH_BYTE * 0x3f) & ~(low + EACH_BYTE * 0x25) & ~meta.name;

		meta.name = meta.name | ((capital & (EACH_BYTE * 0x80)) >> 2);
	}

	action known()
	{
		meta.verdict = KNOWN_ANSWER;
		answers.count();
	}

	action unknown()
	{
		meta.verdict = UNKNOWN_NAME;
	}

	table names {
		key = { meta.name: exact @name("name"); }
		actions = { known; unknown; }
		default_action = unknown();
		counters = answers;
		size = 4096;
	}

	apply {
		fold_name();
		names.apply();
	}
}
