// SPDX-License-Identifier: Apache-2.0
/** Watching the directory of evidence: what is wrong with it, for alerts and the status page. */
import { messageOf } from '../base/errors.ts';
import { EvidenceReader, faultsOf, type EvidenceReport } from './directory.ts';

export interface EvidenceLook {
  /** Undefined where the directory cannot be read. */
  readonly report: EvidenceReport | undefined;
  /** What is wrong, one sentence each. */
  readonly faults: readonly string[];
}

export class EvidenceWatch {
  readonly #directory: string;
  readonly #reader: EvidenceReader;
  /** Not in the chain at the last look: what is being kept just then is in it at the next. */
  #unchained: ReadonlySet<string> = new Set();

  constructor(directory: string) {
    this.#directory = directory;
    this.#reader = new EvidenceReader(directory);
  }

  /** Reads only what has changed since the last look. Throws nothing. */
  look(): EvidenceLook {
    try {
      const report = this.#reader.read();
      const before = this.#unchained;
      const unchained = report.files.filter(({ state }) => state === 'unknown');
      this.#unchained = new Set(unchained.map(({ name }) => name));
      const lasting = report.files.filter(
        ({ name, state }) => state !== 'unknown' || before.has(name),
      );
      return { report, faults: faultsOf({ ...report, files: lasting }) };
    } catch (error) {
      const fault = `The evidence in ${this.#directory} cannot be read: ${messageOf(error)}.`;
      return { report: undefined, faults: [fault] };
    }
  }
}
