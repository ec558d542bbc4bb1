// SPDX-License-Identifier: Apache-2.0
/**
 * What is copied of the frames of a resolver: answers to the names that are looked for. Pure but
 * for the counts.
 *
 * The order of the work is the defence, and what makes it quick: the frame's fields, the name in the
 * message as it is, and only then its records.
 */
import { FormatError } from '../../base/cursor.ts';
import { foldName } from '../../dns/name.ts';
import { readAnswerSection, RecordType } from '../../dns/message.ts';
import { MessageFilter } from '../capture/message-filter.ts';
import { Verdict } from '../capture/verdict.ts';
import type { AnswerPlace } from '../types.ts';
import { Count } from './counts.ts';
import { DnstapFrame, MALFORMED, NO_RESPONSE } from './message.ts';
import type { SeenAnswers } from './seen-answers.ts';

/** A DNS message for the observer. */
export interface TappedMessage {
  /** A copy. */
  readonly message: Uint8Array;
  /** Where the text lies in it, if it is the message's only one. */
  readonly answer: AnswerPlace | undefined;
}

export interface TapOptions {
  readonly counts: Float64Array;
  readonly everyNth: number;
  /** Undefined to copy every answer. */
  readonly seen: SeenAnswers | undefined;
  /** Whether another message for this name can be taken; asked for what is to be copied alone. */
  readonly hasRoom: (name: string) => boolean;
  readonly deliver: (message: TappedMessage, name: string) => void;
}

const DNS_HEADER = 12;
/** What follows the name in a question. */
const TYPE_AND_CLASS = 4;
/** Of no more than these a message's only text is told from its repeats, as in the kernel. */
const MAX_RECORDS = 4;
/** Texts that are longer are copied each time they come. */
const MAX_TEXT = 4096;

export class Tap {
  readonly #options: TapOptions;
  readonly #frame = new DnstapFrame();
  #filter = new MessageFilter([]);
  #matches = 0;

  constructor(options: TapOptions) {
    this.#options = options;
  }

  /** In DNS wire format, lower case: see MatchRules. Nothing else is copied from now on. */
  setNames(names: readonly Uint8Array[]): void {
    this.#filter = new MessageFilter(names);
  }

  /** Takes the frame bytes[start, end), at `now` (ms). Never throws for what is in there. */
  take(bytes: Uint8Array, start: number, end: number, now: number): void {
    const frame = this.#frame;
    const found = frame.read(bytes, start, end);
    if (found === MALFORMED) return this.count(Count.malformed);
    if (found === NO_RESPONSE) return this.count(Count.notTreeHead);
    switch (this.#filter.judge(bytes, frame.start, frame.end)) {
      case Verdict.answer:
        return this.#match(bytes.subarray(frame.start, frame.end), now);
      case Verdict.malformed:
        return this.count(Count.malformed);
      case Verdict.unknownName:
        return this.count(Count.unknownName);
      default:
        return this.count(Count.notTreeHead);
    }
  }

  count(place: Count, by = 1): void {
    const { counts } = this.#options;
    counts[place] = (counts[place] as number) + by;
  }

  #match(message: Uint8Array, now: number): void {
    const { seen, everyNth, hasRoom, deliver } = this.#options;
    const { name, only } = readTexts(message);
    if (only === undefined || seen === undefined) {
      if (this.#isSampledOut(everyNth)) return this.count(Count.sampledOut);
      if (!hasRoom(name)) return this.count(Count.noRoom);
      this.count(Count.copied);
      return deliver({ message: new Uint8Array(message), answer: undefined }, name);
    }
    const { rdataOffset, rdataLength } = only;
    const rdata = message.subarray(rdataOffset, rdataOffset + rdataLength);
    const text = name + Buffer.from(rdata.buffer, rdata.byteOffset, rdataLength).toString('latin1');
    if (seen.count(text, now)) return this.count(Count.seen);
    if (this.#isSampledOut(everyNth)) return this.count(Count.sampledOut);
    if (!hasRoom(name)) return this.count(Count.noRoom);
    this.count(Count.copied);
    const answer = { ...only, ...seen.begin(text, now) };
    deliver({ message: new Uint8Array(message), answer }, name);
  }

  #isSampledOut(everyNth: number): boolean {
    return this.#matches++ % everyNth !== 0;
  }
}

interface Texts {
  /** The question's, in lower case, with its length in front as wire format has it. */
  readonly name: string;
  readonly only:
    Pick<AnswerPlace, 'nameOffset' | 'nameLength' | 'rdataOffset' | 'rdataLength'> | undefined;
}

/** Of a message whose question the filter has read. */
function readTexts(message: Uint8Array): Texts {
  try {
    const { question, answers, fault } = readAnswerSection(message);
    // Compressed names have one share: whoever sends them may make up as many as he likes.
    if (question.wire.length !== question.name.length + TYPE_AND_CLASS)
      return { name: '', only: undefined };
    const name = Buffer.from(foldName(question.name)).toString('latin1');
    const texts = answers.filter(({ type }) => type === RecordType.txt);
    const [text] = texts;
    if (
      text === undefined ||
      texts.length > 1 ||
      answers.length > MAX_RECORDS ||
      fault !== undefined ||
      text.rdata.length > MAX_TEXT
    )
      return { name, only: undefined };
    return {
      name,
      only: {
        nameOffset: DNS_HEADER,
        nameLength: question.name.length,
        rdataOffset: text.rdata.byteOffset - message.byteOffset,
        rdataLength: text.rdata.length,
      },
    };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { name: '', only: undefined };
  }
}
