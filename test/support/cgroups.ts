/** Real cgroups for tests, below a parent of the test's own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Cgroup, CgroupLocation } from '../../ts/cgroup/cgroup.js';
import { detectCgroupLayout } from '../../ts/cgroup/layout.js';
import { locateCgroup } from '../../ts/cgroup/location.js';
import { openCgroup } from '../../ts/cgroup/open.js';
import { TsruncError } from '../../ts/errors.js';
import { loadNative } from '../../ts/native/addon.js';

export const isRoot = process.geteuid?.() === 0;
export const layout = detectCgroupLayout();
export const native = loadNative();

export type Version = CgroupLocation['version'];

/** A place for a test in the cgroups of a version, also as a part of a hybrid host's. Undefined when this host has none. */
export function locate(version: Version, name = 'x'): CgroupLocation | undefined {
  if (layout.version === 'none') return undefined;
  const { directories } = locateCgroup(layout, 'unused', `/tsrunc-test-${process.pid}/${name}`);
  const { unified, ...others } = directories;
  if (version === 'v2')
    return unified === undefined ? undefined : { version, directories: { unified } };
  if (layout.version === 'v2' || (version === 'hybrid' && unified === undefined)) return undefined;
  return { version, directories: version === 'v1' ? others : directories };
}

/** Runs a test with a cgroup that isn't there yet, and makes sure that nothing of it stays. */
export async function withCgroup(
  version: Version,
  body: (cgroup: Cgroup, location: CgroupLocation) => unknown,
): Promise<void> {
  const location = locate(version);
  assert.ok(location);
  const cgroup = openCgroup(location, native);
  try {
    await body(cgroup, location);
  } finally {
    await cgroup.remove();
    for (const directory of Object.values(location.directories)) {
      if (existsSync(dirname(directory))) rmdirSync(dirname(directory));
    }
  }
}

/** Starts a shell that joins the cgroup and only then goes on with `script`. */
export function startIn(cgroup: Cgroup, script: string): ChildProcess {
  const child = spawn('sh', ['-c', `read go; ${script}`], { stdio: ['pipe', 'pipe', 'ignore'] });
  for (const file of cgroup.joinFiles) writeFileSync(file, String(child.pid));
  if (cgroup.birthplace) writeFileSync(`${cgroup.birthplace}/cgroup.procs`, String(child.pid));
  child.stdin?.end('\n');
  return child;
}

/** The end of a process that some test expects, as code or signal. */
export async function ending(child: ChildProcess): Promise<unknown> {
  const [code, signal] = await once(child, 'exit');
  return code ?? signal;
}

/** Waits until a process says its first line. */
export async function spoken(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  const [data] = await once(child.stdout, 'data');
  return String(data).trim();
}

/** The content of a file of the cgroup. */
export function read({ directories }: CgroupLocation, hierarchy: string, file: string): string {
  const directory = Object.entries(directories).find(([name]) =>
    name.split(',').includes(hierarchy),
  )?.[1];
  assert.ok(directory, hierarchy);
  return readFileSync(join(directory, file), 'utf8').trim();
}

export function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof TsruncError, String(error));
    assert.is(error.stage, 'cgroup');
    return error.code;
  }
  throw new Error('it did not fail');
}

export const gone = ({ directories }: CgroupLocation): boolean =>
  !Object.values(directories).some(existsSync);
