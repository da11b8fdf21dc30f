import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultSpec, rootlessSpec } from '../../../ts/spec/default.js';
import { tsrunc } from './command.js';

interface Context {
  folder: string;
}
const test = suite<Context>('spec');
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'tsrunc-spec-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

const written = (folder: string): unknown =>
  JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));

test('writes a config.json', ({ folder }) => {
  assert.equal(tsrunc(['spec', '-b', folder]), { status: 0, stdout: '', stderr: '' });
  assert.equal(written(folder), defaultSpec());
});

test('writes one for a user without privileges', ({ folder }) => {
  assert.is(tsrunc(['spec', '--rootless', '--bundle', folder]).status, 0);
  assert.equal(written(folder), rootlessSpec(process.geteuid?.() ?? 0, process.getegid?.() ?? 0));
});

test('overwrites nothing', ({ folder }) => {
  const file = join(folder, 'config.json');
  writeFileSync(file, '{}');
  const { status, stderr } = tsrunc(['spec', '-b', folder]);
  assert.is(status, 1);
  assert.is(stderr, `tsrunc spec: ${file} is there already: remove it first\n`);
  assert.equal(written(folder), {});
});

test('a folder that is not there is an error', ({ folder }) => {
  const { status, stderr } = tsrunc(['spec', '-b', join(folder, 'none')]);
  assert.is(status, 1);
  assert.match(stderr, /^tsrunc spec: \S+\/none\/config\.json can't be written \(ENOENT\)\n$/);
});

test.run();
