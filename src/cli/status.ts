/** `ctga status`: what is watched, what was seen, what was concluded. */
import { Command } from 'commander';
import { listAttached, openAttached, type AttachedState } from '../dataplane/xdp.ts';
import { messageOf } from '../errors.ts';
import { openForReading, stateAt } from '../store/state.ts';
import { withState, type StateOption } from './options.ts';
import { plural, print, printJson } from './output.ts';

export function statusCommand(): Command {
  const status = new Command('status')
    .description('interfaces and their counters, tree heads, verdicts, evidence')
    .action((options: StateOption) => {
      const state = stateAt(options.stateDir);
      const store = openForReading(state);
      const summary = {
        ...dataPlanes(),
        stateDirectory: state.directory,
        treeHeads: store.headCount(),
        verdicts: store.verdicts(),
        evidence: store.evidence().map(({ path }) => path),
        counts: store.counts(),
      };
      store.close();
      if (options.json === true) printJson(summary);
      else printSummary(summary);
    });
  return withState(status);
}

interface PlaneStatus extends Pick<AttachedState, 'knownNames' | 'settings' | 'counters'> {
  readonly interface: string;
  /** False where the interface is blind: it went away, or somebody detached the program by force. */
  readonly attached: boolean;
  readonly mode: AttachedState['link']['mode'];
}

interface Planes {
  readonly dataPlanes: readonly PlaneStatus[];
  /** Why the data planes could not be read, if so. */
  readonly dataPlanesUnknown?: string;
}

function dataPlanes(): Planes {
  try {
    return {
      dataPlanes: listAttached().flatMap((name) => {
        const attached = openAttached(name);
        if (attached === undefined) return [];
        const { link, knownNames, settings, counters } = attached;
        return [
          { interface: name, attached: link.attached, mode: link.mode, knownNames, settings, counters },
        ];
      }),
    };
  } catch (error) {
    return { dataPlanes: [], dataPlanesUnknown: messageOf(error) };
  }
}

function printSummary(
  summary: Planes & {
    stateDirectory: string;
    treeHeads: number;
    verdicts: Record<string, number>;
    evidence: string[];
    counts: Record<string, number>;
  },
): void {
  if (summary.dataPlanesUnknown !== undefined) print(`Interfaces: not known (${summary.dataPlanesUnknown})`);
  else if (summary.dataPlanes.length === 0) print('Interfaces: none. Watch one with: sudo ctga attach eth0');
  for (const plane of summary.dataPlanes) {
    const how = plane.attached ? `XDP, ${plane.mode} mode` : 'NOT ATTACHED any more: attach again';
    print(`${plane.interface}: ${how}, ${plural(plane.knownNames, 'name')}`);
    const counters = Object.entries(plane.counters).filter(([, count]) => count > 0n);
    print(`  ${counters.map(([name, count]) => `${name} ${count}`).join(', ') || 'no packets yet'}`);
  }
  print(`Tree heads: ${summary.treeHeads} (${summary.stateDirectory})`);
  const verdicts = Object.entries(summary.verdicts).filter(([, count]) => count > 0);
  if (verdicts.length > 0)
    print(`Verdicts: ${verdicts.map(([verdict, count]) => `${count} ${verdict}`).join(', ')}`);
  for (const path of summary.evidence) print(`SPLIT VIEW PROVEN: ${path}`);
  for (const [name, count] of Object.entries(summary.counts)) print(`  ${count} x ${name}`);
}
