/** What limits do to those who are limited; that they stand in files is shown by resource-table.test.ts. Memory: events.test.ts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Runtime } from '../../ts/index.js';
import type { LinuxResources } from '../../ts/spec/types.js';
import { layout } from '../support/cgroups.js';
import { type Container, Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('behaviour');
const isRoot = process.geteuid?.() === 0;
const lab = new Lab();
const runtime = new Runtime({ root: lab.root });

const controllers =
  layout.version === 'none'
    ? []
    : layout.version === 'v2'
      ? layout.controllers
      : layout.hierarchies.flatMap((each) => each.controllers);
const having = (controller: string) =>
  skipUnless(
    isRoot && controllers.includes(controller),
    `root and a ${controller} controller`,
  )(test);

function running(script: string, mutate: Mutate = () => {}): Container {
  return lab.start(
    lab.bundle((spec, folder) => {
      spec.process.args = ['sh', '-c', `echo up; ${script}`];
      mutate(spec, folder);
    }),
  );
}

const limited =
  (resources: LinuxResources): Mutate =>
  (spec) => {
    spec.linux.resources = resources;
  };

/** Quota and period are in microseconds; how busy the machine is besides mustn't matter. */
async function assertQuota(id: string, quota: number): Promise<void> {
  const { cpu: first } = await runtime.stats(id);
  let last = first;
  // On a busy machine it may not come to its quota for a while.
  while (last.throttling.throttledPeriods < first.throttling.throttledPeriods + 10)
    ({ cpu: last } = await runtime.stats(id));
  const used = last.usage.total - first.usage.total;
  const periods = last.throttling.periods - first.throttling.periods;
  const throttled = last.throttling.throttledPeriods - first.throttling.throttledPeriods;
  // A period more, since the usage is read a little later than the periods are.
  assert.ok(used <= 1.1 * quota * 1000 * (periods + 1), `${used} ns in ${periods} periods`);
  // In a period in which it was throttled it had all of its quota.
  assert.ok(used >= 0.9 * quota * 1000 * (throttled - 1), `${used} ns, throttled in ${throttled}`);
}

having('cpu')('a CPU quota of 20 % is kept, and another one after update', async () => {
  const { id } = running(
    '(while :; do :; done) & while :; do :; done',
    limited({ cpu: { quota: 20_000, period: 100_000 } }),
  );
  await assertQuota(id, 20_000);
  lab.ok(['update', '--cpu-quota', '10000', id]);
  await assertQuota(id, 10_000);
  lab.ok(['delete', '--force', id]);
});

having('pids')('a fork bomb stops at its limit, and delete --force ends it', async () => {
  const spawner = 'while :; do sleep 1000 & done';
  const { id } = running(
    `(${spawner}) & (${spawner}) & exec sleep 1000`,
    limited({ pids: { limit: 25 } }),
  );
  // The spawners end when they can't fork any more; what they made stays.
  for (let last = 0; last < 23; ) {
    const { current, limit } = (await runtime.stats(id)).pids;
    assert.ok(current <= 25, `${current} processes`);
    assert.is(limit, 25);
    last = current;
  }
  lab.ok(['delete', '--force', id]);
});

const FUSE = { type: 'c', major: 10, minor: 229 } as const;

skipUnless(isRoot && layout.version !== 'none', 'root and cgroups')(test)(
  'a device that is forbidden can’t be opened, one that is allowed can, before and after update',
  () => {
    const { id } = running('exec sleep 1000', (spec) => {
      spec.linux.devices = [{ ...FUSE, path: '/dev/other', fileMode: 0o666 }];
      spec.linux.resources = { devices: [{ allow: false }] };
    });
    /** That it isn't there is said of one that may be opened, too, on a kernel without it. */
    const opens = (): boolean =>
      !/not permitted/.test(lab.ok(['exec', id, 'sh', '-c', '(: < /dev/other) 2>&1; true']));
    const update = (...devices: object[]): void => {
      lab.ok(['update', '--resources', '-', id], { input: JSON.stringify({ devices }) });
    };
    assert.not(opens());
    update({ allow: false }, { allow: true, ...FUSE, access: 'rw' });
    assert.ok(opens());
    assert.is(
      lab.ok(['exec', id, 'sh', '-c', 'echo works > /dev/null; head -c 1 /dev/zero | wc -c']),
      '1\n',
    );
    update({ allow: false });
    assert.not(opens());
    lab.ok(['delete', '--force', id]);
  },
);

lab.finish(test);
