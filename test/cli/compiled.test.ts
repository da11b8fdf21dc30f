/** The compiled forms of the command's code, kept beside it: that they are used can't be seen, that they never harm can. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { skipUnless } from '../support/skip.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const test = suite('compiled');
const asRoot = skipUnless(process.getuid?.() === 0, 'root')(test);

let folder = '';
const dist = (): string => join(folder, 'dist');

/** The command as it is before its first call, alone. */
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsrunc-compiled-'));
  mkdirSync(dist());
  for (const name of ['cli.cjs', 'tsrunc.cjs'])
    cpSync(join(root, 'dist', name), join(dist(), name));
  for (const name of ['build', 'node_modules', 'package.json']) {
    if (existsSync(join(root, name))) symlinkSync(join(root, name), join(folder, name));
  }
});

test.after.each(() => {
  rmSync(folder, { recursive: true, force: true });
});

const kept = (): string[] => readdirSync(dist()).filter((name) => name.includes('.cache'));

function call(...args: string[]) {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    [join(dist(), 'tsrunc.cjs'), '--root', join(folder, 'state'), ...args],
    { encoding: 'utf8' },
  );
  return { status, stderr, stdout };
}

const harmless = ['delete', '--force', 'nobody'];
const good = { status: 0, stderr: '', stdout: '' };

test('what a call has used is kept, once, under the name of the text and of the V8 that made it', () => {
  assert.equal(call(...harmless), good);
  const [first = '', ...others] = kept();
  assert.match(first, new RegExp(`^delete\\.[0-9a-f]{16}\\.${process.versions.v8}-`));
  assert.equal(others, []);
  assert.equal(call(...harmless), good);
  assert.equal(kept(), [first]);
});

test('a call that fails, or that is rare, keeps nothing', () => {
  assert.is(call('state', 'nobody').status, 1);
  assert.is(call('list').status, 0);
  assert.equal(kept(), []);
});

test('one that is damaged, cut short or of other code is not believed, and made anew', () => {
  assert.equal(call(...harmless), good);
  const file = join(dist(), kept()[0] as string);
  truncateSync(file, 5000);
  assert.equal(call(...harmless), good);
  writeFileSync(file, Buffer.alloc(100_000, 7));
  assert.equal(call(...harmless), good);
  assert.match(call('delete', 'nobody').stderr, /container does not exist/);
  writeFileSync(file, '');
  assert.equal(call(...harmless), good);
  assert.ok(statSync(file).size > 10_000);
});

asRoot('where nothing can be written, all works', () => {
  rmSync(dist(), { recursive: true });
  const lines = [
    `mount -t tmpfs tmpfs '${folder}'`,
    `mkdir '${dist()}'`,
    `cp '${root}/dist/cli.cjs' '${root}/dist/tsrunc.cjs' '${dist()}'`,
    `ln -s '${root}/build' '${root}/node_modules' '${root}/package.json' '${folder}'`,
    `mount -o remount,ro '${folder}'`,
    `exec "$@"`,
  ];
  const { status, stderr } = spawnSync(
    'unshare',
    [
      ...['-m', '--propagation', 'private', 'sh', '-ec', lines.join('\n'), 'sh'],
      ...[process.execPath, join(dist(), 'tsrunc.cjs'), '--root', join(tmpdir(), 'none')],
      ...harmless,
    ],
    { encoding: 'utf8' },
  );
  assert.equal({ status, stderr }, { status: 0, stderr: '' });
});

test('what the build has compiled is taken by the Node that the launcher starts, with its flags', () => {
  const [whole = ''] = readdirSync(join(root, 'dist')).filter((name) =>
    /^cli\..*\.cache$/.test(name),
  );
  const code = `const { readFileSync } = require('node:fs'), { Script } = require('node:vm');
    const filename = '${join(root, 'dist/cli.cjs')}', cachedData = readFileSync('${join(root, 'dist', whole)}');
    const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
    console.log(script.cachedDataRejected);`;
  writeFileSync(join(dist(), 'tsrunc.cjs'), code);
  rmSync(join(folder, 'build'));
  const launcher = join(folder, 'build/Release/tsrunc');
  cpSync(join(root, 'build/Release/tsrunc'), launcher);
  symlinkSync(process.execPath, join(dist(), 'node'));
  const { stdout, stderr } = spawnSync(launcher, ['list'], { encoding: 'utf8' });
  assert.equal({ stdout, stderr }, { stdout: 'false\n', stderr: '' });
});

test.run();
