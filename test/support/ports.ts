// SPDX-License-Identifier: Apache-2.0
/** Ports for programs that cannot choose one themselves and say which. */
export { freePort } from '../../src/base/free-port.ts';
