// SPDX-License-Identifier: Apache-2.0
/** The data planes that there are. A new kind is a file of its own and a line in KINDS. */
import type { CheckResult } from '../base/check-result.ts';
import { badInput } from '../base/errors.ts';
import { bmv2Kind } from './bmv2.ts';
import { captureKind } from './capture.ts';
import { dnstapKind } from './dnstap.ts';
import { interfaceKind } from './interface.ts';
import type { PlaneKind, PlaneStatus, PlaneTarget } from './kind.ts';

const ATTACHABLE: readonly PlaneKind[] = [interfaceKind, bmv2Kind, dnstapKind];
const KINDS: readonly PlaneKind[] = [...ATTACHABLE, captureKind];

/** How the planes that can be attached are named, for help texts. */
export const PLANE_SYNTAX = ATTACHABLE.map(({ syntax }) => syntax).join('; ');

/** The plane of this name. Throws CtgaError `bad-input` for a name that is of no kind. */
export function parsePlane(name: string): PlaneTarget {
  for (const kind of KINDS) {
    const target = kind.parse(name);
    if (target !== undefined) return target;
  }
  throw badInput(
    `"${name}" names no data plane`,
    `Want ${KINDS.map(({ syntax }) => syntax).join(', ')}.`,
  );
}

/** A mode of a plane (DataPlane.mode) as people read it. */
export function nameOfMode(mode: string): string {
  return KINDS.map(({ modes }) => modes[mode]).find((name) => name !== undefined) ?? mode;
}

/** The names of all planes that are attached in this network namespace. */
export function listPlanes(): string[] {
  return KINDS.flatMap((kind) => kind.list()).sort();
}

/** The names of planes that are attached in other network namespaces of this machine. */
export function listPlanesElsewhere(): string[] {
  return KINDS.flatMap((kind) => kind.listElsewhere?.() ?? []).sort();
}

/**
 * All planes that are attached in this network namespace. Throws CtgaError where the process may not look.
 */
export function describePlanes(): PlaneStatus[] {
  return KINDS.flatMap((kind) => kind.list().flatMap((name) => kind.describe(name) ?? [])).sort(
    (a, b) => (a.interface < b.interface ? -1 : 1),
  );
}

/** What the kinds need of this machine. */
export function checkPlanes(): CheckResult[] {
  return KINDS.flatMap((kind) => kind.check());
}
