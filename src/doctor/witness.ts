// SPDX-License-Identifier: Apache-2.0
/** Whether a witness that is here has what it needs: its keys, and all that it cosigned. */
import type { CheckResult } from '../base/check-result.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import { plural, shellWord, time } from '../base/text.ts';
import { ownDirectory, type State } from '../store/state.ts';
import { ownWitness, SYSTEM_WITNESS, witnessIn } from '../witness/directory.ts';
import { hasKeys, readKeys, verifierKeysOf } from '../witness/keys.ts';
import { WitnessStore } from '../witness/store.ts';

/** Of the witness in the state directory, or where a witness is by default; none if there is none. */
export function checkWitness({ directory, isNamed }: State): CheckResult[] {
  const places = isNamed ? [directory] : [SYSTEM_WITNESS, ownWitness(ownDirectory())];
  return places
    .map((place) => ({ place, own: witnessIn(place) }))
    .filter(({ own }) => hasKeys(own) || WitnessStore.isIn(own))
    .map(({ place, own }) => checkWitnessIn(place, own));
}

function checkWitnessIn(place: string, own: string): CheckResult {
  const what = 'witness';
  try {
    const keys = readKeys(own);
    const store = WitnessStore.open(own, verifierKeysOf(keys), keys.ed25519.key, true);
    const cosigned = store.all();
    const forks = store.counts()['fork-proven'];
    store.close();
    if (forks > 0)
      return {
        what,
        state: 'warning',
        found: `what it refused proves ${plural(forks, 'split view')}`,
        remedy: `ctga evidence list --state-dir ${shellWord(place)} shows them.`,
      };
    const last = cosigned.reduce((most, { time: at }) => (at > most ? at : most), 0n);
    const when = last === 0n ? 'nothing cosigned yet' : `last cosigned at ${time(last * 1000n)}`;
    return { what, state: 'well', found: `${plural(cosigned.length, 'log')} in ${place}, ${when}` };
  } catch (error) {
    if (error instanceof CtgaError)
      return { what, state: 'failure', found: error.message, remedy: error.remedy };
    return { what, state: 'unknown', found: messageOf(error), remedy: 'Ask as root.' };
  }
}
