/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control plane sets: a table without a key, of which it replaces the default action.
 * P4Runtime as bmv2 serves it writes tables, but neither registers nor value sets.
 */
control Settings(inout metadata_t meta)
{
	/*
	 * The largest fragment that is copied, in bytes of IP length; which share is copied (of
	 * every so many, one); and the key of the fates of datagrams. The control plane draws the
	 * key, so nobody else knows which datagrams are sampled.
	 */
	action set(bit<32> fragment_threshold, bit<32> every_nth, bit<64> datagram_key)
	{
		meta.fragment_threshold = fragment_threshold;
		meta.every_nth = every_nth;
		meta.datagram_key = datagram_key;
	}

	table values {
		actions = { set; }
		default_action = set(0, 0, 0);
	}

	apply {
		values.apply();
	}
}
