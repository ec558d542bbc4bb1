// SPDX-License-Identifier: Apache-2.0
/** All checks of `ctga doctor`, one after the other. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { CheckResult } from '../base/check-result.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import { checkConfig, readConfig } from '../config/config.ts';
import { checkPlanes } from '../dataplane/registry.ts';
import { federationIn } from '../federation/directory.ts';
import type { ProxyAddress } from '../http/proxy-address.ts';
import type { Log } from '../logs/log.ts';
import type { State } from '../store/state.ts';
import { checkClock, checkProxy, checkStoreOf } from './checks.ts';
import { checkFleet } from './fleet.ts';
import { checkWitness } from './witness.ts';

export interface Examination {
  readonly state: State;
  readonly proxy: ProxyAddress;
  /** The configuration file that was named; the usual one if it is undefined. */
  readonly config: string | undefined;
  /** The program whose options the configuration sets, with the commands of these names whole. */
  readonly programWith: (names: readonly string[]) => Promise<Command>;
  /** The logs to ask for their tree heads, through the proxy. */
  readonly logs: readonly Log[];
}

export async function examine(what: Examination): Promise<CheckResult[]> {
  const { state, proxy, config, programWith, logs } = what;
  return [
    ...checkPlanes(),
    ...checkStoreOf(state),
    ...checkWitness(state),
    ...(await checkFederationOf(state)),
    ...checkFleet(state, Date.now()),
    checkClock(),
    await checkConfiguration(config, programWith),
    await checkProxy(proxy),
    ...(await Promise.all(logs.map((log) => checkLog(log, proxy)))),
  ];
}

/** A member is on few machines, and takes much to look at. */
async function checkFederationOf(state: State): Promise<CheckResult[]> {
  if (!existsSync(federationIn(state.directory))) return [];
  const { checkFederation } = await import('./federation.ts');
  return checkFederation(state);
}

export async function checkConfiguration(
  path: string | undefined,
  programWith: Examination['programWith'],
): Promise<CheckResult> {
  const what = 'configuration';
  try {
    const config = readConfig(path);
    if (config === undefined)
      return { what, state: 'well', found: 'none; all options have their defaults' };
    const [fault, ...others] = checkConfig(config, await programWith(Object.keys(config.tables)));
    if (fault === undefined) return { what, state: 'well', found: config.path };
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    return {
      what,
      state: 'failure',
      found: `${fault}${more}`,
      remedy: 'To see every fault, run: ctga config check',
    };
  } catch (error) {
    return {
      what,
      state: 'failure',
      found: messageOf(error),
      remedy:
        (error instanceof CtgaError ? error.remedy : undefined) ??
        'ctga config --help shows the format.',
    };
  }
}

/** Each log is asked on its own circuit, as the challenger does. */
async function checkLog(log: Log, proxy: ProxyAddress): Promise<CheckResult> {
  const { openIdentity } = await import('../http/proxy.ts');
  const { askerOf } = await import('../ask/asker-of.ts');
  const what = `log ${log.description}`;
  const { allowPrivateAddress } = log;
  const identity = openIdentity(proxy, { allowPrivateAddress });
  try {
    const { treeSize } = await askerOf(log, identity.fetch).treeHead();
    return { what, state: 'well', found: `answers, size ${treeSize}` };
  } catch (error) {
    return {
      what,
      state: 'warning',
      found: messageOf(error),
      remedy: "ctga logs update fetches today's logs.",
    };
  } finally {
    identity.close();
  }
}
