// SPDX-License-Identifier: Apache-2.0
/** `ctga bench traffic`: files for a real throughput tester. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { TESTERS, writeTesterFiles, type Tester } from '../traffic/tester.ts';
import { FRAME_BYTES } from '../traffic/traffic.ts';
import { wholeNumber } from './options.ts';
import { print, printJson } from './output.ts';

interface TrafficOptions {
  readonly tool: Tester;
  readonly output: string;
  readonly rates: readonly number[];
  readonly packets: number;
  readonly json?: boolean;
}

const EVERY_TENTH = Array.from({ length: 11 }, (_, i) => i * 10);

export function benchCommand(): Command {
  const traffic = new Command('traffic')
    .description(
      "write captures with the paper's match rates for a throughput tester, and how to replay them",
    )
    .addOption(
      new Option('--tool <tool>', 'the tool that replays the captures')
        .choices(TESTERS)
        .makeOptionMandatory(),
    )
    .requiredOption('--output <directory>', 'the directory for the files')
    .addOption(
      new Option('--rates <percent,...>', 'the match rates')
        .argParser(rates)
        .default(EVERY_TENTH, '0,10,20,...,100'),
    )
    .option(
      '--packets <count>',
      'the number of frames in each capture',
      wholeNumber(1, 1_000_000),
      1000,
    )
    .option('--json', 'print JSON for scripts')
    .addHelpText(
      'after',
      `
Answers have ${FRAME_BYTES.answers} bytes and fragments ${FRAME_BYTES.fragments}. In each capture, ctga copies one share of the frames; the
others have the same size, and ctga does not copy them. The README in the directory says how to
measure on a 10 Gb/s pair.`,
    )
    .action(writeTraffic);
  return new Command('bench').description('write traffic to measure ctga with').addCommand(traffic);
}

function rates(text: string): number[] {
  return text.split(',').map((each) => {
    if (!/^[0-9]{1,3}$/.test(each) || Number(each) > 100)
      throw new InvalidArgumentError('want per cents from 0 to 100, such as 0,50,100.');
    return Number(each);
  });
}

function writeTraffic({ tool, output, rates: shares, packets, json }: TrafficOptions): void {
  const { captures, script, files } = writeTesterFiles(output, tool, shares, packets);
  if (json === true) printJson({ directory: output, files });
  else
    print(
      `${files.length} files in ${output}: ${captures.length} captures, ${script}, README.md, zones.txt`,
    );
}
