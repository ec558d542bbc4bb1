// SPDX-License-Identifier: Apache-2.0
/**
 * Files for a real throughput tester: captures of every match rate, a script that replays them, and
 * a README that says how to measure.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  captureFile,
  FRAME_BYTES,
  TRAFFIC_KINDS,
  TRAFFIC_ZONES,
  trafficFrames,
} from './traffic.ts';

export const TESTERS = ['osnt', 'pktgen', 'tcpreplay'] as const;
export type Tester = (typeof TESTERS)[number];

export interface TesterFiles {
  /** The names of the captures. */
  readonly captures: readonly string[];
  readonly script: string;
  /** The names of all files. */
  readonly files: readonly string[];
}

/**
 * Writes the files to `directory`, which is made if it does not exist: a capture of `packets`
 * frames for each kind of traffic and each match rate, in per cent.
 */
export function writeTesterFiles(
  directory: string,
  tester: Tester,
  rates: readonly number[],
  packets: number,
): TesterFiles {
  mkdirSync(directory, { recursive: true });
  const captures = TRAFFIC_KINDS.flatMap((kind) =>
    rates.map((rate) => {
      const name = `${kind}-${String(rate).padStart(3, '0')}.pcap`;
      writeFileSync(join(directory, name), captureFile(trafficFrames(kind, rate, packets)));
      return name;
    }),
  );
  writeFileSync(join(directory, 'zones.txt'), `${TRAFFIC_ZONES.join('\n')}\n`);
  const script = `${tester}.sh`;
  writeFileSync(join(directory, script), SCRIPTS[tester]);
  chmodSync(join(directory, script), 0o755);
  writeFileSync(join(directory, 'README.md'), readme(tester, script, packets));
  return { captures, script, files: [...captures, 'zones.txt', script, 'README.md'] };
}

const SCRIPTS: Readonly<Record<Tester, string>> = {
  osnt: `#!/bin/sh
# Replays each capture for two minutes at line rate from port 0 of an OSNT card, as in Section 4.5.1
# of the paper.
#   OSNT=/path/to/osnt-tool-cmd.py ./osnt.sh [SECONDS]
set -eu
seconds=\${1:-120}
here=$(dirname "$0")
for capture in "$here"/*.pcap; do
	echo "$capture"
	python3 "\${OSNT:?say where osnt-tool-cmd.py is}" -new
	# An inter-packet gap of 0 means line rate; no card sends this many replays in that time.
	python3 "$OSNT" -ifp0 "$capture" -rpn0 2000000000 -ipg0 0
	python3 "$OSNT" -run
	sleep "$seconds"
done
python3 "$OSNT" -new
`,
  pktgen: `#!/bin/sh
# The kernel's generator cannot replay the captures. It makes background traffic, as fast as the card
# allows: small UDP packets from port 53 without a log's name. Replay the captures with tcpreplay.
#   sudo ./pktgen.sh INTERFACE DESTINATION_MAC [CPU] [PACKETS]
set -eu
interface=\${1:?interface} mac=\${2:?destination MAC} cpu=\${3:-0} packets=\${4:-0}
modprobe pktgen
set_in() { echo "$2" >"/proc/net/pktgen/$1"; }
set_in "kpktgend_$cpu" rem_device_all
set_in "kpktgend_$cpu" "add_device $interface"
set_in "$interface" "count $packets"
set_in "$interface" "clone_skb 1000"
set_in "$interface" "pkt_size ${FRAME_BYTES.answers}"
set_in "$interface" "delay 0"
set_in "$interface" "src_min 192.0.2.53"
set_in "$interface" "dst 198.51.100.7"
set_in "$interface" "dst_mac $mac"
set_in "$interface" "udp_src_min 53"
set_in "$interface" "udp_src_max 53"
trap 'cat "/proc/net/pktgen/$interface"' EXIT
echo start >/proc/net/pktgen/pgctrl
`,
  tcpreplay: `#!/bin/sh
# Replays each capture for two minutes, as fast as the card allows.
#   sudo ./tcpreplay.sh INTERFACE [SECONDS]
set -eu
interface=\${1:?interface} seconds=\${2:-120}
here=$(dirname "$0")
for capture in "$here"/*.pcap; do
	echo "$capture"
	tcpreplay --preload-pcap --topspeed --loop=0 --duration="$seconds" --quiet --intf1="$interface" "$capture"
done
`,
};

function readme(tester: Tester, script: string, packets: number): string {
  return `# Traffic for ctga: ${tester}

Each capture holds ${packets} frames of one size. In \`answers-030.pcap\`, 30 % are CT-over-DNS answers with
tree heads of 16 fictional logs, and the others are such answers of logs that ctga does not look for
(${FRAME_BYTES.answers} bytes). In \`fragments-030.pcap\`, 30 % are IP fragments, and the others are UDP from another port
(${FRAME_BYTES.fragments} bytes). They follow Section 4.5.1 of "Aggregation-Based Certificate Transparency Gossip".

You need three hosts (generator, target, receiver), or two with two ports each, linked at 10 Gb/s. All
frames go from 192.0.2.53 to 198.51.100.7, with the Ethernet destination 02:00:00:00:00:01.

1. Let the target forward between its two ports, and give its ingress port that Ethernet address:
   \`ip link set INGRESS address 02:00:00:00:00:01; sysctl net.ipv4.ip_forward=1;
   ip route add 198.51.100.0/24 via RECEIVER\`
2. First measure routing alone, without any program.
3. Then measure with ctga: \`ctga attach INGRESS\`, with \`--zone ZONE=LOG\` for each line of zones.txt and
   any 16 logs (\`ctga logs list\`). Measure once with \`--seen 0 --budget 0\`, which copies every match,
   and once without these two options, which is how ctga is meant to run.
4. Run \`./${script}\` on the generator. On the receiver, count frames each second (\`ethtool -S\`, or
   OSNT's counters).

Aggregation is indistinguishable if throughput and latency do not depend on the match rate. Repeat the
measurements, and compare distributions instead of means. In \`ctga status\`, copied, over budget and
ring full add up to the number of matches.
`;
}
