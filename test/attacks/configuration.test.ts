/** What a bundle may be made of by somebody who means harm: each is refused with one sentence, at once, and nothing is left. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('configuration');
const root = skipUnless(process.geteuid?.() === 0, 'root');
const lab = new Lab();

/** What `create` says to a config.json that is made by `make`, which gets its path. */
function refusal(make: (file: string) => void): string {
  const bundle = lab.bundle();
  const file = join(bundle, 'config.json');
  const text = readFileSync(file, 'utf8');
  rmSync(file);
  make(file);
  const sentence = lab.fails(['create', '--bundle', bundle, lab.name()]);
  assert.ok(sentence.length < 5000, `${sentence.length} characters`);
  rmSync(file, { recursive: true, force: true });
  writeFileSync(file, text);
  return sentence;
}

const files: readonly (readonly [string, (file: string) => void, RegExp])[] = [
  ['a FIFO', (file) => execFileSync('mkfifo', [file]), /not a regular file/],
  ['a folder', (file) => mkdirSync(file), /not a regular file|EISDIR/],
  ['a link to a device', (file) => symlinkSync('/dev/zero', file), /not a regular file/],
  ['a link to itself', (file) => symlinkSync('config.json', file), /ELOOP/],
  [
    'a file of 100 MiB',
    (file) => {
      writeFileSync(file, '');
      truncateSync(file, 100 << 20);
    },
    /larger than/,
  ],
  ['a million brackets', (file) => writeFileSync(file, '['.repeat(1_000_000)), /config\.json/],
  [
    'a tree of a hundred thousand levels',
    (file) => writeFileSync(file, `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
    /config\.json/,
  ],
  ['bytes that are no text', (file) => writeFileSync(file, Buffer.alloc(64, 0xff)), /config\.json/],
  ['nothing', (file) => writeFileSync(file, ''), /config\.json/],
  ['null', (file) => writeFileSync(file, 'null'), /config\.json/],
];
for (const [what, make, says] of files) {
  root(test)(`config.json is ${what}`, () => {
    assert.match(refusal(make), says);
  });
}

root(test)(
  'properties named like those of every JavaScript object are properties like others',
  () => {
    const bundle = lab.bundle((spec) => {
      spec.process.args = ['sh', '-c', 'id -u; pwd'];
    });
    const file = join(bundle, 'config.json');
    const evil =
      '"__proto__": {"user": {"uid": 0}, "cwd": "/etc", "terminal": true}, "constructor": 1, "toString": 2';
    const text = readFileSync(file, 'utf8');
    for (const where of ['{', '"process":{', '"linux":{', '"user":{'])
      writeFileSync(file, readFileSync(file, 'utf8').replace(where, `${where}${evil},`));
    assert.is.not(readFileSync(file, 'utf8'), text);
    assert.is(lab.ok(['run', '--bundle', bundle, lab.name()]), '0\n/\n');
  },
);

const long = `/${'x'.repeat(4096)}`;
const deep = `/${'d/'.repeat(2040)}d`;
const values: readonly (readonly [string, Mutate])[] = [
  ['NUL in an argument', (spec) => void (spec.process.args = ['echo', 'a\0b'])],
  ['NUL in the environment', (spec) => void (spec.process.env = ['A=\0'])],
  ['NUL in a path', (spec) => void (spec.process.cwd = '/tmp\0/x')],
  ['NUL in a host name', (spec) => void (spec.hostname = 'a\0b')],
  [
    'a mount point with a name of 4,096 bytes',
    (spec) => void spec.mounts.push({ destination: long, type: 'tmpfs' }),
  ],
  [
    'a source with a name of 4,096 bytes',
    (spec) => void spec.mounts.push({ destination: '/mnt', source: long, options: ['bind'] }),
  ],
  ['a working directory of 4,096 bytes', (spec) => void (spec.process.cwd = long)],
  ['a program of 4,096 bytes', (spec) => void (spec.process.args = [long])],
  ['a root of 4,096 bytes', (spec) => void (spec.root.path = long)],
  ['a hook of 4,096 bytes', (spec) => void (spec.hooks.createRuntime = [{ path: long }])],
  ['a host name of 4,096 bytes', (spec) => void (spec.hostname = long)],
  ['a cgroup that climbs', (spec) => void (spec.linux.cgroupsPath = '/../../tmp/x')],
  ['a cgroup of 4,096 bytes', (spec) => void (spec.linux.cgroupsPath = long)],
  [
    'a device outside the root',
    (spec) =>
      void (spec.linux.devices = [
        { type: 'c', path: '/../../../dev/evil\n', major: 1, minor: 999999999 },
      ]),
  ],
];
for (const [what, mutate] of values) {
  root(test)(what, () => {
    const sentence = lab.refuses(mutate);
    assert.ok(sentence.length < 10_000, `${sentence.length} characters`);
  });
}

root(test)(
  'a mount point two thousand folders deep is made, or refused, inside the container',
  () => {
    const bundle = lab.bundle(
      (spec) => {
        spec.root.readonly = false;
        spec.mounts.push({ destination: deep, type: 'tmpfs', source: 'tmpfs' });
      },
      { rootfs: 'private' },
    );
    const { code, stderr } = lab.tsrunc(['run', '--bundle', bundle, lab.name()]);
    if (code !== 0) assert.match(stderr, /^tsrunc run: [^\n]+\n$/);
    assert.not.ok(existsSync('/d/d'));
    // Deeper than Node's own can go.
    execFileSync('rm', ['-rf', join(bundle, 'rootfs')]);
  },
);

root(test)('a console socket whose path is too long is said before anything is made', () => {
  const bundle = lab.bundle((spec) => void (spec.process.terminal = true));
  const socket = join(lab.folder, 's'.repeat(200));
  const sentence = lab.fails([
    'create',
    '--bundle',
    bundle,
    '--console-socket',
    socket,
    lab.name(),
  ]);
  assert.match(sentence, /too long|107|108/);
  assert.is(lab.ok(['list', '-q']), '');
});

root(test)('names and arguments of hooks are no shell’s', () => {
  const folder = join(lab.folder, 'a b;$(touch x)"\'\n`');
  mkdirSync(folder);
  const hook = join(folder, 'hook\nname');
  writeFileSync(hook, '#!/bin/sh\necho "$# $1" > "$0.ran"\n', { mode: 0o755 });
  const bundle = lab.bundle((spec) => {
    spec.hooks.createRuntime = [{ path: hook, args: [hook, '$(touch y); "\n'] }];
  });
  lab.ok(['run', '--bundle', bundle, lab.name()]);
  assert.is(readFileSync(`${hook}.ran`, 'utf8'), '1 $(touch y); "\n\n');
  assert.equal(readdirSync(folder).sort(), ['hook\nname', 'hook\nname.ran']);
});

root(test)('a bundle that changes after it was read has no effect', () => {
  const bundle = lab.bundle((spec, folder) => {
    const other = JSON.stringify({
      ...spec,
      process: { ...spec.process, args: ['echo', 'other'] },
    });
    writeFileSync(join(folder, 'other.json'), other);
    spec.process.args = ['sh', '-c', 'echo first; cat /proc/self/status | grep NoNewPrivs'];
    spec.process.noNewPrivileges = true;
    const script = `mv ${folder}/other.json ${folder}/config.json`;
    spec.hooks.createRuntime = [{ path: '/bin/sh', args: ['sh', '-c', script] }];
  });
  assert.is(lab.ok(['run', '--bundle', bundle, lab.name()]), 'first\nNoNewPrivs:\t1\n');
});

lab.finish(test);
