// SPDX-License-Identifier: Apache-2.0
/**
 * ctga on an interface while something else is measured: attaches, says so, reads and forgets what
 * is copied, and detaches when its input ends.
 *
 *   node attached.ts INTERFACE OPTIONS_AS_JSON
 */
import { attachXdp, detachXdp, type AttachXdpOptions } from '../src/dataplane/xdp.ts';
import { TRAFFIC_ZONES } from '../src/traffic/traffic.ts';
import { encodeName } from '../src/dns/name.ts';

const [interfaceName = '', options = '{}'] = process.argv.slice(2);
const plane = attachXdp({
  interfaceName,
  ...(JSON.parse(options) as Omit<AttachXdpOptions, 'interfaceName'>),
});
plane.setMatchRules({
  udpSourcePorts: [53],
  dnsNames: TRAFFIC_ZONES.map((zone) => encodeName(`sth.${zone}`)),
});
plane.start(
  () => undefined,
  () => undefined,
);
console.log('attached');
process.stdin.resume();
process.stdin.on('end', () => {
  plane.close();
  detachXdp(interfaceName);
  process.exit(0);
});
