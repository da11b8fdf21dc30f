/** Where a benchmark happens: a folder and cgroups of its own, which are gone when it ends, however it ends. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRootfs } from '../scripts/busybox-bundle.mjs';
import { root, StepError } from '../scripts/steps.mjs';
import { inView, removeCgroups, runToEnd } from './view.mjs';

/**
 * Runs `script` with Node in the view of view.mjs, as `script FOLDER CGROUP RESULT ...args`; resolves with what it wrote
 * to RESULT as JSON. In FOLDER are `rootfs` and the tmpfs `run`, for the states; CGROUP is for all containers' cgroups
 * to be below. `prepare(folder, cgroup)` comes before.
 */
export async function measureInPlace(script, args, prepare) {
  if (process.geteuid() !== 0)
    throw new StepError('The benchmark makes containers as root: run it with sudo.');
  if (!['tsrunc', 'index.js'].every((file) => existsSync(join(root, 'dist', file))))
    throw new StepError('There is no dist/ to measure: run `npm run build` first.');

  const folder = mkdtempSync(join(tmpdir(), 'tsrunc-bench-'));
  const cgroup = `tsrunc-bench-${process.pid}`;
  try {
    makeRootfs(join(folder, 'rootfs'));
    await prepare(folder, cgroup);
    const states = join(folder, 'run');
    mkdirSync(states);
    const result = join(folder, 'result.json');
    const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...env } = process.env;
    await runToEnd(
      inView([process.execPath, script, folder, cgroup, result, ...args], states),
      env,
    );
    if (!existsSync(result)) throw new StepError('The benchmark broke off.');
    return JSON.parse(readFileSync(result, 'utf8'));
  } finally {
    for (const name of [cgroup, `${cgroup}-floor`]) removeCgroups(name);
    rmSync(folder, { recursive: true, force: true });
  }
}
