// SPDX-License-Identifier: Apache-2.0
/**
 * What a data plane has to copy, as all sources together say it, and where in a copied frame it
 * found what matched.
 *
 * These two types are all that data planes and sources share: a data plane compiles the rules into
 * maps, tables or plain code, and knows no source.
 */

/**
 * A data plane copies each DNS answer that comes from one of the ports and whose question is one of
 * the names, IN TXT. It also copies small IP fragments of UDP, whose names it cannot judge. A
 * source whose plaintext is something else than DNS adds a kind of rule here, which every data
 * plane then compiles or refuses by name.
 */
export interface MatchRules {
  /** UDP source ports; none twice. */
  readonly udpSourcePorts: readonly number[];
  /**
   * DNS wire format (RFC 1035, Section 3.1): uncompressed, lower case, with the root's zero byte;
   * none twice.
   */
  readonly dnsNames: readonly Uint8Array[];
}

/**
 * Where in a frame an answer to one of the names lies, as the data plane that matched it says.
 * Offsets count from the first byte of the frame.
 */
export interface MatchPlace {
  /** The question's name: wire format, in the case in which it came. */
  readonly nameOffset: number;
  readonly nameLength: number;
  /** The RDATA of the only TXT record in the answer section. */
  readonly rdataOffset: number;
  readonly rdataLength: number;
}

/** The rules of several sources as one: what any of them asks for is copied. */
export function combineRules(rules: readonly MatchRules[]): MatchRules {
  const names = rules.flatMap(({ dnsNames }) => dnsNames);
  return {
    udpSourcePorts: [...new Set(rules.flatMap(({ udpSourcePorts }) => udpSourcePorts))],
    dnsNames: [...new Map(names.map((name) => [Buffer.from(name).toString('hex'), name])).values()],
  };
}
