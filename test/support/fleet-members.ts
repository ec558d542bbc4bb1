// SPDX-License-Identifier: Apache-2.0
/** A site and a collector in memory, with no bus between them but the test's own. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Collector, type CollectorEvent, type Message } from '../../src/fleet/collector.ts';
import { MemberStore } from '../../src/fleet/members.ts';
import { publicBytes, type MemberRole, type Roster } from '../../src/fleet/roster.ts';
import type { Log } from '../../src/logs/log.ts';
import type { Store } from '../../src/store/store.ts';

export interface TestMember {
  readonly name: string;
  readonly role: MemberRole;
  readonly key: KeyObject;
}

export function member(name: string, role: MemberRole = 'site'): TestMember {
  return { name, role, key: generateKeyPairSync('ed25519').privateKey };
}

export function rosterOf(members: readonly TestMember[], intervalSeconds = 1): Roster {
  return {
    format: 'ctga-fleet',
    version: 1,
    name: 'test',
    intervalSeconds,
    batchBytes: 8192,
    leaseSeconds: 120,
    nodes: [{ name: 'n1', host: '127.0.0.1', port: 4222, clusterPort: 6222 }],
    members: members.map(({ name, role, key }) => ({
      name,
      role,
      key: Buffer.from(publicBytes(key)),
    })),
  };
}

export interface TestCollector {
  readonly collector: Collector;
  readonly members: MemberStore;
  readonly events: CollectorEvent[];
}

export function collectorOver(
  store: Store,
  roster: Roster,
  logs: readonly Log[],
  evidenceDirectory: string,
  {
    self = { name: 'hub', role: 'collector' as MemberRole },
    members = MemberStore.inMemory(),
  } = {},
): TestCollector {
  const events: CollectorEvent[] = [];
  const collector = new Collector(
    {
      store,
      members,
      evidenceDirectory,
      logs: () => logs,
      self,
      onEvent: (event) => events.push(event),
    },
    roster,
  );
  return { collector, members, events };
}

/** A bus that never forgets, by whose clock each batch comes an interval after the one before. */
export class TestBus {
  readonly messages: Message[] = [];

  put(name: string, bytes: Uint8Array, storedAt = 1000 * (this.messages.length + 1)): Message {
    const message = { member: name, bytes, storedAt, number: this.messages.length + 1 };
    this.messages.push(message);
    return message;
  }
}
