// SPDX-License-Identifier: Apache-2.0
/** What `ctga doctor` found out about one thing that ctga needs. */
export interface CheckResult {
  readonly what: string;
  /** `unknown`: this process may not find it out. */
  readonly state: 'well' | 'warning' | 'failure' | 'unknown';
  /** One sentence. */
  readonly found: string;
  readonly remedy?: string;
}
