import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../context.js';
import { isMounted } from '../host.js';
import { section } from '../rule.js';

const rdt = section('config-linux.md#configLinuxIntelRdt', 'IntelRdt');

const root = '/sys/fs/resctrl';

const needs = (t: Context): void => t.needs(isMounted('resctrl'), 'a mounted resctrl');

/** The lines of the root's schemata: what every class of service may have. */
const schemata = (folder = root): string[] =>
  readFileSync(join(folder, 'schemata'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim());

const tasks = (folder: string): string[] =>
  readFileSync(join(folder, 'tasks'), 'utf8').trim().split('\n');

rdt.must('no-resctrl', 'without a mounted resctrl it is an error', async (t) => {
  t.needs(!isMounted('resctrl'), 'a host without resctrl');
  await t.refuses((config) => {
    config.linux.intelRdt = { closID: 'x' };
  });
});

rdt.mustNot('not-set', 'without intelRdt nothing in resctrl is touched', async (t) => {
  needs(t);
  const container = await t.create();
  assert.ok(!existsSync(join(root, container.id)));
});

rdt.must(
  'default-closID',
  'without closID the id of the container is the name, and it goes at delete',
  async (t) => {
    needs(t);
    const container = await t.create((config) => {
      config.linux.intelRdt = { schemata: schemata() };
    });
    const folder = join(root, container.id);
    assert.ok(tasks(folder).includes(String(await container.pid())));
    await container.delete('--force');
    assert.ok(!existsSync(folder));
  },
);

rdt.must('closID', 'a closID that is not there is made, and stays', async (t) => {
  needs(t);
  const name = t.id();
  t.defer(() => rmdirSync(join(root, name)));
  const container = await t.create((config) => {
    config.linux.intelRdt = { closID: name, schemata: schemata() };
  });
  assert.ok(tasks(join(root, name)).includes(String(await container.pid())));
  await container.delete('--force');
  assert.ok(existsSync(join(root, name)));
});

rdt.must(
  'closID-missing',
  'a closID that is not there, without a schema, is an error',
  async (t) => {
    needs(t);
    await t.refuses((config) => {
      config.linux.intelRdt = { closID: t.id() };
    });
  },
);

rdt.must('closID-root', 'closID "/" is the default class', async (t) => {
  needs(t);
  const container = await t.create((config) => {
    config.linux.intelRdt = { closID: '/' };
  });
  assert.ok(tasks(root).includes(String(await container.pid())));
});

rdt.must('closID-mismatch', 'a closID that has another schema is an error', async (t) => {
  needs(t);
  const l3 = schemata().find((line) => line.startsWith('L3:'));
  t.needs(l3 !== undefined, 'L3 allocation');
  const name = t.id();
  mkdirSync(join(root, name));
  t.defer(() => rmdirSync(join(root, name)));
  await t.refuses((config) => {
    config.linux.intelRdt = { closID: name, l3CacheSchema: l3?.replace(/=\w+/, '=1') };
  });
});

for (const [name, prefix] of [
  ['l3CacheSchema', 'L3:'],
  ['memBwSchema', 'MB:'],
] as const) {
  rdt.must(name, `${name} is written`, async (t) => {
    needs(t);
    const line = schemata().find((each) => each.startsWith(prefix));
    t.needs(line !== undefined, `resctrl with ${prefix}`);
    const container = await t.create((config) => {
      config.linux.intelRdt = { [name]: line };
    });
    assert.ok(schemata(join(root, container.id)).includes(line ?? ''));
  });
}

rdt.must('enableMonitoring', 'enableMonitoring makes a group of the container’s id', async (t) => {
  needs(t);
  t.needs(existsSync(join(root, 'mon_groups')), 'resctrl with monitoring');
  const container = await t.create((config) => {
    config.linux.intelRdt = { closID: '/', enableMonitoring: true };
  });
  const folder = join(root, 'mon_groups', container.id);
  assert.ok(tasks(folder).includes(String(await container.pid())));
  await container.delete('--force');
  assert.ok(!existsSync(folder));
});

rdt.must(
  'memBwSchema-prefix',
  'a memBwSchema that does not begin with MB: is an error',
  async (t) => {
    await t.refuses((config) => {
      config.linux.intelRdt = { memBwSchema: 'L3:0=f' };
    });
  },
);

rdt.must('newline', 'a schema with a newline is an error', async (t) => {
  await t.refuses((config) => {
    config.linux.intelRdt = { schemata: ['L3:0=f\nMB:0=10'] };
  });
});

export const sections = [rdt];
