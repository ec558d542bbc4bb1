// SPDX-License-Identifier: Apache-2.0
/**
 * Which hosts are private. A log list, or what a name resolves to, must not make ctga reach into
 * the network that it, or its proxy, stands in. So requests to private, link-local and other
 * special addresses are refused, and so are names that never belong to the public DNS. Where a
 * proxy resolves names, what a public name resolves to is for the proxy to judge; Tor's exits
 * refuse private addresses.
 */
import ipaddr from 'ipaddr.js';

/** Special-use domains (RFC 6761, 6762, 8375, 9476) and what private networks use. */
const PRIVATE_DOMAINS = [
  'alt',
  'arpa',
  'home',
  'internal',
  'invalid',
  'lan',
  'local',
  'localhost',
  'test',
];

/** Takes a name, an IPv4 address, or an IPv6 address without brackets. */
export function isPrivateHost(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  // `process` looks through IPv4-mapped IPv6 addresses. Only plain unicast is public: no NAT64,
  // 6to4, Teredo, multicast.
  if (ipaddr.isValid(name)) return ipaddr.process(name).range() !== 'unicast';
  const labels = name.split('.');
  return labels.length < 2 || PRIVATE_DOMAINS.includes(labels.at(-1) ?? '');
}

/** Takes the brackets off an IPv6 address as URLs have it. */
export function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}
