// SPDX-License-Identifier: Apache-2.0
/** The store of a member of a federation, with what a test wants a person to be told of. */
import { Bits, sha256 } from '../../src/federation/bytes.ts';
import { encodeCertificate } from '../../src/federation/certificate.ts';
import { federationIn } from '../../src/federation/directory.ts';
import { encodeFault } from '../../src/federation/fault.ts';
import { makeKeys } from '../../src/federation/keys.ts';
import { idOf } from '../../src/federation/member.ts';
import {
  formatSignedRoster,
  Roster,
  rosterBytes,
  type RosterBody,
} from '../../src/federation/roster.ts';
import type { Proposed } from '../../src/federation/statement.ts';
import { FederationStore } from '../../src/federation/store.ts';

export interface MemberInState {
  /** What the member, who is all of its federation, states in a period. */
  readonly state: (period: number, ...items: readonly Proposed[]) => void;
  /** It is proven false. */
  readonly convict: () => void;
  readonly period: number;
}

/** A federation of one, whose periods are of a minute and begin with `start`. */
export function makeMember(stateDirectory: string, start: number): MemberInState {
  const directory = federationIn(stateDirectory);
  const { member, signer } = makeKeys(directory, 'a', 'https://a.example/');
  const body: RosterBody = {
    name: 'demo',
    epoch: 0,
    previous: new Uint8Array(32),
    start,
    threshold: 1,
    period: 60,
    patience: 1000,
    members: [member],
  };
  const { hash: roster } = Roster.of(body);
  const signers = Bits.of(1, [0]);
  const within = (work: (store: FederationStore) => void): void => {
    const store = FederationStore.open(directory);
    work(store);
    store.close();
  };
  within((store) => {
    const signature = signer.signBls(rosterBytes(body));
    store.addRoster(0, formatSignedRoster({ body, signature: { signers, signature } }));
  });
  return {
    period: body.period * 1000,
    state: (period, ...items) =>
      within((store) => {
        const mask = Bits.of(
          items.length,
          items.map((_, i) => i),
        );
        const groups = [{ mask, signers, signature: new Uint8Array(48) }];
        store.addCertificate(period, encodeCertificate({ roster, period, view: 0, items, groups }));
      }),
    convict: () =>
      within((store) => {
        const said = [1, 2].map((each) => ({
          body: Uint8Array.of(each),
          signature: new Uint8Array(64),
        })) as [never, never];
        const place = { purpose: 'vote', roster, period: start, view: 0, member: 0 } as const;
        store.putObject(idOf('fault', 0, sha256(member.key)), encodeFault({ ...place, said }));
      }),
  };
}
