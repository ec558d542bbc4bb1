/**
 * Where a challenge may go. A log list, or a redirect of a name, must not make the proxy reach into
 * the network it stands in: private, link-local and other special addresses are refused, and names
 * that never belong to the public DNS. What a public name resolves to is for the proxy to judge,
 * which resolves it; Tor's exits refuse private addresses.
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

/** `host` as URLs have it: a name, an IPv4 address, or an IPv6 address without its brackets. */
export function isPrivateHost(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  // `process` looks through IPv4-mapped IPv6 addresses. Only plain unicast is public: no NAT64,
  // 6to4, Teredo, multicast.
  if (ipaddr.isValid(name)) return ipaddr.process(name).range() !== 'unicast';
  const labels = name.split('.');
  return labels.length < 2 || PRIVATE_DOMAINS.includes(labels.at(-1) ?? '');
}
