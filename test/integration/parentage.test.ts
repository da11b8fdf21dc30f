import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { command, Lab } from '../support/lab.js';
import { patience } from '../support/patience.js';
import { isSanitized, skipUnless } from '../support/skip.js';

const lab = new Lab();
const native = loadNative();
const isRoot = process.geteuid?.() === 0;
const root = skipUnless(isRoot, 'root');
const strace = skipUnless(
  process.geteuid?.() === 0 && spawnSync('strace', ['-V']).status === 0,
  'root and strace',
);

const parentOf = (pid: number): number =>
  Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

root(test)(
  "the container's first process becomes a child of a subreaper that called tsrunc, which gets its status",
  async () => {
    for (const how of ['create', 'run'] as const) {
      const bundle = lab.bundle((spec) => {
        spec.process.args = ['sh', '-c', how === 'create' ? 'exit 42' : 'sleep 1000'];
      });
      const id = lab.name();
      if (how === 'create') lab.ok(['create', '--bundle', bundle, id]);
      else lab.ok(['run', '--detach', '--bundle', bundle, id]);
      const { pid } = lab.state(id);
      assert.is(parentOf(pid), process.pid, how);
      const pidfd = native.openPidfd(pid);
      const exit = native.waitExit(pidfd);
      if (how === 'create') lab.ok(['start', id]);
      else native.signal(pidfd, 9);
      assert.equal(await exit, how === 'create' ? { code: 42 } : { signal: 9 });
      native.close(pidfd);
      lab.ok(['delete', id]);
    }
  },
);

root(test)('what a container leaves behind is reaped while run lasts', () => {
  const outlive = 'sh -c "sleep 0.05 & echo \\$!"';
  // A zombie could still be signalled.
  const out = lab.inside(
    `pid=$(${outlive}); while kill -0 $pid; do sleep 0.02; done 2>/dev/null; echo gone`,
    (spec) => {
      // Else the container's own first process would be its parent.
      spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid');
    },
  );
  assert.is(out, 'gone');
});

root(test)('poststop hooks of a run in the foreground are heard, and its orphans reaped', () => {
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['sh', '-c', 'sh -c "sleep 0.05 &"; sleep 0.1'];
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid');
    // Whoever reaped one of them for an orphan would let the command wait for ever.
    spec.hooks.poststop = Array.from({ length: 10 }, () => ({ path: '/bin/true' }));
  });
  for (let round = 0; round < 5; round++) lab.ok(['run', '--bundle', bundle, lab.name()]);
});

skipUnless(isRoot && !isSanitized, 'root and an init without sanitizers')(test)(
  'a created container takes at most 1 MiB of memory, and no more than its own process',
  () => {
    const { id, pid } = lab.create(lab.bundle());
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const rss = Number(/^Rss:\s+(\d+) kB$/m.exec(rollup)?.[1]);
    // Files that live in memory: those that it is mapped from and those that it has open.
    const memfds = execFileSync('sh', [
      '-c',
      `for f in /proc/${pid}/exe /proc/${pid}/fd/*; do case $(readlink $f) in /memfd:*) stat -L -c '%i %s' $f;; esac; done | sort -u | cut -d' ' -f2`,
    ]);
    const kept = String(memfds)
      .trim()
      .split('\n')
      .map(Number)
      .reduce((sum, size) => sum + size, 0);
    assert.ok(rss * 1024 + kept <= 1024 * 1024, `${rss} KiB and ${kept} bytes of memfds`);
    lab.ok(['delete', id]);
  },
);

strace(test)(
  'delete --force waits for the end of the process by its pidfd, and never polls',
  () => {
    const { id } = lab.start(
      lab.bundle((spec) => {
        spec.process.args = ['sh', '-c', 'echo ready; sleep 1000'];
      }),
    );
    const log = join(lab.folder, 'strace');
    execFileSync(
      'strace',
      [
        '-f',
        '-qq',
        '-o',
        log,
        '-e',
        'trace=pidfd_open,pidfd_send_signal,nanosleep,clock_nanosleep,kill,tgkill,tkill,epoll_ctl,poll,waitid',
        command,
        '--root',
        lab.root,
        'delete',
        '--force',
        id,
      ],
      // In this very process, which is what is traced.
      {
        stdio: 'ignore',
        timeout: patience(30_000),
        env: { ...process.env, TSRUNC_HOST: 'off' },
      },
    );
    assert.ok(existsSync(log));
    const calls = readFileSync(log, 'utf8');
    assert.match(calls, /pidfd_open\(\d+/);
    assert.match(calls, /pidfd_send_signal\(\d+, SIGKILL/);
    assert.not.match(calls, /nanosleep\(/);
    assert.not.match(calls, /\bkill\(\d+/);
    assert.match(lab.fails(['state', id]), 'does not exist');
  },
);

lab.finish(test);
