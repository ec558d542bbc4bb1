// SPDX-License-Identifier: Apache-2.0
/**
 * Trust policies (c2sp.org/tlog-policy): which logs are believed, and which of their witnesses must
 * have cosigned.
 *
 *   log VKEY [URL]
 *   witness NAME VKEY [URL]
 *   group NAME K|any|all MEMBER...
 *   quorum NAME|none
 */
import { isAscii } from 'node:buffer';
import { messageOf } from '../base/errors.ts';
import { NOTE_KEY_TYPE, parseNoteKey, type NoteKey } from './note-key.ts';

export interface Policy {
  readonly logs: readonly PolicyParty[];
  /** By the name that the policy gives them, in the order of the file. */
  readonly witnesses: ReadonlyMap<string, PolicyParty>;
  readonly groups: ReadonlyMap<string, PolicyGroup>;
  /** The name of a witness or of a group; undefined for "none". */
  readonly quorum: string | undefined;
}

export interface PolicyParty {
  readonly key: NoteKey;
  readonly url: string | undefined;
}

export interface PolicyGroup {
  /** So many of the members, 1 .. members.length, must be there. */
  readonly threshold: number;
  /** Names of witnesses and of groups that the file defines before this one; none twice. */
  readonly members: readonly string[];
}

/** Far above the 32 that an implementation should take; a policy is the work of one person. */
const MAX_LINES = 10_000;
const MAX_BYTES = 4 * 1024 * 1024;
const LOG_TYPES: readonly number[] = [NOTE_KEY_TYPE.ed25519, NOTE_KEY_TYPE.mlDsa44];
const WITNESS_TYPES: readonly number[] = [NOTE_KEY_TYPE.cosignature, NOTE_KEY_TYPE.mlDsa44];

/** Throws RangeError with the number of the line and what is wrong with it. */
export function parsePolicy(bytes: Uint8Array): Policy {
  if (bytes.length > MAX_BYTES) throw new RangeError(`more than ${MAX_BYTES} bytes`);
  // Octets: names are compared as such, whatever they are in UTF-8 or not.
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('latin1')
    .split('\n');
  if (lines.length > MAX_LINES) throw new RangeError(`more than ${MAX_LINES} lines`);
  const parser = new PolicyParser();
  lines.forEach((line, i) => {
    try {
      parser.line(line);
    } catch (error) {
      if (error instanceof RangeError)
        throw new RangeError(`line ${i + 1}: ${error.message}`, { cause: error });
      throw error;
    }
  });
  return parser.policy();
}

/** Whether the quorum is there if exactly these witnesses, by their names, have cosigned. */
export function meetsQuorum(policy: Policy, cosigned: ReadonlySet<string>): boolean {
  if (policy.quorum === undefined) return true;
  const there = new Set(Array.from(policy.witnesses.keys()).filter((name) => cosigned.has(name)));
  // A group comes after all of its members.
  for (const [name, { threshold, members }] of policy.groups)
    if (members.filter((member) => there.has(member)).length >= threshold) there.add(name);
  return there.has(policy.quorum);
}

class PolicyParser {
  readonly #logs: PolicyParty[] = [];
  readonly #witnesses = new Map<string, PolicyParty>();
  readonly #groups = new Map<string, PolicyGroup>();
  /** Undefined until there is a line of it. */
  #quorum: { readonly name: string | undefined } | undefined;

  line(line: string): void {
    if (/[^\t\x20-\x7e\x80-\xff]/.test(line))
      throw new RangeError('it has a control character: lines end in a newline alone');
    const fields = line.split(/[ \t]+/).filter((field) => field !== '');
    const [keyword, ...rest] = fields;
    if (keyword === undefined || keyword.startsWith('#')) return;
    if (keyword === 'log') this.#log(rest);
    else if (keyword === 'witness') this.#witness(rest);
    else if (keyword === 'group') this.#group(rest);
    else if (keyword === 'quorum') this.#setQuorum(rest);
    else throw new RangeError(`"${shown(keyword)}" is none of log, witness, group and quorum`);
  }

  policy(): Policy {
    if (this.#quorum === undefined)
      throw new RangeError('no quorum: say which witnesses must have cosigned, or "quorum none"');
    return {
      logs: this.#logs,
      witnesses: this.#witnesses,
      groups: this.#groups,
      quorum: this.#quorum.name,
    };
  }

  #log(fields: readonly string[]): void {
    const [vkey, url, ...more] = fields;
    if (vkey === undefined || more.length > 0) throw new RangeError('want: log VKEY [URL]');
    this.#logs.push(party(vkey, url, LOG_TYPES, this.#logs, 'log'));
  }

  #witness(fields: readonly string[]): void {
    const [name, vkey, url, ...more] = fields;
    if (name === undefined || vkey === undefined || more.length > 0)
      throw new RangeError('want: witness NAME VKEY [URL]');
    this.#requireNew(name);
    const others = [...this.#witnesses.values()];
    this.#witnesses.set(name, party(vkey, url, WITNESS_TYPES, others, 'witness'));
  }

  #group(fields: readonly string[]): void {
    const [name, count, ...members] = fields;
    if (name === undefined || count === undefined || members.length === 0)
      throw new RangeError('want: group NAME K|any|all MEMBER...');
    this.#requireNew(name);
    members.forEach((member, i) => {
      this.#requireDefined(member);
      if (members.indexOf(member) !== i)
        throw new RangeError(`"${shown(member)}" is a member twice`);
    });
    this.#groups.set(name, { threshold: thresholdOf(count, members.length), members });
  }

  #setQuorum(fields: readonly string[]): void {
    const [name, ...more] = fields;
    if (name === undefined || more.length > 0) throw new RangeError('want: quorum NAME|none');
    if (this.#quorum !== undefined) throw new RangeError('a second quorum');
    if (name !== 'none') this.#requireDefined(name);
    this.#quorum = { name: name === 'none' ? undefined : name };
  }

  #requireNew(name: string): void {
    if (name === 'none') throw new RangeError('the name "none" means that no quorum is wanted');
    if (this.#witnesses.has(name) || this.#groups.has(name))
      throw new RangeError(`the name "${shown(name)}" is taken by a line before`);
  }

  #requireDefined(name: string): void {
    if (!this.#witnesses.has(name) && !this.#groups.has(name))
      throw new RangeError(`no line before defines "${shown(name)}"`);
  }
}

function thresholdOf(text: string, members: number): number {
  if (text === 'any') return 1;
  if (text === 'all') return members;
  const threshold = /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : undefined;
  if (threshold === undefined || threshold > members)
    throw new RangeError(`want any, all, or a number from 1 to ${members}, not "${shown(text)}"`);
  return threshold;
}

function party(
  vkey: string,
  url: string | undefined,
  types: readonly number[],
  others: readonly PolicyParty[],
  kind: 'log' | 'witness',
): PolicyParty {
  const key = parseKey(vkey);
  if (!types.includes(key.type))
    throw new RangeError(
      `a key of type ${key.type} is not one of a ${kind}: want ${types.join(' or ')}`,
    );
  // Under another name it would count twice.
  if (others.some((other) => Buffer.from(other.key.publicKey).equals(key.publicKey)))
    throw new RangeError(`a ${kind} before has the same public key`);
  return { key, url: url === undefined ? undefined : utf8(url) };
}

function parseKey(vkey: string): NoteKey {
  const text = utf8(vkey);
  if (text === undefined) throw new RangeError('the key is not UTF-8');
  try {
    return parseNoteKey(text);
  } catch (error) {
    throw new RangeError(`its key: ${messageOf(error)}`, { cause: error });
  }
}

/** Octets as text; undefined where they are not UTF-8. */
function utf8(octets: string): string | undefined {
  const bytes = Buffer.from(octets, 'latin1');
  if (isAscii(bytes)) return octets;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** For a message: a name as the file's UTF-8 has it, and not all of a long one. */
function shown(octets: string): string {
  const text = Buffer.from(octets, 'latin1').toString('utf8');
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
