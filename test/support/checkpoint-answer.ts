// SPDX-License-Identifier: Apache-2.0
import { encodeResponse } from '../../src/dns/encode.ts';
import { checkpointName } from '../../src/sources/checkpoints/source.ts';
import { checkpointRdata } from '../../src/sources/checkpoints/text.ts';
import type { CheckpointKey } from '../../src/statements/key.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';

/** The DNS message that has the checkpoint of a zone, with so many lines of witnesses. */
export function checkpointAnswer(
  zone: string,
  head: VerifiedStatement,
  key: CheckpointKey,
  witnesses = 0,
): Buffer {
  const others = Array.from(
    { length: witnesses },
    (_, i) => `\u2014 w.test/${i} ${Buffer.alloc(76, i).toString('base64')}\n`,
  );
  const name = checkpointName(zone);
  const wire = Buffer.concat([name, Uint8Array.of(0, 16, 0, 1)]);
  const rdata = checkpointRdata({ ...head, others }, key, 1100);
  return encodeResponse({
    id: 7,
    opcode: 0,
    authoritative: true,
    truncated: false,
    recursionDesired: false,
    rcode: 0,
    question: { name, type: 16, class: 1, wire },
    answers: [{ labelsAbove: 0, type: 16, ttl: 300, rdata }],
    authorities: [],
    edns: undefined,
  });
}
