// SPDX-License-Identifier: Apache-2.0
/**
 * The roster of a member that runs, read anew from its file. A file that is wrong, or by which this
 * member could not go on, changes nothing, and is told once.
 */
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { FILES, readRoster, type Membership, type Roster } from './roster.ts';

/** What all members have to agree on, and what none of them changes while it runs. */
const FIXED = ['intervalSeconds', 'batchBytes', 'leaseSeconds'] as const;

export class FollowedRoster {
  readonly #directory: string;
  readonly #member: Membership['member'];
  readonly #onFault: (message: string) => void;
  #roster: Roster;
  #told: string | undefined;

  /** `onFault` is told why the file is not followed, or not in all, once until that is another reason. */
  constructor(
    directory: string,
    { roster, member }: Membership,
    onFault: (message: string) => void = () => undefined,
  ) {
    this.#directory = directory;
    this.#member = member;
    this.#roster = roster;
    this.#onFault = onFault;
  }

  get current(): Roster {
    return this.#roster;
  }

  /** Reads the file. Returns whether there are other members now. */
  look(): boolean {
    let members: Roster['members'] | undefined;
    let fault: string | undefined;
    try {
      const found = readRoster(this.#directory);
      fault = this.#hindrance(found);
      if (fault === undefined) {
        members = found.members;
        fault = this.#unfollowed(found);
      }
    } catch (error) {
      fault = `${messageOf(error)}: until that is mended the fleet is as it was before`;
    }
    if (fault !== undefined && fault !== this.#told) this.#onFault(fault);
    this.#told = fault;
    if (members === undefined || JSON.stringify(members) === JSON.stringify(this.#roster.members))
      return false;
    this.#roster = { ...this.#roster, members };
    return true;
  }

  /** Why this member could not go on by it. */
  #hindrance({ name, members }: Roster): string | undefined {
    const { name: own, role, key } = this.#member;
    const file = join(this.#directory, FILES.roster);
    const self = members.find((each) => Buffer.from(key).equals(each.key));
    const what =
      name !== this.#roster.name
        ? `is that of another fleet, ${name}`
        : self === undefined
          ? `has no member with the key of ${own}, which runs here, any more`
          : self.name !== own || self.role !== role
            ? `has ${own}, which runs here as a ${role}, as ${self.name}, a ${self.role}`
            : undefined;
    return what && `${file} ${what}: until that is mended the fleet is as it was before`;
  }

  /** What of it takes effect later. */
  #unfollowed(found: Roster): string | undefined {
    const other = FIXED.filter((field) => found[field] !== this.#roster[field]);
    if (other.length === 0) return undefined;
    const changes = other.map(
      (field) => `${field} ${found[field]} in place of ${this.#roster[field]}`,
    );
    return `${join(this.#directory, FILES.roster)} has ${changes.join(', ')}: that takes effect when this is started again, and all members and servers have to have the same`;
  }
}
