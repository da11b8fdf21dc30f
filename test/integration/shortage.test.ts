/** When the machine has too little of something, or shows time otherwise: a sentence, nothing left, and it works again. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRoot } from '../support/cgroups.js';
import { mountOf } from '../support/container-cgroup.js';
import { command, Lab } from '../support/lab.js';
import { patience } from '../support/patience.js';
import { isSanitized, skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(isRoot && !isSanitized, 'root and no sanitizers')(test);
const bundle = lab.bundle((spec) => {
  spec.process.args = ['sleep', '1000'];
});

/** Runs the command by way of another program, such as `prlimit`, and gives what it said. */
function by(program: readonly string[], args: readonly string[], state = lab.root) {
  const [file = '', ...words] = [...program, command, '--root', state, ...args];
  // A file, not a pipe: a container that outlives the call holds it open.
  const errors = join(lab.folder, 'errors');
  const fd = openSync(errors, 'w');
  try {
    const { status } = spawnSync(file, words, {
      stdio: ['ignore', 'ignore', fd],
      timeout: patience(60_000),
    });
    return { status, stderr: readFileSync(errors, 'utf8') };
  } finally {
    closeSync(fd);
  }
}

/** A container is made by a program that keeps something from it. True when it was, else it must say why. */
function creates(program: readonly string[], why: RegExp): boolean {
  const id = lab.name();
  const { status, stderr } = by(program, ['create', '--bundle', bundle, id]);
  if (status === 0) {
    lab.ok(['delete', '--force', id]);
    return true;
  }
  assert.is(status, 1, stderr);
  assert.match(stderr, /^tsrunc[^\n]*: [^\n]+\n$/);
  assert.match(stderr, why);
  assert.equal(lab.traces(), []);
  return false;
}

/** With a host the command needs no more descriptors than its launcher. */
const alone = skipUnless(
  isRoot && !isSanitized && process.env['TSRUNC_HOST'] === 'off',
  'root, no sanitizers, no host',
)(test);

alone('without descriptors nothing is created, and nothing stays', () => {
  // Below this Node itself doesn't start.
  const enough = [22, 24, 26, 28, 64].map((most) =>
    creates(['prlimit', `--nofile=${most}:${most}`], /too many open files/),
  );
  assert.is(enough[0], false);
  assert.is(enough.at(-1), true);
});

root('on a full disk nothing is created, and a container can still be started and deleted', () => {
  const state = join(lab.folder, 'small');
  const fill = join(state, 'fill');
  const create = (id: string) => by([], ['create', '--bundle', bundle, id], state);
  mkdirSync(state);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'small', state]);
  try {
    for (const free of [0, 4, 8]) {
      writeFileSync(fill, Buffer.alloc((64 - free) * 1024));
      const { status, stderr } = create('a');
      assert.is(status, 1);
      assert.match(stderr, /^tsrunc create: cannot write [^\n]+: no space left on device\n$/);
      assert.equal(readdirSync(state), ['fill']);
      rmSync(fill);
    }
    assert.equal(create('a'), { status: 0, stderr: '' });
    spawnSync('dd', ['if=/dev/zero', `of=${fill}`, 'bs=1k'], { stdio: 'ignore' });
    const { status, stderr } = by([], ['start', 'a'], state);
    assert.is(status, 0, stderr);
    assert.match(
      stderr,
      /^[^\n]*container a runs, but that could not be noted[^\n]*no space left[^\n]*\n$/,
    );
    assert.is(
      JSON.parse(execFileSync(command, ['--root', state, 'state', 'a'], { encoding: 'utf8' }))
        .status,
      'running',
    );
    assert.equal(by([], ['delete', '--force', 'a'], state), { status: 0, stderr: '' });
    assert.equal(readdirSync(state), ['fill']);
  } finally {
    execFileSync('umount', [state]);
    rmdirSync(state);
  }
});

root('a container whose pid file lies where nothing can be written any more is deleted', () => {
  const folder = join(lab.folder, 'pids');
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', 'pids', folder]);
  try {
    const id = lab.name();
    const file = join(folder, 'pid');
    assert.equal(by([], ['create', '--bundle', bundle, '--pid-file', file, id]), {
      status: 0,
      stderr: '',
    });
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    assert.equal(by([], ['delete', '--force', id]), { status: 0, stderr: '' });
  } finally {
    execFileSync('umount', [folder]);
    rmdirSync(folder);
  }
});

root('with cgroups that are read-only nothing is created', () => {
  const script = `awk '$2 ~ "^/sys/fs/cgroup" { print $2 }' /proc/mounts |
    while read -r at; do mount -o remount,bind,ro "$at"; done; exec "$@"`;
  assert.not(creates(['unshare', '-m', 'sh', '-c', script, 'sh'], /EROFS: read-only file system/));
});

root('without /proc nothing is created', () => {
  const script = 'umount -l /proc; exec "$@"';
  assert.not(creates(['unshare', '-m', 'sh', '-c', script, 'sh'], /mount \/proc\n$/));
});

root('a limit of memory that leaves no room for init is told', () => {
  const tiny = lab.bundle((spec) => {
    // On v1 init needs less under a small limit: cgroup-join.test.ts.
    spec.linux.resources = { memory: { limit: mountOf('memory') === undefined ? 65_536 : 4096 } };
  });
  assert.match(lab.fails(['run', '--bundle', tiny, lab.name()]), /before it was set up/);
  assert.equal(lab.traces(), []);
});

root('from a time namespace with another boot time a running container runs', () => {
  const elsewhere = ['unshare', '-T', '--boottime', '100000', '--fork'];
  const id = lab.name();
  assert.equal(by(elsewhere, ['create', '--bundle', bundle, id]), { status: 0, stderr: '' });
  assert.is(lab.state(id).status, 'created');
  assert.equal(by(elsewhere, ['start', id]), { status: 0, stderr: '' });
  assert.is(lab.state(id).status, 'running');
  const { status, stderr } = by(elsewhere, ['delete', id]);
  assert.is(status, 1, 'a running container must not be deleted without --force');
  assert.match(stderr, /running/);
  assert.is(lab.state(id).status, 'running');
  lab.ok(['delete', '--force', id]);
});

lab.finish(test);
