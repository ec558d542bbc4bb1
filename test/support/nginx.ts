// SPDX-License-Identifier: Apache-2.0
/** The configuration of an nginx that writes nothing outside of a directory of the test's. */

/** `server` is the block of its one server, and `outside` what stands beside that. */
export function nginxConfig(directory: string, server: string, outside = ''): string {
  const kept = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const paths = kept.map((kind) => `${kind}_temp_path ${directory}/${kind};`).join(' ');
  return `daemon off; pid ${directory}/nginx.pid; error_log stderr; events {}
http { ${paths} ${outside}
  server { ${server} } }
`;
}
