/**
 * `npm run test:sanitized [-- PATTERN]`: test/integration, or the test files whose path contains PATTERN, with the addon and
 * init built with AddressSanitizer and UndefinedBehaviorSanitizer, in a tree of its own under `.cache`. A report of
 * theirs ends the process that it is about with status 86 and fails the run. What init is there has a libc; the
 * launcher stays as it is (cpp/test/messages_fuzz.cc tests it under both).
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { busyboxBundle } from './busybox-bundle.mjs';
import { buildNativeTests, subreaper } from './native-tests.mjs';
import { main, root, run, StepError, step } from './steps.mjs';

const folder = join(root, '.cache', 'sanitized');
const objects = join(folder, 'build');
const tree = join(folder, 'tree');
const reports = join(folder, 'reports');
const node = join(tree, 'dist/node');

const parts = [
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'binding.gyp', 'README.md'],
  ...['scripts', 'bench', 'ts', 'cpp', 'test', 'docs', 'dist', 'bundle-fixtures', 'systemd'],
  ...['build/Release/tsrunc', '.cache/stamps'],
];

async function compile() {
  const options = ['-DTSRUNC_SANITIZE=ON', '-DCMAKE_BUILD_TYPE=RelWithDebInfo'];
  const jobs = ['--parallel', String(availableParallelism())];
  await run('cmake-sanitized', 'cmake', ['-S', root, '-B', objects, ...options]);
  await run('sanitized', 'cmake', ['--build', objects, '--target', 'tsrunc', ...jobs]);
}

/** The compiler's own copy of a library, which what it has built wants. */
function libraryOf(name) {
  const { stdout } = spawnSync('c++', [`-print-file-name=${name}`], { encoding: 'utf8' });
  return realpathSync(stdout.trim());
}

async function assemble() {
  rmSync(tree, { recursive: true, force: true });
  for (const part of parts)
    cpSync(join(root, part), join(tree, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !path.endsWith('.cache'),
    });
  symlinkSync(realpathSync(join(root, 'node_modules')), join(tree, 'node_modules'));
  cpSync(join(objects, 'tsrunc.node'), join(tree, 'build/Release/tsrunc.node'));
  mkdirSync(join(tree, '.cache/asan'), { recursive: true });
  cpSync(subreaper, join(tree, '.cache/asan/subreaper'));
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  // Tests run commands as other users, too.
  chmodSync(reports, 0o1777);
  rmSync(node);
  // The runtime wants the shared libstdc++, whose functions it stands before.
  const runtime = `${libraryOf('libasan.so')} ${libraryOf('libstdc++.so.6')}`;
  const values = { RUNTIME: runtime, REPORTS: join(reports, 'of'), NODE: process.execPath };
  const defines = Object.entries(values).map(([name, value]) => `-D${name}="${value}"`);
  const source = join(root, 'test/support/sanitized-node.c');
  await run('sanitized-node', 'cc', ['-O', '-static', ...defines, '-o', node, source]);
}

/** They never come to their first line with the runtime, which what tests start inherits. */
function spareProcps() {
  mkdirSync(join(tree, 'bin'));
  for (const name of ['ps', 'pgrep', 'pkill']) {
    const script = `#!/bin/sh\nexec env -u LD_PRELOAD /usr/bin/${name} "$@"\n`;
    writeFileSync(join(tree, 'bin', name), script, { mode: 0o755 });
  }
}

/** Without it a run that sanitizes nothing would pass. */
function provesItself() {
  const code = `require(${JSON.stringify(join(tree, 'build/Release/tsrunc.node'))});
    process.stdout.write(require('fs').readFileSync('/proc/self/maps'))`;
  const { stdout, stderr, status } = spawnSync(node, ['-e', code], { encoding: 'utf8' });
  const mapped = ['libasan', 'tsrunc.node'].every((name) => stdout.includes(name));
  if (status !== 0 || !mapped) throw new StepError(`The sanitized addon isn't loaded: ${stderr}`);
}

function printReports() {
  const found = existsSync(reports) ? readdirSync(reports) : [];
  for (const name of found) console.log(readFileSync(join(reports, name), 'utf8'));
  return found.length;
}

await main(async () => {
  const [pattern = 'test/integration/', ...more] = process.argv.slice(2);
  if (more.length > 0) throw new StepError('One PATTERN at most.');
  await build();
  await step('assembling the busybox bundle', busyboxBundle);
  await step('building the native tests', buildNativeTests);
  await step('building the addon and init with sanitizers', compile);
  await step('making the tree that they are tested in', assemble);
  provesItself();
  spareProcps();
  const path = `${join(tree, 'bin')}:${process.env.PATH}`;
  const env = { TSRUNC_SLOWNESS: '3', ...process.env, PATH: path, TSRUNC_SANITIZED: '1' };
  const args = ['scripts/test.mjs', '--built', pattern];
  const { status } = spawnSync(node, args, { cwd: tree, env, stdio: 'inherit' });
  const count = printReports();
  if (count > 0) throw new StepError(`The sanitizers reported ${count} times: see above.`);
  process.exitCode = status ?? 1;
});
