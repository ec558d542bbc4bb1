// SPDX-License-Identifier: Apache-2.0
/**
 * One period: how the members come to agree on what they state in it. Pure: time and messages come
 * in, messages go out.
 *
 * Views have one leader each, and come one after another for as long as nothing is agreed on; the
 * first begins with the period, and is the only one unless somebody is silent or lies. What a
 * threshold voted for in one view (a lock) can be voted against only by who sees a lock of a later
 * view, and statements are signed behind a lock alone. Any two thresholds share more members than
 * may lie, so nothing else can get a threshold of statements (docs/FEDERATION.md has the argument).
 */
import type { G1 } from '../bls/signatures.ts';
import { aggregate } from '../bls/signatures.ts';
import { decodeSignature, encodeSignature } from '../bls/standard.ts';
import { Bits, hex, isSame, sha256 } from './bytes.ts';
import { faultOf, statedOf, statementsBytes, type Certificate, type Group } from './certificate.ts';
import { isProven, type Fault, type Said } from './fault.ts';
import {
  encodeWholeLock,
  isLocked,
  proposalBytes,
  voteBytes,
  type Lock,
  type ProposalHeader,
  type RoundMessage,
  type Votes,
  type WholeLock,
} from './messages.ts';
import type { MemberIndex, Roster } from './roster.ts';
import {
  digestOf,
  encodeProposed,
  proposalDigest,
  slotOf,
  statementsBody,
  voteBody,
  type Proposed,
  type Statement,
} from './statement.ts';

export type Judgement =
  /** One's own challenger has seen this proven: one can state it. */
  | 'stated'
  /** It may be so, and one does not know. */
  | 'unknown'
  /** Whoever it is about did not sign it, or is convicted. */
  | 'refused';

/** What a member knows by its own challenger. Each call answers as of now. */
export interface Observer {
  /** What this member would state in a period, one of each slot at most. */
  candidates(period: number): readonly Proposed[];
  judge(proposed: Proposed): Judgement;
}

/** What a member signs with. */
export interface Signer {
  /** By Ed25519, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array;
  /** By BLS, 48 bytes. */
  signBls(bytes: Uint8Array): Uint8Array;
}

export interface RoundOptions {
  readonly roster: Roster;
  readonly me: MemberIndex;
  readonly signer: Signer;
  readonly observer: Observer;
  readonly period: number;
  /** Who leads view 0, 1 and so on; after the last the first again. */
  readonly leaders: readonly MemberIndex[];
  /** When it begins, in ms. */
  readonly start: number;
  readonly kept?: KeptRound | undefined;
  /** Keys of members who sent signatures that are none, in hexadecimal; others are added to it. */
  readonly doubted: Set<string>;
}

/** What must outlast a crash, lest a member contradict itself. */
export interface KeptRound {
  readonly period: number;
  /** The last view in which this member said anything that it is bound by. */
  readonly view: number;
  readonly locks: readonly WholeLock[];
}

export type RoundOutput =
  /** To be on the disk before anything that follows is sent. */
  | { readonly kind: 'keep-round'; readonly kept: KeptRound }
  | { readonly kind: 'tell'; readonly to: MemberIndex; readonly message: RoundMessage }
  /** Verified, and has something that was not agreed on yet. */
  | { readonly kind: 'certified'; readonly certificate: Certificate }
  | { readonly kind: 'fault'; readonly fault: Fault }
  /** A view is over without an agreement; others may have one. */
  | { readonly kind: 'late' };

type Of<Kind extends RoundMessage['kind']> = Extract<RoundMessage, { readonly kind: Kind }>;

interface SeenProposal {
  readonly header: ProposalHeader;
  readonly items: readonly Proposed[];
}

/** What a leader does in one view. */
interface Lead {
  readonly ready: Map<MemberIndex, Of<'ready'>>;
  proposal: SeenProposal | undefined;
  readonly votes: Map<MemberIndex, Of<'vote'>>;
  chosen: Bits | undefined;
  readonly stated: Map<MemberIndex, { readonly mask: Bits; readonly signature: Uint8Array }>;
  isOver: boolean;
}

export class Round {
  readonly #options: RoundOptions;
  readonly #roster: Roster;
  /** -1: not begun. */
  #view = -1;
  /** The last view in which one voted or signed; before a crash too. */
  #bound = -1;
  /** Views up to this one were taken part in before a crash: in what way is forgotten. */
  readonly #forgotten: number;
  readonly #proposals = new Map<number, SeenProposal>();
  readonly #voted = new Map<number, { readonly mask: Bits; readonly items: readonly Proposed[] }>();
  readonly #signed = new Set<number>();
  /** Views of which the leader told a certificate that is none. */
  readonly #falsified = new Set<number>();
  readonly #locks = new Map<string, WholeLock>();
  readonly #leads = new Map<number, Lead>();
  /** Proposals that came before their time, by view. */
  readonly #early = new Map<number, readonly [MemberIndex, Of<'proposal'>]>();
  /** What is agreed on, by slot. */
  readonly #stated = new Map<string, Statement>();
  #output: RoundOutput[] = [];
  #candidates: readonly Proposed[] | undefined;
  #now = 0;

  constructor(options: RoundOptions) {
    this.#options = options;
    this.#roster = options.roster;
    const { kept } = options;
    this.#forgotten = kept?.view ?? -1;
    this.#bound = this.#forgotten;
    for (const lock of kept?.locks ?? []) this.#takeLock(lock);
  }

  get period(): number {
    return this.#options.period;
  }

  leaderOf(view: number): MemberIndex {
    const { leaders } = this.#options;
    return leaders[view % leaders.length] ?? 0;
  }

  /** Views begin ever later: a network that is slower than thought gets its time. */
  beginningOf(view: number): number {
    return this.#options.start + (this.#roster.body.patience * view * (view + 3)) / 4;
  }

  /** The last that begins within the period: those who find each other again late agree late. */
  get #lastView(): number {
    const { period, patience } = this.#roster.body;
    return Math.floor((Math.sqrt(9 + (16_000 * period) / patience) - 3) / 2);
  }

  /** When `time` is to be called again; undefined: it need not. */
  get wakeAt(): number | undefined {
    const times: number[] = [];
    if (this.#view < 0) times.push(this.beginningOf(0));
    else if (this.#view < this.#lastView && !this.isDone())
      times.push(this.beginningOf(this.#view + 1));
    for (const [view, lead] of this.#leads) {
      if (lead.isOver) continue;
      const { patience } = this.#roster.body;
      for (const part of [1, 2, 3])
        times.push(this.beginningOf(view) + Math.ceil((patience * part) / 4));
    }
    return times.filter((time) => time > this.#now).sort((a, b) => a - b)[0];
  }

  /** Whether nothing is left that this member could state, or may be bound to. */
  isDone(): boolean {
    const open = (this.#candidates ?? []).some(({ statement }) => this.#isOpen(statement));
    return !open && this.#openLocks().length === 0;
  }

  time(now: number): RoundOutput[] {
    return this.#at(now, () => {
      while (
        this.#view < this.#lastView &&
        this.beginningOf(this.#view + 1) <= now &&
        (this.#view < 0 || !this.isDone())
      )
        this.#begin(this.#view + 1);
      for (const view of this.#leads.keys()) this.#lead(view);
    });
  }

  take(from: MemberIndex, message: RoundMessage, now: number): RoundOutput[] {
    return this.#at(now, () => this.#take(from, message));
  }

  /** A certificate that came another way, and holds. */
  learn(certificate: Certificate): void {
    for (const { statement } of statedOf(certificate, this.#roster))
      this.#stated.set(slotOf(statement), statement);
  }

  #at(now: number, work: () => void): RoundOutput[] {
    this.#now = Math.max(now, this.#now);
    work();
    const output = this.#output;
    this.#output = [];
    return output;
  }

  #take(from: MemberIndex, message: RoundMessage): void {
    // Whose clock is a little late hears of what is to come; of more nobody has to remember.
    if (message.view > Math.min(this.#lastView, this.#view + 2)) return;
    switch (message.kind) {
      case 'ready':
        return this.#takeReady(from, message);
      case 'proposal':
        return this.#takeProposal(from, message);
      case 'vote':
        return this.#takeVote(from, message);
      case 'lock':
        return this.#takeLockMessage(from, message);
      case 'statements':
        return this.#takeStatements(from, message);
      case 'certificate':
        return this.#takeCertificate(from, message);
    }
  }

  #tell(to: MemberIndex, message: RoundMessage): void {
    if (to === this.#options.me) this.#take(to, message);
    else this.#output.push({ kind: 'tell', to, message });
  }

  #tellAll(message: RoundMessage): void {
    // Oneself last: what follows from it is behind what it follows from.
    for (let to = 0; to < this.#roster.size; to++)
      if (to !== this.#options.me) this.#tell(to, message);
    this.#tell(this.#options.me, message);
  }

  #begin(view: number): void {
    this.#view = view;
    if (view > 0) this.#output.push({ kind: 'late' });
    this.#candidates = this.#options.observer
      .candidates(this.period)
      .filter(({ statement }) => this.#isOpen(statement));
    const early = this.#early.get(view);
    this.#early.delete(view);
    const locks = this.#openLocks();
    const seen = this.#proposals.get(Math.max(-1, ...this.#proposals.keys()))?.header;
    const { period } = this;
    const candidates = this.#candidates;
    this.#tell(this.leaderOf(view), { kind: 'ready', period, view, candidates, seen, locks });
    if (early !== undefined) this.#takeProposal(...early);
  }

  #isOpen(statement: Statement): boolean {
    return !this.#stated.has(slotOf(statement));
  }

  #openLocks(): WholeLock[] {
    const open = [...this.#locks].filter(([slot]) => !this.#stated.has(slot));
    return [...new Set(open.map(([, lock]) => lock))];
  }

  #leadOf(view: number): Lead | undefined {
    // A leader that crashed in a view has forgotten what it proposed there.
    if (this.leaderOf(view) !== this.#options.me || view <= this.#forgotten) return undefined;
    let lead = this.#leads.get(view);
    if (lead === undefined) {
      lead = {
        ready: new Map(),
        proposal: undefined,
        votes: new Map(),
        chosen: undefined,
        stated: new Map(),
        isOver: false,
      };
      this.#leads.set(view, lead);
    }
    return lead;
  }

  /** Whether so many quarters of a view's patience are over. */
  #isPast(view: number, quarters: number): boolean {
    const { patience } = this.#roster.body;
    return this.#now >= this.beginningOf(view) + (patience * quarters) / 4;
  }

  #lead(view: number): void {
    this.#propose(view);
    this.#lock(view);
    this.#certify(view);
    const lead = this.#leads.get(view);
    if (lead !== undefined && this.#isPast(view, 4)) lead.isOver = true;
  }

  // --- ready, proposal ---

  #takeReady(from: MemberIndex, message: Of<'ready'>): void {
    const { view, seen } = message;
    if (seen !== undefined) this.#compareHeader(seen);
    const lead = this.#leadOf(view);
    if (lead === undefined || lead.ready.has(from) || lead.proposal !== undefined) return;
    lead.ready.set(from, message);
    this.#propose(view);
  }

  #propose(view: number): void {
    const lead = this.#leads.get(view);
    const { size, threshold } = this.#roster;
    if (lead === undefined || lead.proposal !== undefined || lead.isOver) return;
    if (lead.ready.size < threshold || this.#view < view || this.#bound > view) return;
    const all = [...lead.ready.values()];
    const locks = view === 0 ? [] : this.#goodLocks(all);
    const items = this.#choose(view, all, locks);
    const isComplete = view === 0 && this.#isSettled(all, items);
    if (!isComplete && lead.ready.size < size && !this.#isPast(view, 1)) return;
    if (items.length === 0) {
      lead.isOver = lead.ready.size === size;
      return;
    }
    const header = this.#signedHeader(view, proposalDigest(items));
    lead.proposal = { header, items };
    const { period } = this;
    const { signature } = header;
    this.#tellAll({ kind: 'proposal', period, view, items, signature, locks });
  }

  /**
   * Whether those who are not heard yet can bring nothing newer to a threshold. Else one liar who is
   * heard early would have all agree on a tree that is older than they know.
   */
  #isSettled(all: readonly Of<'ready'>[], items: readonly Proposed[]): boolean {
    const unheard = this.#roster.size - all.length;
    const picked = new Map(items.map(({ statement }) => [slotOf(statement), statement]));
    return [...bySlot(all)].every(([slot, candidates]) => {
      const best = picked.get(slot);
      return different(candidates, ({ statement }) => digestOf(statement)).every(
        ({ statement }) =>
          (best !== undefined && newestFirst(statement, best) >= 0) ||
          supportersOf(statement, candidates) + unheard < this.#roster.threshold,
      );
    });
  }

  #signedHeader(view: number, digest: Uint8Array): ProposalHeader {
    this.#bind(view);
    const bytes = proposalBytes(this.#roster, this.period, { view, digest });
    return { view, digest, signature: this.#options.signer.sign(bytes) };
  }

  #goodLocks(all: readonly Of<'ready'>[]): WholeLock[] {
    const different = new Map(
      all.flatMap(({ locks }) => locks).map((lock) => [hex(encodeWholeLock(lock)), lock]),
    );
    return [...different.values()].filter((lock) => isLocked(this.#roster, this.period, lock));
  }

  /** What to put to the vote: what somebody may be locked on first, and then what most can state. */
  #choose(view: number, all: readonly Of<'ready'>[], locks: readonly WholeLock[]): Proposed[] {
    const chosen = new Map<string, Proposed>();
    const inOrder = locks.toSorted((a, b) => a.header.view - b.header.view);
    for (const lock of inOrder)
      for (const item of chosenOf(lock)) chosen.set(slotOf(item.statement), item);
    for (const [slot, candidates] of bySlot(all)) {
      if (chosen.has(slot)) continue;
      const picked = this.#pick(candidates, view);
      if (picked !== undefined) chosen.set(slot, picked);
    }
    return [...chosen.values()]
      .filter(({ statement }) => this.#isOpen(statement))
      .toSorted((a, b) => (slotOf(a.statement) < slotOf(b.statement) ? -1 : 1));
  }

  /**
   * Of what members would state in one slot, the newest that a threshold can: whoever saw a tree
   * has seen those that are smaller too. In later views the one that the most can.
   */
  #pick(candidates: readonly Proposed[], view: number): Proposed | undefined {
    // One statement may come with a false proof, and from others with a true one.
    const ranked = different(candidates, (each) => sha256(encodeProposed(each)))
      .map((each) => ({ each, count: supportersOf(each.statement, candidates) }))
      .filter(({ count }) => count >= this.#roster.threshold)
      .sort((a, b) => newestFirst(a.each.statement, b.each.statement));
    if (view > 0) ranked.sort((a, b) => b.count - a.count);
    return ranked.find(({ each }) => this.#options.observer.judge(each) !== 'refused')?.each;
  }

  // --- proposal, vote ---

  #takeProposal(from: MemberIndex, message: Of<'proposal'>): void {
    const { view, items, signature, locks } = message;
    if (from !== this.leaderOf(view)) return;
    if (view > this.#view) {
      if (!this.#early.has(view)) this.#early.set(view, [from, message]);
      return;
    }
    const digest = proposalDigest(items);
    const header = { view, digest, signature };
    const known = this.#proposals.get(view);
    if (known !== undefined && isSame(known.header.digest, digest)) return;
    if (!this.#roster.isSignedBy(from, proposalBytes(this.#roster, this.period, header), signature))
      return;
    if (known !== undefined) return this.#compareHeader(header);
    this.#proposals.set(view, { header, items });
    if (view < this.#bound || view <= this.#forgotten || items.length === 0) return;
    const mask = new Bits(new Uint8Array(Bits.bytesFor(items.length)));
    items.forEach((item, i) => {
      if (this.#mayState(item, locks)) mask.add(i);
    });
    this.#voted.set(view, { mask, items });
    this.#bind(view);
    const bytes = voteBytes(this.#roster, this.period, header, mask);
    const vote = this.#options.signer.sign(bytes);
    const { period } = this;
    this.#tell(from, { kind: 'vote', period, view, digest, mask, signature: vote });
  }

  #mayState(item: Proposed, locks: readonly WholeLock[]): boolean {
    const slot = slotOf(item.statement);
    const digest = digestOf(item.statement);
    const stated = this.#stated.get(slot);
    if (stated !== undefined && !isSame(digestOf(stated), digest)) return false;
    const mine = this.#locks.get(slot);
    if (mine !== undefined && !locksOn(mine, slot, digest)) {
      const later = locks.some(
        (lock) =>
          lock.header.view > mine.header.view &&
          locksOn(lock, slot, digest) &&
          isLocked(this.#roster, this.period, lock),
      );
      if (!later) return false;
    }
    return this.#options.observer.judge(item) === 'stated';
  }

  /** From here on nothing is said in an earlier view, after a crash either. */
  #bind(view: number): void {
    this.#bound = Math.max(this.#bound, view);
    this.#keep();
  }

  #keep(): void {
    const { period } = this;
    const locks = [...new Set(this.#locks.values())];
    this.#output.push({ kind: 'keep-round', kept: { period, view: this.#bound, locks } });
  }

  #takeVote(from: MemberIndex, message: Of<'vote'>): void {
    const { view, digest, mask, signature } = message;
    const lead = this.#leads.get(view);
    const { proposal } = lead ?? {};
    if (lead === undefined || proposal === undefined) return;
    const known = lead.votes.get(from);
    const isMeant = isSame(proposal.header.digest, digest) && isMaskOf(mask, proposal.items.length);
    if (known === undefined && !isMeant) return;
    const bytes = voteBytes(this.#roster, this.period, { view, digest }, mask);
    if (!this.#roster.isSignedBy(from, bytes, signature)) return;
    if (known !== undefined)
      return this.#accuse(from, 'vote', view, saidByVote(known), saidByVote(message));
    lead.votes.set(from, message);
    this.#lock(view);
  }

  // --- lock, statements ---

  #lock(view: number): void {
    const lead = this.#leads.get(view);
    const { proposal } = lead ?? {};
    if (lead === undefined || proposal === undefined || lead.chosen !== undefined) return;
    if (lead.isOver) return;
    const { size, threshold } = this.#roster;
    const { items, header } = proposal;
    const votes = [...lead.votes.values()];
    const enough = items.flatMap((_, i) =>
      votes.filter(({ mask }) => mask.has(i)).length >= threshold ? [i] : [],
    );
    const isComplete = enough.length === items.length || votes.length === size;
    if (enough.length === 0 || !(isComplete || this.#isPast(view, 2))) return;
    lead.chosen = Bits.of(items.length, enough);
    const lock: Lock = { header, chosen: lead.chosen, votes: grouped(lead.votes) };
    const { period } = this;
    this.#tellAll({ kind: 'lock', period, view, lock, count: items.length });
  }

  #takeLockMessage(from: MemberIndex, { view, lock, count }: Of<'lock'>): void {
    if (from !== this.leaderOf(view)) return;
    this.#compareHeader(lock.header);
    const proposal = this.#proposals.get(view);
    const voted = this.#voted.get(view);
    if (proposal === undefined || voted === undefined || this.#signed.has(view)) return;
    if (view < this.#bound || count !== proposal.items.length) return;
    const whole = { ...lock, header: proposal.header, items: proposal.items };
    if (!isSame(lock.header.digest, proposal.header.digest)) return;
    if (!isLocked(this.#roster, this.period, whole)) return;
    this.#signed.add(view);
    this.#takeLock(whole);
    this.#keep();
    const mask = Bits.of(
      count,
      lock.chosen.members().filter((i) => voted.mask.has(i)),
    );
    if (mask.count === 0) return;
    const { period } = this;
    const bytes = statementsBytes(this.#place(view), proposal.items, mask);
    const signature = this.#options.signer.signBls(bytes);
    this.#tell(from, { kind: 'statements', period, view, count, mask, signature });
  }

  #place(view: number): Pick<Certificate, 'roster' | 'period' | 'view'> {
    return { roster: this.#roster.hash, period: this.period, view };
  }

  #takeLock(lock: WholeLock): void {
    for (const { statement } of chosenOf(lock)) {
      const slot = slotOf(statement);
      const known = this.#locks.get(slot);
      if (known === undefined || known.header.view < lock.header.view) this.#locks.set(slot, lock);
    }
  }

  #takeStatements(from: MemberIndex, message: Of<'statements'>): void {
    const { view, mask, signature, count } = message;
    const lead = this.#leads.get(view);
    const { proposal, chosen } = lead ?? {};
    if (lead === undefined || proposal === undefined || chosen === undefined) return;
    if (count !== proposal.items.length || mask.count === 0) return;
    const known = lead.stated.get(from);
    if (known !== undefined && !isSame(known.mask.bytes, mask.bytes)) {
      const said = [known, { mask, signature }].map((each): Said => ({
        body: statementsBody(
          proposal.items.filter((_, i) => each.mask.has(i)).map(({ statement }) => statement),
        ),
        signature: each.signature,
      }));
      const [one, other] = said;
      if (one !== undefined && other !== undefined)
        this.#accuse(from, 'statements', view, one, other);
    }
    if (known !== undefined || lead.isOver) return;
    if (mask.members().some((i) => !chosen.has(i))) return;
    // Whoever sent one that is none is checked alone from then on, so that all others need not be.
    const key = this.#roster.body.members[from]?.key ?? new Uint8Array(0);
    const bytes = statementsBytes(this.#place(view), proposal.items, mask);
    const signers = Bits.of(this.#roster.size, [from]);
    if (
      this.#options.doubted.has(hex(key)) &&
      !this.#roster.isSignedTogether({ signers, signature }, bytes)
    )
      return;
    lead.stated.set(from, { mask, signature });
    this.#certify(view);
  }

  // --- certificate ---

  #certify(view: number): void {
    const lead = this.#leads.get(view);
    const { proposal, chosen } = lead ?? {};
    if (lead === undefined || proposal === undefined || chosen === undefined || lead.isOver) return;
    const { threshold } = this.#roster;
    const counts = (): number[] =>
      chosen
        .members()
        .map((i) => [...lead.stated.values()].filter(({ mask }) => mask.has(i)).length);
    const isEnough = (): boolean => {
      const enough = counts().filter((count) => count >= threshold).length;
      const isComplete = enough === chosen.count || lead.stated.size === lead.votes.size;
      return enough > 0 && (isComplete || this.#isPast(view, 3));
    };
    if (!isEnough()) return;
    const groups = this.#groups(view, proposal, chosen, lead.stated);
    // Somebody's signature was none, and is gone: it may not be enough any more.
    if (!isEnough()) return;
    lead.isOver = true;
    const { period } = this;
    const { digest } = proposal.header;
    const count = proposal.items.length;
    this.#tellAll({ kind: 'certificate', period, view, digest, count, chosen, groups });
  }

  #doubt(member: MemberIndex): void {
    const key = this.#roster.body.members[member]?.key;
    if (key !== undefined) this.#options.doubted.add(hex(key));
  }

  /** Adds up those who stated the same. Whose signature is none is found by halves, and dropped. */
  #groups(view: number, { items }: SeenProposal, chosen: Bits, stated: Lead['stated']): Group[] {
    const { size } = this.#roster;
    const byMask = new Map<string, MemberIndex[]>();
    for (const [member, { mask }] of stated) {
      const key = hex(mask.bytes);
      byMask.set(key, [...(byMask.get(key) ?? []), member]);
    }
    const isGood = (members: readonly MemberIndex[], signature: Uint8Array, mask: Bits): boolean =>
      this.#roster.isSignedTogether(
        { signers: Bits.of(size, members), signature },
        statementsBytes(this.#place(view), items, mask),
      );
    return [...byMask].flatMap(([key, all]) => {
      const mask = new Bits(new Uint8Array(Buffer.from(key, 'hex')));
      const signatureOf = (member: MemberIndex): Uint8Array =>
        stated.get(member)?.signature ?? new Uint8Array(0);
      const good = (part: readonly MemberIndex[]): readonly MemberIndex[] => {
        const sum = summed(part.map(signatureOf));
        if (sum !== undefined && isGood(part, sum, mask)) return part;
        const [only] = part;
        if (part.length <= 1) {
          if (only !== undefined) this.#doubt(only);
          return [];
        }
        return [good(part.slice(0, part.length / 2)), good(part.slice(part.length / 2))].flat();
      };
      const members = good(all);
      for (const member of all) if (!members.includes(member)) stated.delete(member);
      const signature = summed(members.map(signatureOf));
      if (signature === undefined || members.length === 0) return [];
      const places = chosen.members();
      const within = places.flatMap((i, place) => (mask.has(i) ? [place] : []));
      return [{ mask: Bits.of(places.length, within), signers: Bits.of(size, members), signature }];
    });
  }

  /** From its leader alone, and not after a false one: each takes a pairing to check. */
  #takeCertificate(
    from: MemberIndex,
    { view, digest, count, chosen, groups }: Of<'certificate'>,
  ): void {
    if (from !== this.leaderOf(view) || this.#falsified.has(view)) return;
    const proposal = this.#proposals.get(view);
    if (proposal === undefined || !isSame(proposal.header.digest, digest)) return;
    if (count !== proposal.items.length) return;
    const items = proposal.items.filter((_, i) => chosen.has(i));
    if (!items.some(({ statement }) => this.#isOpen(statement))) return;
    const certificate = { ...this.#place(view), items, groups };
    if (faultOf(certificate, this.#roster) !== undefined) return void this.#falsified.add(view);
    this.learn(certificate);
    this.#output.push({ kind: 'certified', certificate });
  }

  // --- faults ---

  /** Where its leader signed another proposal for the view than the one that is here. */
  #compareHeader(header: ProposalHeader): void {
    const known = this.#proposals.get(header.view)?.header;
    if (known === undefined || isSame(known.digest, header.digest)) return;
    const said = ({ digest: body, signature }: ProposalHeader): Said => ({ body, signature });
    const leader = this.leaderOf(header.view);
    this.#accuse(leader, 'proposal', header.view, said(known), said(header));
  }

  #accuse(
    member: MemberIndex,
    purpose: Fault['purpose'],
    view: number,
    one: Said,
    other: Said,
  ): void {
    const { period } = this;
    const roster = this.#roster.hash;
    const fault: Fault = { purpose, roster, period, view, member, said: [one, other] };
    if (isProven(fault, this.#roster)) this.#output.push({ kind: 'fault', fault });
  }
}

function bySlot(all: readonly Of<'ready'>[]): Map<string, Proposed[]> {
  const slots = new Map<string, Proposed[]>();
  for (const item of all.flatMap(({ candidates }) => candidates)) {
    const slot = slotOf(item.statement);
    slots.set(slot, [...(slots.get(slot) ?? []), item]);
  }
  return slots;
}

function different(
  all: readonly Proposed[],
  digest: (each: Proposed) => Uint8Array,
): readonly Proposed[] {
  return [...new Map(all.map((each) => [hex(digest(each)), each])).values()];
}

function supportersOf(statement: Statement, candidates: readonly Proposed[]): number {
  return candidates.filter((other) => supports(other.statement, statement)).length;
}

/** Whether whoever would state the first can state the second too. */
function supports(mine: Statement, other: Statement): boolean {
  if (mine.kind === 'head' && other.kind === 'head' && mine.treeSize !== other.treeSize)
    return mine.treeSize > other.treeSize;
  return isSame(digestOf(mine), digestOf(other));
}

/** Larger trees before smaller ones, and those before accusations. */
function newestFirst(a: Statement, b: Statement): number {
  const size = (each: Statement): bigint => (each.kind === 'head' ? each.treeSize : -1n);
  return size(a) === size(b) ? 0 : size(a) > size(b) ? -1 : 1;
}

function chosenOf({ items, chosen }: WholeLock): Proposed[] {
  return items.filter((_, i) => chosen.has(i));
}

function locksOn(lock: WholeLock, slot: string, digest: Uint8Array): boolean {
  return chosenOf(lock).some(
    ({ statement }) => slotOf(statement) === slot && isSame(digestOf(statement), digest),
  );
}

function isMaskOf({ bytes }: Bits, items: number): boolean {
  return (
    bytes.length === Bits.bytesFor(items) && new Bits(bytes).members().every((each) => each < items)
  );
}

function saidByVote({ digest, mask, signature }: Of<'vote'>): Said {
  return { body: voteBody(digest, mask.bytes), signature };
}

function grouped(votes: ReadonlyMap<MemberIndex, Of<'vote'>>): Votes[] {
  const groups = new Map<string, { mask: Bits; signatures: Map<MemberIndex, Uint8Array> }>();
  for (const [member, { mask, signature }] of votes) {
    const key = hex(mask.bytes);
    const group = groups.get(key) ?? { mask, signatures: new Map<MemberIndex, Uint8Array>() };
    group.signatures.set(member, signature);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Undefined where one of them is no signature at all, or there is none. */
function summed(signatures: readonly Uint8Array[]): Uint8Array | undefined {
  try {
    const sum = aggregate(signatures.map((each): G1 => decodeSignature(each)));
    return sum.is0() ? undefined : encodeSignature(sum);
  } catch {
    return undefined;
  }
}
