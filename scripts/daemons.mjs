/**
 * `npm run daemons [-- [--newest] [--runtime NAME] [PATTERN]]`: the tests of test/daemons with tsrunc, runc and crun, and a table
 * of the three side by side. In a view of pure cgroup v1 where the host has v1: crun refuses a mixture. With `--newest`
 * those of containerd and CRI-O alone, with releases that Debian doesn't have.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { build } from './build.mjs';
import { busyboxBundle } from './busybox-bundle.mjs';
import { buildNativeTests, subreaper } from './native-tests.mjs';
import { buildNewest } from './newest.mjs';
import { dim, green, isMain, main, red, root, StepError, step, yellow } from './steps.mjs';
import { noWorld, World } from './world.mjs';

const folder = join(root, 'test/daemons');
const names = ['tsrunc', 'runc', 'crun'];
const fileTimeout = 300;
const signs = { passed: green('✓'), failed: red('✗'), skipped: yellow('-') };

/** Runs a test file with a runtime; resolves with its output. */
function outputOf(command, env) {
  return new Promise((resolve, reject) => {
    const [program, ...args] = command;
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}

async function runFile(file, runtime, temporary, programs) {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const world = new World('v1');
  const test = [process.execPath, '--import', 'tsx', join(folder, file)];
  const inner = world.enter([subreaper, String(fileTimeout), ...test]);
  const output = await outputOf([subreaper, String(fileTimeout + 10), ...inner], {
    ...env,
    PATH: [...programs, env.PATH].join(delimiter),
    TMPDIR: temporary,
    TSRUNC_DAEMONS_RUNTIME: runtime,
  });
  const results = new Map();
  for (const [, result, name] of output.matchAll(/# result: (\w+): (.*?)(?: \(\d+ ms\))?$/gm))
    results.set(name, result);
  const troubles = [...output.matchAll(/^# ((?:left behind|broken off): .*)$/gm)].map(
    ([, it]) => it,
  );
  troubles.push(...world.remove().map((path) => `left behind: cgroup ${path}`));
  // Without any result the daemon itself didn't start.
  const failed = results.size === 0 || [...results.values()].includes('failed');
  if (failed) troubles.push(output);
  return { results, troubles, failed };
}

function print(file, columns) {
  const tests = [...new Set([...columns.values()].flatMap(({ results }) => [...results.keys()]))];
  console.log(`\n${file}`);
  for (const test of tests) {
    const cells = [...columns.values()].map(({ results }) => signs[results.get(test)] ?? ' ');
    console.log(`  ${cells.map((cell) => `  ${cell}     `).join('')}${test}`);
  }
  for (const [runtime, { troubles }] of columns)
    for (const trouble of troubles) console.log(dim(`  ${runtime}: ${trouble}`));
}

async function daemons(args) {
  const newest = args.indexOf('--newest');
  const isNewest = newest >= 0 && args.splice(newest, 1).length > 0;
  const chosen = args.indexOf('--runtime');
  const runtimes = chosen < 0 ? names : args.splice(chosen, 2).slice(1);
  const unknown = runtimes.find((name) => !names.includes(name));
  if (runtimes.length === 0 || unknown !== undefined)
    throw new StepError(`--runtime takes one of ${names.join(', ')}.`);
  const wants = noWorld();
  if (wants !== undefined) throw new StepError(`The tests of daemons want ${wants}.`);
  await build();
  await step('assembling the busybox bundle', busyboxBundle);
  await step('building the native tests', buildNativeTests);
  const programs = isNewest ? await buildNewest() : [];
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts') && name.includes(args[0] ?? ''))
    .filter((name) => !isNewest || /^(containerd|cri)/.test(name));
  const temporary = mkdtempSync('/tmp/tsrunc-');
  let failed = false;
  console.log(`  ${runtimes.map((name) => name.padEnd(8)).join('')}`);
  for (const file of files.sort()) {
    const columns = new Map();
    for (const runtime of runtimes)
      columns.set(runtime, await runFile(file, runtime, temporary, programs));
    print(file, columns);
    failed ||= columns.get('tsrunc')?.failed ?? false;
  }
  rmSync(temporary, { recursive: true });
  if (failed) throw new StepError('Not all tests passed with tsrunc.');
}

if (isMain(import.meta.url)) await main(() => daemons(process.argv.slice(2)));
