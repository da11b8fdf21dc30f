/**
 * `npm test [-- PATTERN]`: everything that must hold, from set-up to integration tests. Ends with
 * `N passed, N failed, N skipped`. With a PATTERN only the test files whose path contains it; with `--built` before it
 * what is there is tested as it is, on machines that have no compiler (scripts/vm.mjs).
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from './build.mjs';
import { busyboxBundle } from './busybox-bundle.mjs';
import { buildNativeTests, nativeTests, subreaper } from './native-tests.mjs';
import { dim, green, red, root, run, step, yellow } from './steps.mjs';
import { noWorld, World } from './world.mjs';

const slowness = Number(process.env.TSRUNC_SLOWNESS ?? 1);
const fileTimeout = 600 * slowness;
const bin = (name) => join(root, 'node_modules/.bin', name);

const counts = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const skips = [];

function fail(what) {
  ++counts.failed;
  failures.push(what);
}

/** One test by itself: counts, and prints why it failed. */
async function check(title, action) {
  try {
    await step(title, action);
    ++counts.passed;
  } catch (error) {
    console.log(error.message);
    fail(title);
  }
}

/** Runs a program under the subreaper; resolves with its output and exit code. */
function runTest(args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(subreaper, [String(fileTimeout), ...args], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ output, code }));
  });
}

/** Runs a test file where it belongs: those of daemons in a world of their own. `left` names what stays of it. */
async function runFile(file, env) {
  const program = [process.execPath, '--import', 'tsx', file];
  if (!inRoom('daemons', file)) return { ...(await runTest(program, env)), left: [] };
  const world = new World();
  // The inner one is the world's init; the outer one ends the world if this program is ended.
  const result = await runTest(world.enter([subreaper, String(fileTimeout), ...program]), env);
  return { ...result, left: world.remove().map((path) => `cgroup ${path}`) };
}

/** What a test has left in its temporary folder, or mounted there. tsx and Node keep caches in it. */
function leftIn(folder) {
  const files = readdirSync(folder).filter((name) => !/^(tsx|node-compile-cache)/.test(name));
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((target) => target.startsWith(folder));
  return [...mounts.map((target) => `mount ${target}`), ...files.map((name) => `file ${name}`)];
}

const inRoom = (room, file) => relative(root, file).startsWith(join('test', room));

/** uvu's summary; undefined when the file didn't come that far. */
function summary(output) {
  const number = (word) =>
    Number(new RegExp(`^ *${word}: +(\\d+)`, 'm').exec(output)?.[1] ?? Number.NaN);
  const [total, passed, skipped] = [number('Total'), number('Passed'), number('Skipped')];
  return Number.isNaN(total + passed + skipped) ? undefined : { total, passed, skipped };
}

/** Runs one file of uvu tests. A crash, a time-out or something left behind counts as one failure more. */
async function testFile(file, temporary) {
  const name = relative(root, file);
  const since = Date.now();
  const env = { ...process.env, TMPDIR: temporary };
  // Parsing a file of certificates at each start of Node would double the time of the CLI's tests.
  delete env.NODE_EXTRA_CA_CERTS;
  // A pipe gets no colours of itself; each of these makes Node load more at its start.
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_OPTIONS']) delete env[name];
  const { output, code, left: cgroups } = await runFile(file, env);
  const result = summary(output);
  const left = [...leftIn(temporary), ...cgroups];
  const troubles = [...output.matchAll(/^# (left behind: .*|broken off: .*)$/gm)].map(
    (match) => match[1],
  );
  troubles.push(...left.map((what) => `left behind: ${what}`));
  for (const [, skip] of output.matchAll(/^# skipped: (.*)$/gm)) skips.push(`${name}: ${skip}`);

  const failed = result === undefined ? 0 : result.total - result.passed;
  if (result === undefined || (code !== 0 && failed === 0 && troubles.length === 0)) {
    troubles.push(`the file ended with status ${code} before its tests did`);
  }
  counts.passed += result?.passed ?? 0;
  counts.skipped += result?.skipped ?? 0;
  counts.failed += failed;
  if (failed > 0) failures.push(`${name}: ${failed} of ${result.total}`);
  for (const trouble of troubles) fail(`${name}: ${trouble}`);

  const took = `${((Date.now() - since) / 1000).toFixed(1)} s`;
  const bad = failed > 0 || troubles.length > 0;
  console.log(
    `  ${bad ? red('✗') : green('✓')} ${name} ${dim(`${result?.passed ?? 0} passed, ${took}`)}`,
  );
  if (bad) console.log(output);
  for (const entry of readdirSync(temporary)) {
    const mounted = left.some((what) => what.startsWith(`mount ${join(temporary, entry)}`));
    if (left.includes(`file ${entry}`) && !mounted)
      rmSync(join(temporary, entry), { recursive: true });
  }
}

function testFiles(pattern) {
  const order = ['unit', 'cli', 'integration', 'attacks', 'daemons', 'package'];
  return order
    .map((room) => join(root, 'test', room))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true })
        .filter((name) => name.endsWith('.test.ts'))
        .sort()
        .map((name) => join(folder, name)),
    )
    .filter((file) => relative(root, file).includes(pattern));
}

async function staticChecks() {
  await check('list of C++ sources', () =>
    run('sources', process.execPath, ['scripts/sources.mjs', '--check']),
  );
  await check('generated files', () =>
    run('generate', process.execPath, [
      '--import',
      'tsx',
      'scripts/generate-operations.ts',
      '--check',
    ]),
  );
  await check('types', () => run('tsc', bin('tsc'), ['-p', '.']));
  await check('lint and format', () => run('biome', bin('biome'), ['check']));
  for (const program of nativeTests()) {
    const name = program.slice(program.lastIndexOf('/') + 1);
    await check(`native: ${name}`, async () => {
      const { output, code } = await runTest([program], process.env);
      if (code !== 0) throw new Error(`${output}\n${name} ended with status ${code}.`);
    });
  }
}

async function buildAll() {
  await build();
  await step('assembling the busybox bundle', busyboxBundle);
  await step('building the native tests', buildNativeTests);
}

async function all(pattern, built) {
  if (!built) await buildAll();
  if (pattern === '') await staticChecks();
  const files = testFiles(pattern);
  if (files.length === 0) return fail(`no test file's path contains "${pattern}"`);
  // Short, since the tests' socket paths begin with it.
  const temporary = mkdtempSync('/tmp/tsrunc-');
  const wants = files.some((file) => inRoom('daemons', file)) ? noWorld() : undefined;
  if (wants !== undefined) skips.push(`test/daemons: wants ${wants}`);
  for (const file of files) {
    if (wants === undefined || !inRoom('daemons', file)) await testFile(file, temporary);
    else ++counts.skipped;
  }
  if (leftIn(temporary).every((what) => !what.startsWith('mount')))
    rmSync(temporary, { recursive: true });
}

try {
  const args = process.argv.slice(2);
  const built = args[0] === '--built';
  if (built) args.shift();
  await all(args[0] ?? '', built);
} catch (error) {
  console.log(error.message);
  fail('set-up or build');
}
for (const skip of skips) console.log(yellow(`skipped: ${skip}`));
for (const failure of failures) console.log(red(`failed: ${failure}`));
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
