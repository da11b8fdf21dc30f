import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { hookKinds } from '../../ts/spec/names.js';
import type { Hook } from '../../ts/spec/types.js';
import { Lab, type Mutate } from '../support/lab.js';
import { gone } from '../support/processes.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const native = loadNative();
const root = skipUnless(process.geteuid?.() === 0, 'root');
type Kind = (typeof hookKinds)[number];

/** Those that the specification resolves in the container's namespace. */
const ofContainer = 'startContainer';
const privately = { rootfs: 'private' } as const;

/** A shell script as a hook. Only a startContainer hook finds its shell in the container. */
function hook(script: string, more: Partial<Hook> = {}): Hook {
  return { path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/bin:/usr/bin'], ...more };
}

interface Entry {
  readonly kind: string;
  readonly mnt: string;
  readonly uts: string;
  readonly cwd: string;
  readonly state: { id: string; pid: number; status: string; bundle: string };
}

/** Makes each kind of hook write down where it runs and what it is told. The file is in both worlds under one name. */
function record(file: string): Mutate {
  return (spec) => {
    writeFileSync(file, '');
    chmodSync(file, 0o666);
    spec.mounts.push({ destination: file, source: file, options: ['bind'] });
    for (const kind of hookKinds) {
      spec.hooks[kind] = [
        hook(
          `printf '%s|%s|%s|%s|' ${kind} $(readlink /proc/self/ns/mnt) $(readlink /proc/self/ns/uts) $(pwd) >> ${file}; cat >> ${file}; echo >> ${file}`,
        ),
      ];
    }
    spec.process.args = ['sh', '-c', `echo 'program||||{}' >> ${file}`];
  };
}

function entries(file: string): Entry[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [kind = '', mnt = '', uts = '', cwd = '', state = ''] = line.split('|');
      return { kind, mnt, uts, cwd, state: JSON.parse(state) };
    });
}

root(test)(
  'the six kinds run at their moments, in their namespaces, and get the state',
  async () => {
    const file = join(lab.folder, lab.name());
    const bundle = lab.bundle(record(file), privately);
    const { id, pid } = lab.create(bundle);
    const kinds = (): string[] => entries(file).map(({ kind }) => kind);
    assert.equal(kinds(), ['prestart', 'createRuntime', 'createContainer']);
    const inner = readlinkSync(`/proc/${pid}/ns/mnt`);
    const ended = gone(native, pid);
    lab.ok(['start', id]);
    await ended;
    // poststart hooks and the program run side by side.
    assert.equal(kinds().slice(0, 4), [...hookKinds.slice(0, 3), 'startContainer']);
    assert.equal(kinds().slice(4).sort(), ['poststart', 'program']);
    lab.ok(['delete', id]);
    assert.is(kinds().at(-1), 'poststop');

    const outer = readlinkSync('/proc/self/ns/mnt');
    const statuses = {
      prestart: 'creating',
      createRuntime: 'creating',
      createContainer: 'creating',
      startContainer: 'created',
      poststart: 'running',
      poststop: 'stopped',
    };
    for (const entry of entries(file).filter(({ kind }) => kind !== 'program')) {
      const kind = entry.kind as Kind;
      const inside = kind === 'createContainer' || kind === ofContainer;
      assert.is(entry.mnt, inside ? inner : outer, kind);
      if (!inside) assert.is(entry.cwd, bundle, kind);
      assert.is(entry.state.id, id, kind);
      assert.is(entry.state.status, statuses[kind], kind);
      assert.is(entry.state.bundle, bundle, kind);
      const expected = inside ? 1 : pid;
      assert.is(entry.state.pid, kind === 'poststop' ? 0 : expected, kind);
    }
  },
);

root(test)('a hook has exactly its own environment and arguments', () => {
  const file = join(lab.folder, lab.name());
  const bundle = lab.bundle((spec) => {
    spec.hooks.createRuntime = [
      {
        path: '/bin/sh',
        args: [
          'other-name',
          '-c',
          `cat /proc/$$/environ > ${file}; echo "$0 $1" >> ${file}`,
          'a',
          'b c',
        ],
        env: ['ONE=1', 'TWO=x y'],
      },
    ];
  });
  lab.ok(['run', '--bundle', bundle, lab.name()]);
  const text = readFileSync(file, 'utf8');
  assert.match(text, /^ONE=1\0TWO=x y\0/);
  assert.not.match(text, 'HOME=');
  assert.match(text, /a b c\n$/);
});

for (const kind of hookKinds) {
  const fatal = kind !== 'poststop';
  root(test)(`a ${kind} hook that fails ${fatal ? 'undoes everything' : 'is a warning'}`, () => {
    const after = join(lab.folder, lab.name());
    const id = lab.name();
    const bundle = lab.bundle((spec) => {
      spec.hooks[kind] = [hook('echo so it is >&2; exit 3')];
      // They run also when create or start failed.
      if (kind !== 'poststop') spec.hooks.poststop = [hook(`echo stopped > ${after}`)];
      spec.process.args = ['sleep', '0'];
    });
    const { code, stderr } = lab.tsrunc(['run', '--bundle', bundle, id]);
    assert.is(code, fatal ? 1 : 0, stderr);
    assert.match(stderr, new RegExp(`${kind} hook|/bin/sh`));
    assert.match(stderr, /3/);
    assert.match(lab.fails(['state', id]), 'does not exist');
    if (fatal) assert.is(readFileSync(after, 'utf8'), 'stopped\n');
  });

  root(test)(`a ${kind} hook that outlasts its timeout is killed`, () => {
    const bundle = lab.bundle((spec) => {
      spec.hooks[kind] = [hook('sleep 1000', { timeout: 1 })];
    });
    const { code, stderr } = lab.tsrunc(['run', '--bundle', bundle, lab.name()]);
    assert.is(code, fatal ? 1 : 0, stderr);
    assert.match(stderr, /within 1 s|in time, seconds: 1/);
  });
}

for (const kind of ['startContainer', 'poststart'] as const) {
  for (const [what, bad] of [
    ['fails', hook('exit 1')],
    ['outlasts its timeout', hook('sleep 1000', { timeout: 1 })],
  ] as const) {
    root(test)(`start removes the container when a ${kind} hook ${what}`, () => {
      const { id } = lab.create(
        lab.bundle((spec) => {
          spec.hooks[kind] = [bad];
          spec.process.args = ['sleep', '1000'];
        }),
      );
      assert.match(lab.fails(['start', id]), `${kind} hook 0`);
      assert.match(lab.fails(['state', id]), 'does not exist');
    });
  }
}

root(test)('a hook that is not there is named', () => {
  for (const kind of ['createRuntime', 'createContainer', 'startContainer'] as const) {
    const line = lab.refuses((spec) => {
      spec.hooks[kind] = [{ path: '/no/such/hook' }];
    });
    assert.match(line, '/no/such/hook', kind);
    assert.match(line, /no such file|could not be executed/, kind);
  }
});

root(test)('the hooks of later moments are those that were there at create', () => {
  const file = join(lab.folder, lab.name());
  mkdirSync(file);
  const bundle = lab.bundle((spec) => {
    spec.hooks.poststop = [hook(`echo first > ${file}/out`)];
  });
  const { id } = lab.create(bundle);
  lab.writeConfig(bundle, {});
  lab.ok(['delete', id]);
  assert.ok(existsSync(join(file, 'out')));
});

for (const kind of ['createContainer', 'startContainer'] as const) {
  root(test)(
    `a ${kind} hook may write more than a pipe holds, and has no descriptors of others`,
    () => {
      const bundle = lab.bundle((spec) => {
        const script = 'head -c 300000 /dev/zero && test "$(ls /proc/self/fd | wc -l)" = 4';
        spec.hooks[kind] = [{ path: '/bin/sh', args: ['sh', '-c', script] }];
      });
      const file = openSync('/etc/hostname', 'r');
      try {
        lab.ok(['run', '--preserve-fds', '1', '--bundle', bundle, lab.name()], { fds: [file] });
      } finally {
        closeSync(file);
      }
    },
  );
}

lab.finish(test);
