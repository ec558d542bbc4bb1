// SPDX-License-Identifier: Apache-2.0
/** A server that binds to every address, started with what keeps it on loopback, and without. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { listens, openPreloaded, preloadedEnvironment } from '../../src/p4/loopback.ts';
import { freePort } from '../support/ports.ts';

/** Binds as the first argument says, listens, prints the address, and goes on until it is ended. */
const SERVER = `
import socket, sys, time
family, address, port, only = sys.argv[1:]
s = socket.socket(getattr(socket, family))
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if family == 'AF_INET6': s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(only))
s.bind((address, int(port)))
s.listen()
print(s.getsockname()[0], flush=True)
time.sleep(600)
`;

interface Bound {
  readonly child: ChildProcess;
  readonly address: string;
}

async function bind(
  preloaded: boolean,
  family: string,
  address: string,
  port: number,
  only = 0,
): Promise<Bound> {
  const library = openPreloaded();
  const child = spawn('python3', ['-c', SERVER, family, address, `${port}`, `${only}`], {
    env: preloaded ? preloadedEnvironment() : process.env,
    stdio: ['ignore', 'pipe', 'inherit', library],
  });
  closeSync(library);
  const { stdout } = child;
  assert(stdout);
  const [line] = (await once(stdout, 'data')) as [Buffer];
  return { child, address: line.toString().trim() };
}

async function reaches(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('bind(2)', () => {
  for (const [what, preloaded, family, address, bound, where] of [
    ['as it is', false, 'AF_INET', '0.0.0.0', '0.0.0.0', 'elsewhere'],
    ['as it is, IPv6', false, 'AF_INET6', '::', '::', 'elsewhere'],
    ['to every address', true, 'AF_INET', '0.0.0.0', '127.0.0.1', 'on loopback'],
    ['to every address, IPv6', true, 'AF_INET6', '::', '::ffff:127.0.0.1', 'on loopback'],
    ['to one of loopback', true, 'AF_INET', '127.9.9.9', '127.9.9.9', 'on loopback'],
    ['to one of loopback, IPv6', true, 'AF_INET6', '::1', '::1', 'on loopback'],
  ] as const)
    test(what, async () => {
      const port = await freePort();
      assert.equal(listens(port), 'nowhere');
      const { child, address: got } = await bind(preloaded, family, address, port);
      const gone = once(child, 'exit');
      try {
        assert.equal(got, bound);
        assert.equal(listens(port), where);
        if (bound.endsWith('127.0.0.1')) {
          assert(await reaches('127.0.0.1', port));
          assert(!(await reaches('127.9.9.9', port)), 'this one address alone');
        }
      } finally {
        child.kill('SIGKILL');
        await gone;
      }
      assert.equal(listens(port), 'nowhere');
    });

  test('what it has on loopback does not hide what somebody else has elsewhere', async () => {
    const port = await freePort();
    const both = [
      await bind(true, 'AF_INET', '0.0.0.0', port),
      await bind(false, 'AF_INET6', '::', port, 1),
    ];
    try {
      assert.equal(listens(port), 'elsewhere');
    } finally {
      for (const { child } of both) child.kill('SIGKILL');
    }
  });
});
