import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CgroupNative, killProcesses, signalProcesses } from '../../../ts/cgroup/signals.js';

/** A few processes that exist only here. A pidfd is 1000 more than the process's serial number. */
class World implements CgroupNative {
  /** By pid: the serial number of the process that has it. */
  readonly alive = new Map<number, number>();
  readonly signalled: number[] = [];
  readonly open = new Set<number>();
  most = 0;

  readonly waitGone = (): Promise<void> => Promise.resolve();
  readonly attachDeviceProgram = (): void => assert.unreachable();

  openPidfd(pid: number): number {
    const serial = this.alive.get(pid);
    if (serial === undefined) throw gone();
    this.open.add(serial + 1000);
    this.most = Math.max(this.most, this.open.size);
    return serial + 1000;
  }

  signal(pidfd: number): void {
    assert.ok(this.open.has(pidfd));
    if (![...this.alive.values()].includes(pidfd - 1000)) throw gone();
    this.signalled.push(pidfd - 1000);
  }

  close(pidfd: number): void {
    assert.ok(this.open.delete(pidfd), 'closed twice');
  }
}

function gone(): Error {
  return Object.assign(new Error('ESRCH'), { code: 'ESRCH', errno: -3, syscall: 'pidfd_open' });
}

test('all get the signal once, however many they are, with few descriptors open', () => {
  const world = new World();
  const pids = Array.from({ length: 1000 }, (_, index) => index + 1);
  for (const pid of pids) world.alive.set(pid, pid);
  signalProcesses(world, () => pids, 15);
  assert.equal(
    world.signalled.sort((a, b) => a - b),
    pids,
  );
  assert.is(world.open.size, 0);
  assert.ok(world.most <= 256);
});

test('a stranger with the number of one that ended gets nothing', () => {
  const world = new World();
  world.alive.set(7, 70);
  let calls = 0;
  // 7 was in the cgroup when the list was read; then it ended, and 70 outside of it got its number.
  signalProcesses(world, () => (calls++ === 0 ? [7] : []), 9);
  assert.equal(world.signalled, []);
  assert.is(world.open.size, 0);
});

test('ones that end meanwhile are no error, ones that come get it, too', () => {
  const world = new World();
  world.alive.set(1, 1).set(3, 3);
  let calls = 0;
  signalProcesses(world, () => (calls++ < 2 ? [1, 2] : [1, 2, 3]), 15);
  assert.equal(world.signalled, [1, 3]);
});

test('a failure leaves no descriptor', () => {
  const world = new World();
  world.alive.set(1, 1).set(2, 2);
  let calls = 0;
  const list = (): number[] => {
    if (calls++ > 0) throw new Error('no list');
    return [1, 2];
  };
  assert.throws(() => signalProcesses(world, list, 15), 'no list');
  assert.is(world.open.size, 0);
});

test('killing goes on until the list is empty', async () => {
  const world = new World();
  const rounds = [[1, 2], [1, 2], [3], [3], []];
  for (const pid of [1, 2, 3]) world.alive.set(pid, pid);
  let strikes = 0;
  await killProcesses(
    world,
    () => rounds.shift() ?? [],
    () => strikes++,
  );
  assert.is(strikes, 2);
  assert.is(world.open.size, 0);
});

test.run();
