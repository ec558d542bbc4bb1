// SPDX-License-Identifier: Apache-2.0
/** `ctga federation`: organisations that say together what logs showed them. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { ExitCode, badInput } from '../base/errors.ts';
import { plural, time, utc } from '../base/text.ts';
import { parseProxy } from '../http/proxy-address.ts';
import { logsInForce } from '../services/log-lists.ts';
import type { FederationEvent } from '../services/federation.ts';
import { stateAt } from '../store/state.ts';
import { checkCommand } from './next.ts';
import {
  memberUrl,
  parseListen,
  wholeNumber,
  withState,
  type Listen,
  type StateOption,
} from './options.ts';
import { print, printJson, printJsonLine, printTable, printText, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

export function federationCommand(): Command {
  return new Command('federation')
    .description(
      'vouch with other organisations for what logs showed, without trusting any of them: see docs/FEDERATION.md',
    )
    .addCommand(initCommand())
    .addCommand(joinCommand())
    .addCommand(runCommand())
    .addCommand(statusCommand())
    .addCommand(verifyCommand());
}

interface InitOptions {
  readonly federation?: string;
  readonly threshold?: number;
  readonly every: number;
  readonly patience: number;
  readonly after?: string;
  readonly start?: number;
  readonly draft?: string;
  readonly json?: boolean;
}

function initCommand(): Command {
  return new Command('init')
    .description(
      'print the draft of a roster of these members, or with --draft the roster, once enough have signed it',
    )
    .argument('<file...>', 'members, as federation join prints them; with --draft, signatures')
    .addOption(
      new Option(
        '--federation <name>',
        'what the federation is called: small letters, digits, - and .',
      ).argParser(named(/^[a-z0-9][a-z0-9.-]{0,62}$/)),
    )
    .addOption(
      new Option(
        '--threshold <n>',
        'so many members agree (default: more than two thirds)',
      ).argParser(wholeNumber(1, 128)),
    )
    .addOption(
      new Option('--every <seconds>', 'how often something is stated')
        .argParser(wholeNumber(1, 86_400))
        .default(60),
    )
    .addOption(
      new Option('--patience <ms>', 'how long a silent member is waited for')
        .argParser(wholeNumber(50, 600_000))
        .default(2000),
    )
    .option('--after <roster>', 'the roster that this one is to follow, in a file')
    .addOption(
      new Option(
        '--start <period>',
        'the period from which it is to be in force (default: an hour from now; of a first roster now)',
      ).argParser(wholeNumber(0)),
    )
    .option('--draft <file>', 'put signatures under this draft')
    .option('--json', 'print JSON for scripts')
    .addHelpText(
      'after',
      `
A federation of three, each on a machine of its own:
  ctga federation join --name a --url https://a.example/ > a.json      each makes its keys
  ctga federation init --federation demo a.json b.json c.json > draft.json
  ctga federation join draft.json > a.sig                              each signs the draft
  ctga federation init --draft draft.json a.sig b.sig c.sig > roster.json
  ctga federation join roster.json                                     each takes it in
  ctga federation run --listen 0.0.0.0:8443`,
    )
    .action(runInit);
}

async function runInit(files: readonly string[], options: InitOptions): Promise<void> {
  const [{ readTextFile }, roster, { combine }] = await Promise.all([
    import('../base/documents.ts'),
    import('../federation/roster.ts'),
    import('../federation/signing.ts'),
  ]);
  const { after, draft, federation, every, patience } = options;
  if (draft !== undefined) {
    const body = roster.parseRosterBody(readTextFile(draft), draft);
    const before =
      after === undefined ? undefined : roster.parseSignedRoster(readTextFile(after), after);
    const texts = files.map((file) => [file, readTextFile(file)] as const);
    return printText(roster.formatSignedRoster(combine(body, before, texts)));
  }
  const members = files.map((file) => roster.parseMember(readTextFile(file), file));
  const before =
    after === undefined ? undefined : roster.parseSignedRoster(readTextFile(after), after).body;
  const name = federation ?? before?.name;
  if (name === undefined) throw badInput('--federation: say what the federation is to be called');
  const length = before?.period ?? every;
  const now = Math.floor(Date.now() / 1000 / length);
  const body = {
    name,
    epoch: before === undefined ? 0 : before.epoch + 1,
    previous: before === undefined ? new Uint8Array(32) : roster.rosterHash(before),
    start: options.start ?? (before === undefined ? now : now + Math.ceil(3600 / length)),
    threshold: options.threshold ?? members.length - Math.floor((members.length - 1) / 3),
    period: length,
    patience,
    members,
  };
  // Says what is wrong with it before anybody signs it.
  roster.Roster.of(body);
  printText(roster.formatRosterBody(body));
}

interface JoinOptions extends StateOption {
  readonly name?: string;
  readonly url?: string;
  readonly user?: string;
}

function joinCommand(): Command {
  const join = new Command('join')
    .description(
      "make this machine's keys and print it as a member; sign the draft of a roster; or take a roster in",
    )
    .argument('[file]', 'a draft, to be signed, or a roster, to be taken in')
    .addOption(
      new Option('--name <name>', 'what this member is to be called').argParser(
        named(/^[a-z0-9][a-z0-9-]{0,62}$/),
      ),
    )
    .addOption(
      new Option(
        '--url <url>',
        'where the others and clients reach it, such as https://ctga.example.net/',
      ).argParser(memberUrl),
    )
    .option(
      '--user <name>',
      'if started as root: the account that is to run it, as of federation run',
    );
  return withState(join).action(runJoin);
}

async function runJoin(file: string | undefined, options: JoinOptions): Promise<void> {
  const [{ parseJson, readTextFile }, keys, roster, directories, signing, { becomeFederation }] =
    await Promise.all([
      import('../base/documents.ts'),
      import('../federation/keys.ts'),
      import('../federation/roster.ts'),
      import('../federation/directory.ts'),
      import('../federation/signing.ts'),
      import('../services/privileges.ts'),
    ]);
  const state = stateAt(options.stateDir);
  const directory = directories.federationIn(state.directory);
  const { name, url, user } = options;
  if (file === undefined) {
    if (name === undefined || url === undefined)
      throw badInput('join wants --name and --url, for new keys, or a file');
    // What is kept is to be the account's that runs it.
    becomeFederation(state, user);
    return printJson(roster.memberToJson(keys.makeKeys(directory, name, url).member));
  }
  const text = readTextFile(file);
  const json = parseJson(text, file);
  becomeFederation(state, user);
  const mine = keys.readKeys(directory);
  if (typeof json !== 'object' || json === null || !('signature' in json))
    return printJson(signing.signDraft(roster.parseRosterBody(text, file), mine));
  const signed = roster.parseSignedRoster(text, file);
  const { FederationStore } = await import('../federation/store.ts');
  const store = FederationStore.open(directory);
  try {
    const { epoch } = signing.takeIn(store, signed);
    const { name: federation, members } = signed.body;
    print(
      `${federation}, epoch ${epoch}: ${plural(members.length, 'member')}, in this member's store.`,
    );
  } finally {
    store.close();
  }
}

function named(form: RegExp): (text: string) => string {
  return (text) => {
    if (form.test(text)) return text;
    throw new InvalidArgumentError('want a name of 1 to 63 small letters, digits and hyphens.');
  };
}

interface RunOptions extends StateOption {
  readonly listen: Listen;
  readonly logList?: string;
  readonly authorities?: string;
  readonly proxy?: string;
  readonly user?: string;
}

function runCommand(): Command {
  const run = new Command('run')
    .description('take part in the federation, beside ctga challenge, which finds what is stated')
    .addOption(
      new Option('--listen <address:port>', 'where the others and clients reach it, by HTTPS')
        .argParser(parseListen)
        .default({ address: '127.0.0.1', port: 8443 }, '127.0.0.1:8443'),
    )
    .option(
      '--log-list <file>',
      'use the logs of this list (schema v3) instead of the imported and built-in logs',
    )
    .option(
      '--authorities <file>',
      'state what these certificate authorities publish as revoked, too: a line NAME+ID+KEY URL each',
    )
    .option(
      '--proxy <url>',
      'reach the other members, and authorities, through this SOCKS5 proxy instead of directly',
    )
    .option(
      '--user <name>',
      'if started as root: the account to run as (default: ctga-federation if it exists, else ctga, else nobody)',
    )
    .addHelpText(
      'after',
      `
  GET  /federation/v1/update     for anybody: what was stated last, to be checked by federation verify
  GET  /federation/v1/policy     the same as federation status --policy
  POST /federation/v1/messages   for the other members, by the keys in the roster
  GET  /metrics                  for Prometheus; not for outside
It reads what the logs showed the challenger, and nothing of what was seen on the wire.`,
    );
  return withState(run).action(runRun);
}

async function runRun(options: RunOptions): Promise<void> {
  const state = stateAt(options.stateDir);
  const proxy = options.proxy === undefined ? undefined : parseProxy(options.proxy);
  const { listen, user } = options;
  const onEvent = options.json === true ? printJsonLine : printEvent;
  const [{ runFederation }, { parseAuthorities }, { readTextFile }] = await Promise.all([
    import('../services/federation.ts'),
    import('../federation/authorities.ts'),
    import('../base/documents.ts'),
  ]);
  const file = options.authorities;
  const authorities = file === undefined ? [] : parseAuthorities(readTextFile(file), file);
  const logs = logsInForce(state, options.logList, warn);
  await runFederation({ state, ...listen, logs, authorities, proxy, user, onEvent }, stopRequest());
}

function printEvent(event: FederationEvent): void {
  const at = time(Date.now());
  switch (event.event) {
    case 'listening':
      return print(`The member ${event.member} is at ${event.url} (Ctrl-C ends it).`);
    case 'stated':
      return print(`${at}  period ${event.period}: ${plural(event.statements, 'statement')}`);
    case 'accused':
      return print(`${at}  ACCUSED, for it answers or proves nothing: ${event.log}`);
    case 'convicted':
      print(`${at}  SPLIT VIEW PROVEN: ${event.log}`);
      return print(`  Check the evidence with: ${checkCommand(event.evidence)}`);
    case 'contradicted':
      return print(`${at}  The member ${event.member} contradicted itself: proof is kept.`);
    case 'roster':
      return print(`${at}  roster of epoch ${event.epoch}, from period ${event.start} on`);
    case 'disagreement':
      return print(
        `${at}  period ${event.period}: two thresholds state different things. More members lie than the threshold allows for.`,
      );
    case 'unreachable':
      return warn(`${event.member} cannot be reached: ${event.message}`);
    case 'reachable':
      return print(`${at}  ${event.member} is reached again`);
    case 'failed':
      return warn(event.message);
  }
}

interface StatusOptions extends StateOption {
  readonly policy?: boolean;
  readonly policyMlDsa44?: boolean;
  readonly logList?: string;
}

function statusCommand(): Command {
  const status = new Command('status')
    .description("show the roster and what was stated last, from this member's store")
    .option(
      '--policy',
      'print a policy (c2sp.org/tlog-policy) that makes the federation a quorum, by Ed25519',
    )
    .option('--policy-ml-dsa-44', 'print one by ML-DSA-44')
    .option(
      '--log-list <file>',
      'use the logs of this list (schema v3) instead of the imported and built-in logs',
    );
  return withState(status).action(runStatus);
}

async function runStatus(options: StatusOptions): Promise<void> {
  const state = stateAt(options.stateDir);
  const [{ readStatus }, { policyOf }] = await Promise.all([
    import('../federation/status.ts'),
    import('../federation/serve.ts'),
  ]);
  const logs = logsInForce(state, options.logList, warn);
  const status = readStatus(state.directory, logs);
  const keys =
    options.policyMlDsa44 === true ? 'ml-dsa-44' : options.policy === true ? 'ed25519' : undefined;
  if (keys !== undefined) return printText(policyOf(status.roster, status.logs, keys));
  if (options.json === true) return printJson(status.json);
  const { body } = status.roster;
  print(
    `The federation ${body.name}, epoch ${body.epoch}: ${body.threshold} of ${plural(body.members.length, 'member')} agree, every ${body.period} s.`,
  );
  printTable(
    ['MEMBER', 'ADDRESS', 'STATE'],
    status.json.members.map(({ name, url, state: is }) => ({ cells: [name, url, is] })),
  );
  if (status.json.statements.length === 0) return print('Nothing was stated yet.');
  print();
  printTable(
    [
      'LOG',
      'IS',
      { title: 'TREE SIZE', is: 'number' },
      { title: 'WHEN (UTC)', is: 'whole' },
      { title: 'BY', is: 'number' },
    ],
    status.json.statements.map(({ log, kind, tree_size: size, when, signers }) => ({
      cells: [log, kind, size ?? '', utc(Date.parse(when)), `${signers}`],
    })),
  );
  for (const log of status.json.convicted) print(`SPLIT VIEW PROVEN: ${log}`);
}

interface VerifyOptions {
  readonly roster: string;
  readonly json?: boolean;
}

function verifyCommand(): Command {
  return new Command('verify')
    .description('check an update offline, against a roster that is trusted')
    .argument(
      '<update>',
      'what GET /federation/v1/update of a member gave, in a file; - for standard input',
    )
    .addOption(
      new Option(
        '--roster <file>',
        'the roster, of whatever epoch, that is trusted',
      ).makeOptionMandatory(),
    )
    .option('--json', 'print JSON for scripts')
    .action(runVerify);
}

async function runVerify(path: string, options: VerifyOptions): Promise<void> {
  const [
    { readTextFile },
    { parseSignedRoster },
    { parseUpdate, verifyUpdate },
    { encodeBase64 },
    { hex },
  ] = await Promise.all([
    import('../base/documents.ts'),
    import('../federation/roster.ts'),
    import('../federation/update.ts'),
    import('../base/base64.ts'),
    import('../federation/bytes.ts'),
  ]);
  const trusted = parseSignedRoster(readTextFile(options.roster), options.roster);
  const update = parseUpdate(readTextFile(path === '-' ? '/dev/stdin' : path), path);
  const verified = verifyUpdate(update, trusted);
  const holds = verified.checks.every((each) => each.holds);
  if (!holds) setExitCode(ExitCode.failed);
  else if (verified.convicted.length > 0) setExitCode(ExitCode.forkProven);
  const period = trusted.body.period * 1000;
  const statements = verified.latest.map(({ period: of, item: { statement }, signers }) => ({
    kind: statement.kind,
    id: encodeBase64(statement.id),
    tree_size: statement.kind === 'head' ? String(statement.treeSize) : undefined,
    sha256_root_hash:
      statement.kind === 'accusation' ? undefined : encodeBase64(statement.rootHash),
    period: of,
    when: new Date(of * period).toISOString(),
    signers,
  }));
  const { convicted, faulty, checks } = verified;
  if (options.json === true)
    return printJson({ holds, checks, statements: holds ? statements : [], convicted, faulty });
  for (const check of checks) print(`${check.holds ? 'ok    ' : 'FAILED'}  ${check.what}`);
  if (!holds) return print('The update does not hold.');
  print();
  for (const { kind, id, tree_size: size, when, signers } of statements)
    print(
      `${time(Date.parse(when))}  ${id}  ${kind}${size === undefined ? '' : ` ${size}`}  by ${signers.join(', ')}`,
    );
  const ids = new Set(verified.latest.map(({ item }) => hex(item.statement.id)));
  // Anybody can contradict himself by a key of his own, and give it whatever name.
  for (const id of convicted)
    print(
      `SPLIT VIEW PROVEN: the log ${id}${ids.has(id) ? '' : ', of which the federation states nothing: is it one that anybody uses?'}`,
    );
  for (const name of faulty) print(`The member ${name} contradicted itself.`);
  print('The update holds.');
}
