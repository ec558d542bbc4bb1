// SPDX-License-Identifier: Apache-2.0
/**
 * The data plane in bmv2's simple_switch. What the switch copies arrives at the other end of its
 * CPU port, where the XDP program takes it into the rings (ctga_cpu in xdp/ctga.bpf.c). What is
 * looked for is kept in force in the switch itself.
 */
import { badInput, CtgaError, messageOf } from '../base/errors.ts';
import { formatName } from '../dns/name.ts';
import { SwitchRefusal } from '../p4/refusal.ts';
import {
  MAX_P4_NAME,
  SimpleSwitch,
  type NameChange,
  type SwitchPlace,
} from '../p4/simple-switch.ts';
import { cpuInterfaceOf, parseP4RuntimePlace, parseSwitchPlace } from '../p4/switch-process.ts';
import type { MatchRules } from '../sources/match-rules.ts';
import { describeLink, linksAt } from './interface.ts';
import type { PlaneKind, PlaneOptions } from './kind.ts';
import { Sight, type SupervisionEvent } from './sight.ts';
import type { Supervision } from './types.ts';
import { detachXdp, XdpDataPlane, type AttachXdpOptions } from './xdp.ts';

/**
 * Planes named bmv2:PORT or bmv2:HOST:PORT, after the Thrift server of the switch, or
 * p4runtime:HOST:PORT or p4runtime:HOST:PORT/DEVICE, after its P4Runtime server.
 */
export const bmv2Kind: PlaneKind = {
  syntax: 'bmv2:PORT, bmv2:HOST:PORT or p4runtime:HOST:PORT for a P4 switch',
  modes: { bmv2: 'copies of a P4 switch' },
  parse(name) {
    const place = switchPlaceOf(name);
    if (place === undefined) return undefined;
    return {
      attach: (options) => attachBmv2(place, options),
      detach: async () => {
        const interfaceName = await withSwitch(place, cpuInterfaceOf);
        detachXdp(interfaceName);
        return interfaceName;
      },
    };
  },
  list: () => linksAt('cpu-port'),
  describe: (name) => describeLink(name, 'bmv2'),
  check: () => [],
};

/**
 * Where the switch of a plane of this name takes orders; undefined if the name is of another kind.
 * Throws CtgaError `bad-input` for a name of this kind that is written wrongly.
 */
export function switchPlaceOf(name: string): SwitchPlace | undefined {
  const [, speaks, where] = /^(bmv2|p4runtime):(.*)$/.exec(name) ?? [];
  if (where === undefined) return undefined;
  const place = speaks === 'bmv2' ? parseSwitchPlace(where) : parseP4RuntimePlace(where);
  if (place !== undefined) return place;
  throw badInput(
    `"${name}" names no switch`,
    'Want bmv2:PORT or bmv2:HOST:PORT of its Thrift server, or p4runtime:HOST:PORT or p4runtime:HOST:PORT/DEVICE.',
  );
}

/** What the switch does before it copies: the program at its CPU port takes every copy. */
interface Sampling {
  readonly everyNth: number;
  readonly threshold: number;
}

/** A switch that is set up, and its copies. */
class Bmv2DataPlane extends XdpDataPlane {
  override readonly mode = 'bmv2';
  readonly #place: SwitchPlace;
  readonly #sampling: Sampling;
  #rules: MatchRules = { udpSourcePorts: [], dnsNames: [] };
  #supervisor: SwitchSupervisor | undefined;

  constructor(options: AttachXdpOptions, place: SwitchPlace, sampling: Sampling) {
    super(options);
    this.#place = place;
    this.#sampling = sampling;
  }

  override setMatchRules(rules: MatchRules): void {
    super.setMatchRules(rules);
    this.#rules = rules;
  }

  override redrawKeys(): void {
    super.redrawKeys();
    this.#supervisor?.redrawKey();
  }

  supervise(onEvent: (event: SupervisionEvent) => void): Supervision {
    return (this.#supervisor = new SwitchSupervisor({
      interfaceName: this.interfaceName,
      connect: () => SimpleSwitch.connect(this.#place),
      sampling: this.#sampling,
      rules: this.#rules,
      onEvent,
    }));
  }
}

/**
 * Attaches to a switch that `ctga p4 deploy` has set up. Unless the plane is taken over, counting
 * begins anew on both sides. Throws CtgaError: those of attachXdp, and `not-attached` if the switch
 * is not set up.
 */
function attachBmv2(place: SwitchPlace, options: PlaneOptions): Promise<Bmv2DataPlane> {
  const { cpuInterface, everyNth = 1, threshold = 400, ...rest } = options;
  return withSwitch(place, async (connection) => {
    await orNotSetUp(connection.counters());
    await refuseRouted(connection);
    const interfaceName = cpuInterface ?? (await cpuInterfaceOf(connection));
    const plane = new Bmv2DataPlane({ ...rest, threshold, interfaceName, atCpuPort: true }, place, {
      everyNth,
      threshold,
    });
    if (!plane.tookOver) await connection.resetCounters();
    return plane;
  });
}

/** Throws CtgaError `not-attached` where whoever gets copies gets frames too, or is not there. */
async function refuseRouted(connection: SimpleSwitch): Promise<void> {
  const port = await connection.cpuPort();
  if (port === undefined) return; // cpuInterfaceOf says so
  const interfaces = await connection.interfaces();
  const name = interfaces === undefined ? `port ${port}` : interfaces.get(port);
  if (name === undefined) throw notSetUp(`copies leave at port ${port}, where it has no interface`);
  if ([...(await connection.routes())].flat().includes(port))
    throw notSetUp(`copies leave at ${name}, which frames take too, by a route`);
}

async function withSwitch<T>(
  place: SwitchPlace,
  work: (connection: SimpleSwitch) => Promise<T>,
): Promise<T> {
  const connection = await SimpleSwitch.connect(place);
  try {
    return await work(connection);
  } finally {
    connection.close();
  }
}

/** What the supervisor asks of a switch. */
export type SupervisedSwitch = Pick<
  SimpleSwitch,
  'close' | 'counters' | 'cpuPort' | 'setAnswerPorts' | 'setKnownNames' | 'setSampling'
>;

export interface SwitchSupervisorOptions {
  /** The plane's name in events. */
  readonly interfaceName: string;
  readonly connect: () => Promise<SupervisedSwitch>;
  readonly sampling: Sampling;
  /** Names that are longer than the switch can look for are left out. */
  readonly rules: MatchRules;
  readonly onEvent: (event: SupervisionEvent) => void;
}

const CHECK_MS = 1000;

/** Keeps a switch set up for what is looked for, and reports when it goes away and comes back. */
export class SwitchSupervisor implements Supervision {
  readonly #options: SwitchSupervisorOptions;
  readonly #names: readonly Uint8Array[];
  readonly #sight: Sight;
  readonly #timer: NodeJS.Timeout;
  #connection: SupervisedSwitch | undefined;
  #check: Promise<void> | undefined;
  #keyIsDue = false;

  constructor(options: SwitchSupervisorOptions) {
    this.#options = options;
    this.#names = options.rules.dnsNames.filter(({ length }) => length <= MAX_P4_NAME);
    this.#sight = new Sight(options.interfaceName);
    this.#timer = setInterval(() => void this.check(), CHECK_MS);
    void this.check();
  }

  /** Looks at the switch now, unless it is being looked at. Resolves when that is done. */
  check(): Promise<void> {
    return (this.#check ??= this.#look()
      .then(
        () => this.#sight.seeing('bmv2'),
        (error: unknown) => {
          this.#disconnect();
          if (!(error instanceof CtgaError || error instanceof SwitchRefusal)) throw error;
          return this.#sight.blind(messageOf(error));
        },
      )
      .then((events) => events.forEach((event) => this.#options.onEvent(event)))
      .finally(() => (this.#check = undefined)));
  }

  /** The next check draws another key for the fates of datagrams. */
  redrawKey(): void {
    this.#keyIsDue = true;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#check;
    this.#disconnect();
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #tellNames({ added, removed }: NameChange): void {
    if (added.length + removed.length === 0) return;
    const { interfaceName, onEvent } = this.#options;
    onEvent({
      event: 'names-changed',
      interface: interfaceName,
      added: added.map(formatName),
      removed: removed.map(formatName),
    });
  }

  /** While another controller changes the switch, the key stays due. */
  async #redraw(connection: SupervisedSwitch): Promise<void> {
    try {
      await connection.setSampling(this.#options.sampling);
      this.#keyIsDue = false;
    } catch (error) {
      if (!(error instanceof CtgaError && error.code === 'busy')) throw error;
    }
  }

  /** Throws CtgaError or SwitchRefusal if the switch is not there, or copies nothing. */
  async #look(): Promise<void> {
    // Behind a new connection is a switch of which nothing is known.
    const { connect, rules, sampling } = this.#options;
    if (this.#connection === undefined) {
      const connection = (this.#connection = await connect());
      await orNotSetUp(connection.counters());
      await connection.setAnswerPorts(rules.udpSourcePorts);
      await connection.setSampling(sampling);
      this.#tellNames(await connection.setKnownNames(this.#names));
      this.#keyIsDue = false;
    } else if (this.#keyIsDue) await this.#redraw(this.#connection);
    if ((await this.#connection.cpuPort()) === undefined) throw notSetUp('it copies nothing');
  }
}

/** A switch that knows nothing of ctga's counters runs another program. */
async function orNotSetUp<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw error instanceof SwitchRefusal ? notSetUp(error.message) : error;
  }
}

function notSetUp(why: string): CtgaError {
  return new CtgaError('not-attached', `the switch is not set up for ctga: ${why}`, {
    remedy: 'Set it up with: ctga p4 deploy',
  });
}
