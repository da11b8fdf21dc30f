import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { isSystemError, TsruncError } from '../errors.js';
import type { LinuxIntelRdt } from '../spec/types.js';
import type { Undo } from '../undo.js';
import { findMismatch, schemataWrites } from './schemata.js';

/** The groups that a container is in, and those of them that go with it. All are folders of a resctrl file system. */
export interface ResctrlGroups {
  /** Its class of service, then its monitoring group. */
  readonly joined: readonly string[];
  /** To be removed when it is deleted, in this order. */
  readonly own: readonly string[];
}

/** Folders of resctrl that are no classes of service. */
const RESERVED = ['info', 'mon_groups', 'mon_data'];

/**
 * config-linux.md, "IntelRdt": looks at the configuration and at what is there, and changes nothing. `root` is
 * where resctrl is mounted.
 */
export class ResctrlPlan {
  readonly groups: ResctrlGroups;
  readonly #config: LinuxIntelRdt;
  readonly #root: string;
  readonly #class: string;
  readonly #monitor: string | undefined;
  readonly #isMade: boolean;

  /** Throws INVALID_CONFIG for a class that isn't there or isn't as it was asked for. */
  constructor(root: string, id: string, config: LinuxIntelRdt) {
    const name = config.closID || id;
    if (RESERVED.includes(name)) {
      throw refused(
        `"${name}" can't be the name of a class of service, since resctrl has a folder of that name: set closID to another one`,
      );
    }
    this.#root = root;
    this.#config = config;
    this.#class = name === '/' ? root : `${root}/${name}`;
    this.#isMade = !existsSync(this.#class);
    this.#monitor = config.enableMonitoring ? `${this.#class}/mon_groups/${id}` : undefined;
    this.#check();
    const monitor = this.#monitor === undefined ? [] : [this.#monitor];
    const made = this.#isMade && !config.closID ? [this.#class] : [];
    this.groups = { joined: [this.#class, ...monitor], own: [...monitor, ...made] };
  }

  /** Makes and sets up what is missing. */
  create(undo: Undo): void {
    // The specification's order: of a class that is kept, a failed create leaves nothing either.
    if (this.#isMade) this.#make(this.#class, undo);
    writeSchemata(this.#root, this.#class, this.#config);
    if (this.#monitor !== undefined) this.#make(this.#monitor, undo);
  }

  join(pid: number): void {
    joinGroups(this.groups, pid);
  }

  #check(): void {
    const { closID } = this.#config;
    const writes = schemataWrites(this.#config);
    if (this.#monitor !== undefined && existsSync(this.#monitor))
      throw refused(`there is a monitoring group ${this.#monitor} already`);
    if (!closID) return;
    if (this.#isMade && writes.length === 0) {
      throw refused(
        `there is no class of service ${this.#class}: make it, or say with schemata what it is to be`,
      );
    }
    if (this.#isMade || writes.length === 0) return;
    const schemata = attempt(this.#root, `read ${this.#class}/schemata`, () =>
      readFileSync(`${this.#class}/schemata`, 'utf8'),
    );
    const mismatch = findMismatch(this.#config, schemata);
    if (mismatch === undefined) return;
    throw refused(
      `the class of service ${this.#class} is there already and isn't as ${JSON.stringify(mismatch)} has it: choose another closID`,
    );
  }

  #make(folder: string, undo: Undo): void {
    attempt(this.#root, `make the group ${folder}`, () => mkdirSync(folder, 0o755));
    undo.add('remove the resctrl group', () => removeGroups([folder]));
  }
}

/** Gives a class of service these schemata. `root` is where resctrl is mounted. */
export function writeSchemata(root: string, group: string, config: LinuxIntelRdt): void {
  for (const text of schemataWrites(config)) {
    attempt(root, `write ${JSON.stringify(text.trimEnd())} to ${group}/schemata`, () =>
      writeFileSync(`${group}/schemata`, text, { flag: 'a' }),
    );
  }
}

function attempt<T>(root: string, what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw failed(what, error, lastStatus(root));
  }
}

/** Puts a process into a container's groups: the class first, since its monitoring groups take only who is in it. */
export function joinGroups({ joined }: ResctrlGroups, pid: number): void {
  for (const group of joined) {
    try {
      writeFileSync(`${group}/tasks`, `${pid}\n`, { flag: 'a' });
    } catch (error) {
      if (!isSystemError(error)) throw error;
      throw failed(`write process ${pid} to ${group}/tasks`, error);
    }
  }
}

/** Those that are gone already are no error. */
export function removeGroups(groups: readonly string[]): void {
  for (const group of groups) {
    try {
      rmdirSync(group);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      if (error.code !== 'ENOENT') throw failed(`remove the group ${group}`, error);
    }
  }
}

/** What the kernel says of the last call that it refused, after which the errno is a poor word. */
function lastStatus(root: string): string {
  try {
    const text = readFileSync(`${root}/info/last_cmd_status`, 'utf8').trim();
    return text === 'ok' ? '' : text;
  } catch {
    return '';
  }
}

function failed(
  what: string,
  error: Error & { code: string; errno: number },
  status = '',
): TsruncError {
  return new TsruncError(`linux.intelRdt: cannot ${what}: ${status || error.message}`, {
    code: error.code,
    errno: -error.errno,
    stage: 'resctrl',
    cause: error,
  });
}

function refused(why: string): TsruncError {
  return new TsruncError(`config.json: linux.intelRdt: ${why}`, {
    code: 'INVALID_CONFIG',
    stage: 'resctrl',
  });
}
