/**
 * The data plane in bmv2's simple_switch: what it copies arrives at the other end of its CPU port,
 * where the XDP program takes it into the same rings as ever (ctga_cpu in xdp/ctga.bpf.c). What is
 * looked for is kept in step in the switch itself.
 */
import { CtgaError, messageOf } from '../base/errors.ts';
import { MAX_P4_NAME, SimpleSwitch } from '../p4/simple-switch.ts';
import { cpuInterfaceOf, type SwitchPlace } from '../p4/switch-process.ts';
import type { MatchRules } from '../sources/match-rules.ts';
import { ThriftRefusal } from '../p4/thrift-call.ts';
import type { SupervisionEvent } from './keeper.ts';
import { attachXdp, type AttachXdpOptions, type XdpDataPlane } from './xdp.ts';

export interface AttachBmv2Options extends Omit<AttachXdpOptions, 'interfaceName' | 'atCpuPort'> {
  readonly place: SwitchPlace;
  /** Where copies arrive; found at the switch's CPU port unless told. */
  readonly cpuInterface?: string;
}

/** A switch that was found set up, and the interface where its copies arrive. */
export interface AttachedBmv2 {
  readonly plane: XdpDataPlane;
  /** What the interface was attached with. */
  readonly options: AttachXdpOptions;
  readonly place: SwitchPlace;
  readonly sampling: Sampling;
}

/** What the switch does before it copies: the program at its CPU port takes every copy. */
interface Sampling {
  readonly everyNth: number;
  readonly threshold: number;
}

/**
 * Attaches to a switch that `ctga p4 deploy` has set up. Counting begins anew on both sides, unless
 * what is there is taken over. Throws CtgaError: as attachXdp, and 'not-attached' where the switch
 * is not set up.
 */
export async function attachBmv2(options: AttachBmv2Options): Promise<AttachedBmv2> {
  const { place, cpuInterface, everyNth = 1, ...rest } = options;
  const { threshold = 400 } = rest;
  const plane = await SimpleSwitch.connect(place.host, place.port);
  try {
    await orNotSetUp(plane.counters());
    const interfaceName = cpuInterface ?? (await cpuInterfaceOf(plane));
    const xdp: AttachXdpOptions = { ...rest, interfaceName, atCpuPort: true };
    const attached = attachXdp(xdp);
    if (!attached.tookOver) await plane.resetCounters();
    return { plane: attached, options: xdp, place, sampling: { everyNth, threshold } };
  } finally {
    plane.close();
  }
}

const CHECK_MS = 1000;

/**
 * Keeps a switch set up for what is looked for, and says where it goes away or is set up otherwise.
 */
export class SwitchKeeper {
  readonly #attached: AttachedBmv2;
  readonly #tell: (event: SupervisionEvent) => void;
  readonly #rules: MatchRules;
  readonly #timer: NodeJS.Timeout;
  #connection: SimpleSwitch | undefined;
  #working: Promise<void> | undefined;
  /** By the monotonic clock. */
  #lastSeeing = performance.now();
  #reason: string | undefined;

  /** Names that are longer than the switch can look for are left out. */
  constructor(
    attached: AttachedBmv2,
    { udpSourcePorts, dnsNames }: MatchRules,
    onEvent: (event: SupervisionEvent) => void,
  ) {
    this.#attached = attached;
    this.#rules = {
      udpSourcePorts,
      dnsNames: dnsNames.filter(({ length }) => length <= MAX_P4_NAME),
    };
    this.#tell = onEvent;
    this.#keepInStep();
    this.#timer = setInterval(() => this.#keepInStep(), CHECK_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
    this.#disconnect();
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #keepInStep(): void {
    this.#working ??= this.#look()
      .then(
        () => this.#seeing(),
        (error: unknown) => this.#blind(error),
      )
      .finally(() => (this.#working = undefined));
  }

  /** A new connection is a switch of which nothing is known. */
  async #look(): Promise<void> {
    if (this.#connection === undefined) {
      const { place, sampling } = this.#attached;
      const plane = (this.#connection = await SimpleSwitch.connect(place.host, place.port));
      await orNotSetUp(plane.counters());
      await plane.setAnswerPorts(this.#rules.udpSourcePorts);
      await plane.setSampling(sampling);
      await plane.setKnownNames(this.#rules.dnsNames);
    }
    if ((await this.#connection.cpuPort()) === undefined) throw notSetUp('it copies nothing');
  }

  get #interface(): string {
    return this.#attached.options.interfaceName;
  }

  #seeing(): void {
    const now = performance.now();
    if (this.#reason !== undefined) {
      this.#reason = undefined;
      const blindMilliseconds = Math.round(now - this.#lastSeeing);
      this.#tell({
        event: 'seeing-again',
        interface: this.#interface,
        mode: 'bmv2',
        blindMilliseconds,
      });
    }
    this.#lastSeeing = now;
  }

  #blind(error: unknown): void {
    this.#disconnect();
    if (!(error instanceof CtgaError) && !(error instanceof ThriftRefusal)) throw error;
    const message = messageOf(error);
    if (this.#reason === undefined)
      this.#tell({ event: 'blind', interface: this.#interface, since: this.#lastSeeing });
    if (this.#reason !== message)
      this.#tell({ event: 'still-blind', interface: this.#interface, message });
    this.#reason = message;
  }
}

/** A switch that knows nothing of ctga's counters runs another program. */
async function orNotSetUp<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw error instanceof ThriftRefusal ? notSetUp(error.message) : error;
  }
}

function notSetUp(why: string): CtgaError {
  return new CtgaError('not-attached', `the switch is not set up for ctga: ${why}`, {
    remedy: 'Set it up with: ctga p4 deploy',
  });
}
