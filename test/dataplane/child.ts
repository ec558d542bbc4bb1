// SPDX-License-Identifier: Apache-2.0
/**
 * Runs in a network namespace, asked over IPC: a data plane at one end, a DNS server at the other.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';

import { CtgaError, messageOf } from '../../src/base/errors.ts';
import type { CopyKind, DataPlaneCounters } from '../../src/dataplane/types.ts';
import {
  attachXdp,
  openAttached,
  type AttachedState,
  type AttachXdpOptions,
  type XdpDataPlane,
} from '../../src/dataplane/xdp.ts';
import { dnsAnswer, encodeName } from '../support/packets.ts';
import { answersTo } from '../support/xdp.ts';
import { eventually } from '../support/eventually.ts';

export type ChildRequest =
  | { method: 'attach'; options: AttachXdpOptions }
  | { method: 'known'; names: string[] }
  /** Delivers for the first time, or again. */
  | { method: 'start' }
  | { method: 'stop' }
  | { method: 'state' }
  /** What was delivered so far, once there are `atLeast` packets. */
  | { method: 'packets'; atLeast: number }
  | { method: 'detach' }
  /** Answers every DNS query on port 53 of this address, names as they came. */
  | { method: 'serve'; address: string };

export interface SeenPacket {
  readonly kind: CopyKind;
  readonly frame: Uint8Array;
  readonly frameLength: number;
  readonly interfaceName: string;
  readonly timestamp: number;
}

export type ChildResponse =
  | {
      method: 'attach';
      result: {
        mode: string;
        why: string | undefined;
        tookOver: boolean;
        formerName: string | undefined;
        replacedMaps: readonly string[];
        bpfFiles: string[];
      };
    }
  | { method: 'known' | 'start' | 'stop' | 'detach' | 'serve'; result: undefined }
  | {
      method: 'state';
      result: { attached: boolean; counters: DataPlaneCounters; seen: AttachedState | undefined };
    }
  | { method: 'packets'; result: SeenPacket[] }
  | { method: 'failed'; result: { message: string; code: string; remedy: string | undefined } };

let plane: XdpDataPlane | undefined;
let packets: SeenPacket[] = [];
let server: Socket | undefined;

/** What BPF objects this process holds open, as the kernel names them. */
function bpfFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith('anon_inode:bpf') ? [target.slice('anon_inode:'.length)] : [];
    } catch {
      return []; // the descriptor of this very directory
    }
  });
}

function attached(): XdpDataPlane {
  if (plane === undefined) throw new Error('attach first');
  return plane;
}

/** The name of the first question, as it was written. */
function nameIn(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; (query[at] ?? 0) > 0; at += 1 + (query[at] ?? 0)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)));
  }
  return labels.join('.');
}

async function answer(request: ChildRequest): Promise<ChildResponse> {
  switch (request.method) {
    case 'attach': {
      plane = attachXdp(request.options);
      const { mode, why, tookOver, formerName, replacedMaps } = plane;
      return {
        method: 'attach',
        result: { mode, why, tookOver, formerName, replacedMaps, bpfFiles: bpfFiles() },
      };
    }
    case 'known':
      attached().setMatchRules(answersTo(request.names.map(encodeName)));
      return { method: 'known', result: undefined };
    case 'start':
      packets = [];
      attached().start(
        // What a packet gives is valid only during the call.
        ({ kind, frame, frameLength, interfaceName, timestamp }) =>
          packets.push({ kind, frame: frame.slice(), frameLength, interfaceName, timestamp }),
        () => undefined,
      );
      return { method: 'start', result: undefined };
    case 'stop':
      await attached().stop();
      return { method: 'stop', result: undefined };
    case 'state': {
      const now = attached();
      return {
        method: 'state',
        result: {
          attached: now.isAttached(),
          counters: now.counters(),
          seen: openAttached(now.interfaceName),
        },
      };
    }
    case 'packets':
      await eventually(() => packets.length >= request.atLeast, `${request.atLeast} packets`);
      return { method: 'packets', result: packets };
    case 'detach':
      attached().detach();
      return { method: 'detach', result: undefined };
    case 'serve': {
      server = createSocket('udp4', (query, from) => {
        const message = dnsAnswer({
          name: nameIn(query),
          id: query.readUInt16BE(0),
          strings: ['1.2.3.4'],
        });
        server?.send(message, from.port, from.address);
      });
      server.bind(53, request.address);
      await once(server, 'listening');
      return { method: 'serve', result: undefined };
    }
  }
}

process.on('message', (request: ChildRequest) => {
  answer(request)
    .catch((error: unknown): ChildResponse => {
      const failure: CtgaError | undefined = error instanceof CtgaError ? error : undefined;
      const code = failure?.code ?? 'not a CtgaError';
      const result = { message: messageOf(error), code, remedy: failure?.remedy };
      return { method: 'failed', result };
    })
    .then((response) => process.send?.(response))
    .catch(() => process.exit(1));
});
