import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LinuxTimeOffset } from '../../ts/spec/types.js';
import { Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');

/** A new time namespace with these offsets. */
const clocks =
  (timeOffsets: Record<string, LinuxTimeOffset>): Mutate =>
  (spec) => {
    spec.linux.namespaces.push({ type: 'time' });
    spec.linux.timeOffsets = timeOffsets;
  };

const users: Mutate = (spec) => {
  spec.linux.namespaces.push({ type: 'user' });
  spec.linux.uidMappings = [{ containerID: 0, hostID: 200_000, size: 65_536 }];
  spec.linux.gidMappings = [{ containerID: 0, hostID: 300_000, size: 65_536 }];
};

const both =
  (...all: Mutate[]): Mutate =>
  (spec, bundle) => {
    for (const mutate of all) mutate(spec, bundle);
  };

const offsets = 'cat /proc/self/timens_offsets';
const words = (out: string): string[] =>
  out
    .trim()
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '));

for (const [which, more] of [
  ['', () => {}],
  [', in a user namespace of its own', users],
] as const) {
  root(test)(`the clocks of a new time namespace are set${which}`, () => {
    const out = lab.inside(
      `${offsets}; cut -d. -f1 /proc/uptime`,
      both(
        more,
        clocks({
          monotonic: { secs: 1000, nanosecs: 500_000_000 },
          boottime: { secs: 10_000_000, nanosecs: 1 },
        }),
      ),
    );
    const [monotonic, boottime, uptime] = words(out);
    assert.equal([monotonic, boottime], ['monotonic 1000 500000000', 'boottime 10000000 1']);
    const host = Number(readFileSync('/proc/uptime', 'utf8').split('.')[0]);
    const ahead = Number(uptime) - host;
    assert.ok(ahead > 9_999_900 && ahead <= 10_000_001, `the container is ${ahead} s ahead`);
  });
}

root(test)('one clock alone, and a clock that is behind', () => {
  assert.equal(words(lab.inside(offsets, clocks({ boottime: { secs: -1, nanosecs: 5 } }))), [
    'monotonic 0 0',
    'boottime -1 5',
  ]);
});

root(test)("without offsets the clocks are the host's", () => {
  assert.equal(words(lab.inside(offsets, clocks({}))), ['monotonic 0 0', 'boottime 0 0']);
});

root(test)('a joined time namespace has the clocks that it was given', () => {
  const first = lab.create(lab.bundle(clocks({ monotonic: { secs: 777 } })));
  const out = lab.inside(offsets, (spec) => {
    spec.linux.namespaces.push({ type: 'time', path: `/proc/${first.pid}/ns/time` });
  });
  lab.ok(['delete', first.id]);
  assert.is(words(out)[0], 'monotonic 777 0');
});

root(test)('offsets for a joined time namespace, or for none, are refused', () => {
  const path = '/proc/self/ns/time';
  const joined = lab.refuses((spec) => {
    spec.linux.namespaces.push({ type: 'time', path });
    spec.linux.timeOffsets = { monotonic: { secs: 1 } };
  });
  assert.match(joined, /linux\.timeOffsets: needs a new time namespace: .* joined/);
  const none = lab.refuses((spec) => {
    spec.linux.timeOffsets = { monotonic: { secs: 1 } };
  });
  assert.match(none, 'linux.timeOffsets: needs a new time namespace: add');
});

root(test)('a clock below zero is refused with its offsets', () => {
  const message = lab.refuses(clocks({ monotonic: { secs: -1_000_000_000 } }));
  assert.match(message, /set the clocks .*\(monotonic -1000000000 0\): .*below zero/);
});

lab.finish(test);
