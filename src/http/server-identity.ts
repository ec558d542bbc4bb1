// SPDX-License-Identifier: Apache-2.0
/** Whose certificate a server has shown. */
import { X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/**
 * Why a certificate is not that of a host, a name or an address without brackets; undefined if it is. As
 * Node's own checkServerIdentity, which in Node 22.23 takes IPv6 addresses for names, and refuses every
 * certificate (RFC 9110, section 4.3.5: an address has to be one of the certificate's iPAddress).
 */
export function serverIdentityFault(host: string, shown: PeerCertificate): Error | undefined {
  if (!isIPv6(host)) return checkServerIdentity(host, shown);
  if (new X509Certificate(shown.raw).checkIP(host) !== undefined) return undefined;
  return Object.assign(
    new Error(
      `Hostname/IP does not match certificate's altnames: IP: ${host} is not in the cert's list: ${shown.subjectaltname ?? 'it has none'}`,
    ),
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  );
}
