import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Native } from '../../../ts/native/native.js';
import type { StoredState } from '../../../ts/state/state.js';

/** The kernel's real flock, without the addon: flock(1) locks the open file description that it shares with us. */
export const flockNative: Pick<Native, 'tryLock'> = {
  tryLock: (fd) =>
    spawnSync('flock', ['--exclusive', '--nonblock', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
    }).status === 0,
};

/** Runs `body` with a new folder, which is removed afterwards. */
export async function inFolder(body: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tsrunc-state-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function sampleState(changes: Partial<StoredState> = {}): StoredState {
  return {
    format: 1,
    ociVersion: '1.3.0',
    id: 'a',
    bundle: '/bundle',
    rootfs: '/bundle/rootfs',
    created: '2024-05-06T07:08:09.123456789Z',
    annotations: {},
    owner: 'root',
    phase: 'created',
    init: { pid: 4242, startTime: '18446744073709551615' },
    cgroup: { version: 'hybrid', directories: { memory: '/sys/fs/cgroup/memory/tsrunc-a' } },
    hooks: { poststop: [{ path: '/bin/true', args: ['true'], env: ['A=b'], timeout: 3 }] },
    pidFile: '/run/a.pid',
    ...changes,
  };
}

export const isRoot = process.geteuid?.() === 0;
