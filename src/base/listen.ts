// SPDX-License-Identifier: Apache-2.0
/** An HTTP server at the address that somebody chose. */
import { isIP, type AddressInfo, type Server } from 'node:net';
import { CtgaError, messageOf } from './errors.ts';

/** Where a server listens. */
export interface Listening {
  readonly port: number;
  /** With a slash at its end. */
  readonly url: string;
}

/**
 * Resolves when the server listens at the address; for port 0 the kernel chooses one. Rejects with
 * CtgaError `kernel` if it cannot.
 */
export async function listenAt(
  server: Server,
  { address, port }: { readonly address: string; readonly port: number },
  scheme: 'http' | 'https' = 'http',
): Promise<Listening> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, address, resolve);
    });
  } catch (error) {
    throw new CtgaError('kernel', `cannot listen on ${address} port ${port}: ${messageOf(error)}`, {
      remedy: 'Choose another with --listen ADDRESS:PORT.',
      cause: error,
    });
  }
  // A later one is of a connection that was gone before it was accepted.
  server.on('error', () => undefined);
  const { port: bound } = server.address() as AddressInfo;
  const host = isIP(address) === 6 ? `[${address}]` : address;
  return { port: bound, url: `${scheme}://${host}:${bound}/` };
}
