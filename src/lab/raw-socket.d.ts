// SPDX-License-Identifier: Apache-2.0
/** The part of npm's raw-socket 1.8 that the lab uses. The package itself has no types. */
declare module 'raw-socket' {
  export interface Socket {
    on(event: 'error', listener: (error: Error) => void): this;
    send(
      packet: Buffer,
      offset: number,
      length: number,
      address: string,
      done: (error: Error | null, bytes: number) => void,
    ): this;
    close(): this;
  }
  /** Protocol 255 is IPPROTO_RAW: packets include their IP header; it receives none (raw(7)). */
  export function createSocket(options: { protocol: number; addressFamily?: number }): Socket;
  const raw: { createSocket: typeof createSocket };
  export default raw;
}
