/** `ctga bench traffic`: capture files and settings for real testers. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  captureFile,
  FRAME_BYTES,
  TRAFFIC_KINDS,
  TRAFFIC_ZONES,
  trafficFrames,
} from '../traffic/traffic.ts';
import { wholeNumber } from './options.ts';
import { print, printJson } from './output.ts';

const TOOLS = ['osnt', 'pktgen', 'tcpreplay'] as const;
type Tool = (typeof TOOLS)[number];

interface TrafficOptions {
  readonly tool: Tool;
  readonly output: string;
  readonly rates: readonly number[];
  readonly packets: number;
  readonly json?: boolean;
}

const EVERY_TENTH = Array.from({ length: 11 }, (_, i) => i * 10);

export function benchCommand(): Command {
  const traffic = new Command('traffic')
    .description(
      "write traffic for a tester: the paper's match rates, as capture files, and how to replay them",
    )
    .addOption(new Option('--tool <tool>', 'what replays it').choices(TOOLS).makeOptionMandatory())
    .requiredOption('--output <directory>', 'where to; made if need be')
    .option('--rates <percent,...>', 'match rates', rates, EVERY_TENTH)
    .option('--packets <count>', 'frames in each file', wholeNumber(1, 1_000_000), 1000)
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      `
Answers of ${FRAME_BYTES.answers} bytes and fragments of ${FRAME_BYTES.fragments}, each file with one share of frames that ctga copies and the rest
of the same size that it does not. The README in the directory says how to run them on a 10 Gb/s pair.`,
    )
    .action(writeTraffic);
  return new Command('bench').description('traffic to measure ctga with').addCommand(traffic);
}

function rates(text: string): number[] {
  return text.split(',').map((each) => {
    if (!/^[0-9]{1,3}$/.test(each) || Number(each) > 100)
      throw new InvalidArgumentError('want per cents from 0 to 100, for instance 0,50,100.');
    return Number(each);
  });
}

function writeTraffic({ tool, output, rates: shares, packets, json }: TrafficOptions): void {
  mkdirSync(output, { recursive: true });
  const captures = TRAFFIC_KINDS.flatMap((kind) =>
    shares.map((rate) => {
      const name = `${kind}-${String(rate).padStart(3, '0')}.pcap`;
      writeFileSync(join(output, name), captureFile(trafficFrames(kind, rate, packets)));
      return name;
    }),
  );
  writeFileSync(join(output, 'zones.txt'), `${TRAFFIC_ZONES.join('\n')}\n`);
  const script = `${tool}.sh`;
  writeFileSync(join(output, script), SCRIPTS[tool]);
  chmodSync(join(output, script), 0o755);
  writeFileSync(join(output, 'README.md'), readme(tool, script, packets));
  const files = [...captures, 'zones.txt', script, 'README.md'];
  if (json === true) printJson({ directory: output, files });
  else
    print(
      `${files.length} files in ${output}: ${captures.length} captures, ${script}, README.md, zones.txt`,
    );
}

const SCRIPTS: Readonly<Record<Tool, string>> = {
  osnt: `#!/bin/sh
# Replays each capture for two minutes at line rate from port 0 of an OSNT card, as in Section 4.5.1 of the paper.
#   OSNT=/path/to/osnt-tool-cmd.py ./osnt.sh [SECONDS]
set -eu
seconds=\${1:-120}
here=$(dirname "$0")
for capture in "$here"/*.pcap; do
	echo "$capture"
	python3 "\${OSNT:?say where osnt-tool-cmd.py is}" -new
	# Inter-packet gap 0 is line rate; the replay count is more than any card sends in that time.
	python3 "$OSNT" -ifp0 "$capture" -rpn0 2000000000 -ipg0 0
	python3 "$OSNT" -run
	sleep "$seconds"
done
python3 "$OSNT" -new
`,
  pktgen: `#!/bin/sh
# The kernel's generator makes its own packets: small UDP from port 53 that no log's name is in (background), as
# fast as the card goes. For the captures, which pktgen cannot replay, use tcpreplay beside it.
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
# Replays each capture for two minutes as fast as the card goes.
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

function readme(tool: Tool, script: string, packets: number): string {
  return `# Traffic for ctga: ${tool}

Each capture holds ${packets} frames of one size. \`answers-030.pcap\`: 30 % are CT-over-DNS answers with tree heads of 16
fictional logs, the rest are such answers of logs that nobody looks for (${FRAME_BYTES.answers} bytes). \`fragments-030.pcap\`: 30 % are IP
fragments, the rest is UDP from another port (${FRAME_BYTES.fragments} bytes). After Section 4.5.1 of "Aggregation-Based Certificate
Transparency Gossip".

Three hosts, or two with two ports each: generator, target, receiver, linked at 10 Gb/s. All frames go from
192.0.2.53 to 198.51.100.7, Ethernet destination 02:00:00:00:00:01.

1. On the target, forward between the two ports, and give the ingress port that address:
   \`ip link set INGRESS address 02:00:00:00:00:01; sysctl net.ipv4.ip_forward=1; ip route add 198.51.100.0/24 via RECEIVER\`
2. Measure route-only first: no program at all.
3. Then with ctga: \`ctga attach INGRESS --zone ZONE=LOG\` for each line of zones.txt and any 16 logs (\`ctga logs list\`), with
   \`--seen 0 --budget 0\` to have every match copied, and once more without these two, which is how it is meant to run.
4. On the generator: \`./${script}\`. On the receiver count frames each second (\`ethtool -S\`, or OSNT's counters).

Aggregation is indistinguishable if throughput and latency do not depend on the match rate. Repeat, and compare
distributions, not means. Watch \`ctga status\`: copied, over budget and ring full add up to what matched.
`;
}
