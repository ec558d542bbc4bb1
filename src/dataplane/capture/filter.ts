// SPDX-License-Identifier: Apache-2.0
/**
 * MatchRules as code over the bytes of a packet: whether an observer has to see it.
 *
 * Nothing is decoded and nothing allocated, since almost no packet of a large capture matches. The
 * filter may let pass what decoding refuses, and never stops what decoding would make a claim of.
 * So it reads what a claim depends on, and checks neither lengths nor checksums.
 */
import {
  EtherType,
  isTag,
  MAX_TAGS,
  PPP_IPV4,
  PPP_IPV6,
  PPPOE_HEADER,
} from '../../packet/ethernet.ts';
import { IpProtocol } from '../../packet/ip.ts';
import { MAX_EXTENSION_HEADERS } from '../../packet/ipv6.ts';
import { UDP_HEADER } from '../../packet/udp.ts';
import type { MatchRules } from '../../sources/match-rules.ts';
import { MessageFilter } from './message-filter.ts';
import { CUT, type CapturePacket } from './packet.ts';
import { Verdict } from './verdict.ts';

export type CaptureFilter = (packet: CapturePacket) => Verdict;

/** By IP protocol: IPv4, IPv6, GRE, ESP, AH, and MPLS (RFC 4023). */
const TUNNELS: ReadonlyMap<number, Verdict> = new Map([
  [4, Verdict.encapsulatedIp],
  [41, Verdict.encapsulatedIp],
  [47, Verdict.encapsulatedGre],
  [50, Verdict.encapsulatedIpsec],
  [51, Verdict.encapsulatedIpsec],
  [137, Verdict.encapsulatedMpls],
]);
/** UDP ports of GTP-U, VXLAN, Geneve, and VXLAN as Linux had it before. */
const TUNNEL_PORTS: ReadonlySet<number> = new Set([2152, 4789, 6081, 8472]);

export function compileFilter(rules: MatchRules): CaptureFilter {
  const ports = new Uint8Array(0x1_0000);
  for (const port of rules.udpSourcePorts) ports[port] = 1;
  const messages = new MessageFilter(rules.dnsNames);

  /** `at` is where the UDP header begins. */
  function judgeUdp(packet: CapturePacket, at: number): Verdict {
    if (!packet.has(at, UDP_HEADER)) return Verdict.malformed;
    if (ports[packet.u16(at)] === 0)
      return TUNNEL_PORTS.has(packet.u16(at + 2)) ? Verdict.encapsulatedUdp : Verdict.otherPort;
    return messages.judge(packet.bytes, at + UDP_HEADER, packet.payloadEnd);
  }

  function judgeIpv4(packet: CapturePacket, at: number): Verdict {
    if (!packet.has(at, 20)) return Verdict.malformed;
    const { bytes } = packet;
    const protocol = bytes[at + 9] as number;
    if (protocol !== IpProtocol.udp) return TUNNELS.get(protocol) ?? Verdict.notUdp;
    if ((packet.u16(at + 6) & 0x3fff) !== 0) return Verdict.fragment;
    return judgeUdp(packet, at + ((bytes[at] as number) & 0x0f) * 4);
  }

  function judgeIpv6(packet: CapturePacket, start: number): Verdict {
    if (!packet.has(start, 40)) return Verdict.malformed;
    const { bytes } = packet;
    let next = bytes[start + 6] as number;
    let at = start + 40;
    for (let count = 0; count <= MAX_EXTENSION_HEADERS; count++) {
      if (next === IpProtocol.udp) return judgeUdp(packet, at);
      // What a later fragment says of its protocol means nothing, so fragments of anything pass.
      if (next === IpProtocol.fragment) return Verdict.fragment;
      const isExtension =
        next === IpProtocol.hopByHop ||
        next === IpProtocol.routing ||
        next === IpProtocol.destinationOptions;
      if (!isExtension) return TUNNELS.get(next) ?? Verdict.notUdp;
      if (!packet.has(at, 2)) return Verdict.malformed;
      next = bytes[at] as number;
      at += (bytes[at + 1] as number) * 8 + 8;
    }
    return Verdict.malformed;
  }

  return (packet) => {
    let { etherType, payloadAt: at } = packet;
    if (etherType === CUT) return Verdict.malformed;
    for (let tags = 0; isTag(etherType); tags++) {
      if (tags === MAX_TAGS) return Verdict.encapsulatedTags;
      if (!packet.has(at, 4)) return Verdict.malformed;
      etherType = packet.u16(at + 2);
      at += 4;
    }
    if (etherType === EtherType.pppoeSession) {
      if (!packet.has(at, PPPOE_HEADER)) return Verdict.malformed;
      const protocol = packet.u16(at + 6);
      at += PPPOE_HEADER;
      if (protocol === PPP_IPV4) etherType = EtherType.ipv4;
      else if (protocol === PPP_IPV6) etherType = EtherType.ipv6;
    }
    if (etherType === EtherType.ipv4) return judgeIpv4(packet, at);
    if (etherType === EtherType.ipv6) return judgeIpv6(packet, at);
    const isMpls = etherType === EtherType.mpls || etherType === EtherType.mplsMulticast;
    return isMpls ? Verdict.encapsulatedMpls : Verdict.notIp;
  };
}
