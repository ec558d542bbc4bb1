// SPDX-License-Identifier: Apache-2.0
/**
 * Ways out of a service, tried by a program in its place: with the unit's own settings, and another
 * ExecStart=.
 */
import { constants } from 'node:os';

const { EACCES, EAFNOSUPPORT, EINTR, ENETUNREACH, ENOENT, EPERM, EROFS, ESRCH } = constants.errno;

interface Escape {
  /** In perl, which every Debian has: 0, or the errno of its refusal. */
  readonly try: string;
  readonly refusedWith: readonly number[];
  /** Units to which it is left, by what they are for. */
  readonly leftTo?: readonly string[];
}

const refused = (number: number, ...args: readonly (string | number)[]): Escape => ({
  try: `call(${[number, ...args].join(', ')})`,
  refusedWith: [EPERM],
});
const socket = (family: number, type: number, leftTo: readonly string[] = []): Escape => ({
  try: `socket(my $s, ${family}, ${type}, 0) ? 0 : $!+0`,
  refusedWith: [EAFNOSUPPORT],
  leftTo,
});
const write = (path: string): Escape => ({
  try: `open(my $f, '>>', '${path}') ? 0 : $!+0`,
  refusedWith: [EROFS, EACCES, ENOENT, EPERM],
});
const read = (path: string, leftTo: readonly string[] = []): Escape => ({
  try: `my $f; open($f, '<', '${path}') && defined(sysread($f, my $b, 9000)) ? 0 : $!+0`,
  refusedWith: [EACCES, ENOENT, EPERM],
  leftTo,
});

/** Where somebody listens: this machine, and another. */
export const HERE = { address: '127.0.0.1', port: 9050 };
export const ELSEWHERE = { address: '10.99.0.2', port: 9051 };
const connect = ({ address, port }: typeof HERE): string =>
  `my $s; $SIG{ALRM} = sub {}; alarm 2; socket($s, 2, 1, 0) && connect($s, sockaddr_in(${port}, inet_aton('${address}'))) ? 0 : $!+0`;

/** Whoever writes the store. */
const WRITERS = [
  'observer',
  'challenger',
  'audit',
  'alert',
  'collect',
  'fleet-challenger',
  'publish',
];

// System calls by their numbers on x86-64. Arguments are such that the kernel would refuse them
// otherwise, with another error.
const ESCAPES: Readonly<Record<string, Escape>> = {
  'mount(2)': refused(165, 0, 0, 0, 0, 0),
  'pivot_root(2)': refused(155, 0, 0),
  'chroot(2)': refused(161, 0),
  'a user namespace': refused(272, 0x1000_0000),
  'a network namespace': refused(272, 0x4000_0000),
  'setns(2)': refused(308, -1, 0),
  'ptrace(2)': refused(101, 0, 0, 0, 0),
  'process_vm_readv(2)': {
    try: `my $b = 'x'; my $v = pack('PQ', $b, 1); call(310, 1, $v, 1, $v, 1, 0)`,
    refusedWith: [EPERM, ESRCH],
  },
  'init_module(2)': refused(175, 0, 0, 0),
  'kexec_load(2)': refused(246, 0, 0, 0, 0xffff_ffff),
  'reboot(2)': refused(169, 0, 0, 0, 0),
  'clock_settime(2)': refused(227, 0, 0),
  'swapon(2)': refused(167, 0, 0),
  'ioperm(2)': refused(173, 0, 1, 1),
  'personality(2)': refused(135, 8),
  'perf_event_open(2)': refused(298, 0, 0, 0, 0, 0),
  'open_by_handle_at(2)': refused(304, -1, 0, 0),
  'real-time scheduling': refused(144, 0, 1, "pack('i', 1)"),
  'bpf(2)': { ...refused(321, -1, 0, 0), leftTo: ['observer'] },
  'packet sockets': socket(17, 3),
  vsock: socket(40, 1),
  netlink: socket(16, 3, ['observer']),
  'the Internet Protocol': socket(2, 1, [
    'challenger',
    'dns',
    'web',
    'pool',
    'audit',
    'federation',
    'witness',
    'alert',
    'collect',
    'fleet-challenger',
    'publish',
  ]),
  'other hosts': {
    try: connect(ELSEWHERE),
    // EINTR: no answer.
    refusedWith: [EPERM, EACCES, ENETUNREACH, EAFNOSUPPORT, EINTR],
    leftTo: [
      'dns',
      'pool',
      'federation',
      'witness',
      'alert',
      'collect',
      'fleet-challenger',
      'publish',
    ],
  },
  'a set-user-ID file': {
    try: `open(my $f, '>', "/tmp/probe-$>"); chmod(04755, "/tmp/probe-$>") ? 0 : $!+0`,
    refusedWith: [EPERM],
  },
  'the store': { ...write('/var/lib/ctga/ctga.db'), leftTo: WRITERS },
  'its own program': write('/usr/lib/ctga/build/js/cli/main.cjs'),
  'its own configuration': write('/etc/ctga/ctga.toml'),
  "the kernel's settings": write('/sys/class/net/lo/ifalias'),
  'control groups': write('/sys/fs/cgroup/cgroup.procs'),
  "the kernel's messages": read('/dev/kmsg'),
  homes: read('/home/secret'),
  "root's home": read('/root/secret'),
  "others' temporary files": read('/tmp/secret'),
  // Who starts as root sees what is root's; who parses is root no more.
  'other processes': read('/proc/1/status', ['observer']),
};
/** And what each has to be able to do. */
const NEEDS: Readonly<Record<string, Pick<Escape, 'try' | 'leftTo'>>> = {
  'its state': { try: `open(my $f, '>', "/var/lib/ctga/probe-$>") ? 0 : $!+0`, leftTo: WRITERS },
  'what it publishes': {
    try: `open(my $f, '>', "/var/lib/ctga/dns/probe") ? 0 : $!+0`,
    leftTo: ['dns'],
  },
  'what is brought to it': {
    try: `open(my $f, '>', "/var/lib/ctga/pool/probe") ? 0 : $!+0`,
    leftTo: ['pool'],
  },
  'what its federation states': {
    try: `open(my $f, '>', "/var/lib/ctga/federation/probe") ? 0 : $!+0`,
    leftTo: ['federation'],
  },
  'its configuration': {
    try: `open(my $f, '<', "$ENV{CREDENTIALS_DIRECTORY}/ctga.toml") ? 0 : $!+0`,
  },
  'this machine': {
    try: connect(HERE),
    leftTo: [
      'challenger',
      'dns',
      'web',
      'pool',
      'audit',
      'federation',
      'witness',
      'alert',
      'collect',
      'fleet-challenger',
      'publish',
    ],
  },
};

/** Prints NAME: ERRNO for each. */
export const PROBE = `use Socket;
sub call { my $r = syscall(shift, map { $_ } @_); $r < 0 ? $!+0 : 0 }
sub attempt { my ($name, $code) = @_; my $pid = fork; if (!$pid) { $! = 0; my $r = eval { $code->() } // "died: $@"; print "$name: $r\\n"; exit } waitpid $pid, 0 }
$| = 1;
${Object.entries({ ...ESCAPES, ...NEEDS })
  .map(([name, { try: code }]) => `attempt("${name}", sub { ${code} });`)
  .join('\n')}
`;

function parse(printed: string): Map<string, string> {
  return new Map(
    printed
      .trim()
      .split('\n')
      .map((line) => [
        line.slice(0, line.lastIndexOf(': ')),
        line.slice(line.lastIndexOf(': ') + 2),
      ]),
  );
}

/**
 * What is not as it must be, in a service: what it could do and must not, and the other way round.
 */
export function sandboxFaults(service: string, printed: string): string[] {
  const results = parse(printed);
  const escapes = Object.entries(ESCAPES).flatMap(([name, { refusedWith, leftTo = [] }]) => {
    const result = results.get(name) ?? 'missing';
    return leftTo.includes(service) || refusedWith.includes(Number(result))
      ? []
      : [`${name}: ${result}`];
  });
  const needs = Object.entries(NEEDS).flatMap(([name, { leftTo }]) => {
    const result = results.get(name) ?? 'missing';
    return result === '0' || (leftTo !== undefined && !leftTo.includes(service))
      ? []
      : [`${name}: ${result}`];
  });
  return [...escapes, ...needs];
}

/** What would be refused without any sandbox, so that nothing is learnt from trying it. */
export function refusedAnyway(printed: string): string[] {
  const results = parse(printed);
  return Object.entries(ESCAPES)
    .filter(([name, { refusedWith }]) => refusedWith.includes(Number(results.get(name))))
    .map(([name]) => name);
}

/**
 * Ways of one process into another, of which the number is the argument: prints PID NAME: ERRNO for
 * each process and way.
 */
export const INTRUDE = `sub call { my $r = syscall(shift, map { $_ } @_); $r < 0 ? $!+0 : 0 }
my %ways = (
  signal => sub { kill(0, $_[0]) ? 0 : $!+0 },
  SIGUSR1 => sub { kill('USR1', $_[0]) ? 0 : $!+0 },
  ptrace => sub { call(101, 16, $_[0] + 0, 0, 0) },
  mem => sub { open(my $f, '+<', "/proc/$_[0]/mem") ? 0 : $!+0 },
  vm_readv => sub { my $b = 'x'; my $v = pack('PQ', $b, 1); call(310, $_[0] + 0, $v, 1, $v, 1, 0) },
  getfd => sub { my $p = syscall(434, $_[0] + 0, 0); $p < 0 ? $!+0 : call(438, $p, 0, 0) },
);
for my $pid (@ARGV) {
  for my $way (sort keys %ways) {
    my $child = fork; if (!$child) { $! = 0; my $r = $ways{$way}->($pid); print "$pid $way: $r\\n"; exit } waitpid $child, 0;
  }
}
`;
export const WAYS_IN = ['SIGUSR1', 'getfd', 'mem', 'ptrace', 'signal', 'vm_readv'] as const;
