/**
 * `npm run bench`: tsrunc beside crun and runc, in one run and in turns, so that what the machine does
 * meanwhile hits all alike. `-- --rounds 30` (default 20), `-- --json`. Needs root and a build.
 *
 * This process makes what is needed and takes it away again; the measuring is done by bench/measure.mjs in
 * namespaces of its own, with the cgroups that crun accepts (see view.mjs).
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** Resolves when the command and everything that it has started are gone. Interrupted, it ends them. */
function runInView(wanted, run, env) {
  const [command, ...args] = inView(wanted, run);
  // The measuring prints only what is missing or fails, on stderr: stdout is the result's.
  const child = spawn(command, args, { env, stdio: ['ignore', 2, 2] });
  const end = () => {
    // unshare(1) itself ignores signals. When the first process of its pid namespace has ended, all others have.
    const first = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
    if (first !== '') process.kill(Number(first), 'SIGKILL');
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, end);
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', () => {
      for (const signal of signals) process.off(signal, end);
      resolve();
    });
  });
}

await main(async () => {
  const { rounds, json } = options();
  if (process.geteuid() !== 0)
    throw new StepError('The benchmark makes containers as root: run it with sudo.');
  if (!['tsrunc', 'index.js'].every((file) => existsSync(join(root, 'dist', file))))
    throw new StepError('There is no dist/ to measure: run `npm run build` first.');

  const folder = mkdtempSync(join(tmpdir(), 'tsrunc-bench-'));
  const cgroup = `tsrunc-bench-${process.pid}`;
  try {
    makeRootfs(join(folder, 'rootfs'));
    await makeBundle(folder, 'true', ['/bin/true'], `/${cgroup}/true`);
    await makeBundle(folder, 'true-2', ['/bin/true'], `/${cgroup}/true-2`);
    await makeBundle(folder, 'sleep', ['/bin/sleep', '1000'], `/${cgroup}/sleep`);
    writeFileSync(join(folder, 'empty.js'), '');
    compileFloor(folder);
    const result = join(folder, 'result.json');
    const states = join(folder, 'run');
    mkdirSync(states);
    const { NODE_EXTRA_CA_CERTS: _, NODE_OPTIONS: __, ...env } = process.env;
    const measuring = [process.execPath, measure, folder, cgroup, String(rounds), result];
    await runInView(measuring, states, env);
    if (!existsSync(result)) throw new StepError('The benchmark broke off.');
    printReport(result, machine(), rounds, json);
  } finally {
    for (const name of [cgroup, `${cgroup}-floor`]) removeCgroups(name);
    rmSync(folder, { recursive: true, force: true });
  }
});
