// SPDX-License-Identifier: Apache-2.0
/** Which hook of an interface a program takes: unless somebody says, the one that costs least there. */
import type { Device, XdpMode } from '../native/addon.ts';

/**
 * XDP is for drivers that run it before they make a socket buffer. A software device is handed
 * socket buffers: for XDP it converts each one, and turns offloads of its peer off. virtio_net
 * gives up receiving merged packets. What that costs is in docs/BENCH.md.
 *
 * An interface that does not exist is as good as any.
 */
export function chooseHook(
  { atCpuPort, mode }: { readonly atCpuPort: boolean; readonly mode: XdpMode | undefined },
  { kind, driver }: Omit<Device, 'mtu'> = { kind: '', driver: '' },
): { readonly prefersTc: boolean; readonly why: string } {
  if (atCpuPort) return { prefersTc: false, why: "a switch's copies are read by XDP" };
  if (mode !== undefined) return { prefersTc: mode === 'tc', why: `--mode ${mode}` };
  if (kind !== '')
    return { prefersTc: true, why: `it costs less than XDP on ${kind}, which is software` };
  if (driver === '') return { prefersTc: true, why: 'there is no driver to run XDP' };
  if (driver === 'virtio_net')
    return { prefersTc: true, why: 'virtio_net gives up receive offloads for XDP' };
  return { prefersTc: false, why: `the driver, ${driver}, runs XDP` };
}
