import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** An unprivileged user of this machine, for tests of what such a one can do. */
export interface TestUser {
  /** Also the number of its only group. */
  readonly id: number;
  /** The first of its subordinate ids and how many there are; undefined when it has none. */
  readonly subordinate: { readonly first: number; readonly count: number } | undefined;
  /** Removes the user if `testUser` made it. */
  remove(): void;
}

const NAME = 'tester';

/** The user `tester`, which is made when it isn't there. Undefined where that is not possible. */
export function testUser(): TestUser | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const known = (): boolean => spawnSync('id', [NAME]).status === 0;
  const made = !known() && spawnSync('useradd', ['-m', NAME]).status === 0;
  if (!known()) return undefined;
  return {
    id: Number(execFileSync('id', ['-u', NAME])),
    subordinate: subordinateIds(),
    remove: () => {
      if (made) spawnSync('userdel', ['-r', NAME]);
    },
  };
}

function subordinateIds(): TestUser['subordinate'] {
  try {
    const [, first, count] =
      new RegExp(`^${NAME}:(\\d+):(\\d+)$`, 'm').exec(readFileSync('/etc/subuid', 'utf8')) ?? [];
    return first === undefined ? undefined : { first: Number(first), count: Number(count) };
  } catch {
    return undefined;
  }
}
