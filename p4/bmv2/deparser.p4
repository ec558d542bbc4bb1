/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the headers together again, as they came: what the parser did not reach is payload, and
 * follows by itself. Only a copy has the first one.
 */
control CtgaDeparser(packet_out packet, in headers_t headers)
{
	apply {
		packet.emit(headers.cpu);
		packet.emit(headers.ethernet);
		packet.emit(headers.vlan);
		packet.emit(headers.pppoe);
		packet.emit(headers.ipv4);
		packet.emit(headers.ipv4_options);
		packet.emit(headers.ipv6);
		packet.emit(headers.extensions);
		packet.emit(headers.ipv6_fragment);
		packet.emit(headers.udp);
		packet.emit(headers.dns);
		packet.emit(headers.labels);
		packet.emit(headers.question_end);
	}
}
