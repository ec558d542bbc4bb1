// SPDX-License-Identifier: Apache-2.0
/**
 * What to do about a certificate that was not accepted, by the code that Node gives the failure.
 */

const REMEDIES: readonly (readonly [codes: readonly string[], remedy: string])[] = [
  [
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'CERT_UNTRUSTED',
      'INVALID_CA',
    ],
    'Nobody that ctga trusts vouches for the certificate. If you trust its issuer, put the certificate of the issuer into a file and name that file in the environment variable NODE_EXTRA_CA_CERTS.',
  ],
  [
    ['CERT_HAS_EXPIRED', 'CRL_HAS_EXPIRED'],
    "The certificate has expired. If this machine's clock is right, only whoever runs the server can renew it.",
  ],
  [
    ['CERT_NOT_YET_VALID', 'CRL_NOT_YET_VALID'],
    "The certificate is not valid yet: check this machine's clock.",
  ],
  [
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'],
    'The certificate is for another host name: check the URL. It has to name the host as the certificate does.',
  ],
  [
    ['CERT_REVOKED'],
    'The certificate has been revoked. Only whoever runs the server can renew it.',
  ],
];

/** Returns undefined where the failure has nothing to do with certificates. */
export function tlsRemedy(code: string | undefined): string | undefined {
  return REMEDIES.find(([codes]) => code !== undefined && codes.includes(code))?.[1];
}
