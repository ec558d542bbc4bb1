/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the headers together again, as they came: what the parser did not reach is payload. */
@Xilinx_MaxPacketRegion(16384)
control TopDeparser(packet_out packet, in headers_t headers, in user_metadata_t user_metadata,
		    inout digest_data_t digest_data, inout sume_metadata_t sume_metadata)
{
	apply {
		packet.emit(headers.ethernet);
		packet.emit(headers.outer_tag);
		packet.emit(headers.middle_tag);
		packet.emit(headers.inner_tag);
		packet.emit(headers.pppoe);
		packet.emit(headers.ipv4);
		packet.emit(headers.ipv6);
		packet.emit(headers.ipv6_fragment);
		packet.emit(headers.udp);
		packet.emit(headers.dns);
		packet.emit(headers.sth);
		packet.emit(headers.piece_1);
		packet.emit(headers.piece_2);
		packet.emit(headers.piece_3);
		packet.emit(headers.piece_4);
		packet.emit(headers.piece_5);
		packet.emit(headers.piece_6);
		packet.emit(headers.piece_7);
		packet.emit(headers.piece_8);
		packet.emit(headers.half_piece);
	}
}
