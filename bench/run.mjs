/**
 * `npm run bench`: tsrunc beside crun and runc, in one run and in turns, so that what the machine does
 * meanwhile hits all alike. `-- --rounds 30` (default 20), `-- --json`. Needs root and a build.
 *
 * This process makes what is needed and takes it away again; the measuring is done by bench/measure.mjs in
 * namespaces of its own, with the cgroups that crun accepts (see view.mjs).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeRootfs } from '../scripts/busybox-bundle.mjs';
import { main, root, StepError } from '../scripts/steps.mjs';
import { machine } from './machine.mjs';
import { printReport } from './report.mjs';
import { inView, removeCgroups } from './view.mjs';

const measure = fileURLToPath(new URL('./measure.mjs', import.meta.url));

function options() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new StepError(`--rounds takes a number from 1, not "${values.rounds}".`);
  return { rounds, json: values.json };
}

/** A bundle for all runtimes: the default configuration without a terminal. */
async function makeBundle(folder, name, args, cgroupsPath) {
  const { defaultSpec } = await import(join(root, 'dist/index.js'));
  const spec = defaultSpec();
  // The oldest peers here know 1.0 and refuse what is newer.
  spec.ociVersion = '1.0.2';
  spec.process.terminal = false;
  spec.process.args = args;
  spec.root.path = join(folder, 'rootfs');
  spec.linux.cgroupsPath = cgroupsPath;
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'config.json'), JSON.stringify(spec));
}

function compileFloor(folder) {
  const program = join(folder, 'floor');
  const source = fileURLToPath(new URL('./floor.c', import.meta.url));
  try {
    execFileSync('cc', ['-O2', '-static', '-o', program, source], { stdio: 'pipe' });
  } catch (error) {
    const why = error.stderr?.toString().trim() || error.message;
    console.error(`The floor is left out: cc can't compile bench/floor.c (${why}).`);
    rmSync(program, { force: true });
  }
}

await main(async () => {
  const { rounds, json } = options();
  if (process.geteuid() !== 0)
    throw new StepError('The benchmark makes containers as root: run it with sudo.');
  if (!existsSync(join(root, 'dist/tsrunc.cjs')))
    throw new StepError('There is no dist/tsrunc.cjs to measure: run `npm run build` first.');

  const folder = mkdtempSync(join(tmpdir(), 'tsrunc-bench-'));
  const cgroup = `tsrunc-bench-${process.pid}`;
  // Interrupted, it still takes everything away: the measuring process gets the signal too and ends first.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
  try {
    makeRootfs(join(folder, 'rootfs'));
    await makeBundle(folder, 'true', ['/bin/true'], `/${cgroup}/true`);
    await makeBundle(folder, 'sleep', ['/bin/sleep', '1000'], `/${cgroup}/sleep`);
    copyFileSync('/dev/null', join(folder, 'empty.js'));
    compileFloor(folder);
    const result = join(folder, 'result.json');
    const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...env } = process.env;
    const [command, ...args] = inView([
      process.execPath,
      measure,
      folder,
      cgroup,
      String(rounds),
      result,
    ]);
    // The measuring prints only what is missing or fails, on stderr: stdout is the result's.
    const { status } = spawnSync(command, args, { env, stdio: ['ignore', 2, 2] });
    if (status !== 0 || !existsSync(result)) throw new StepError('The benchmark broke off.');
    printReport(result, machine(), rounds, json);
  } finally {
    removeCgroups(cgroup);
    rmSync(folder, { recursive: true, force: true });
  }
});
