import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { joinGroups, ResctrlPlan, removeGroups, writeSchemata } from '../../../ts/resctrl/group.js';
import { findResctrl } from '../../../ts/resctrl/mount.js';
import { findMismatch, schemataWrites } from '../../../ts/resctrl/schemata.js';
import type { LinuxIntelRdt } from '../../../ts/spec/types.js';
import { Undo } from '../../../ts/undo.js';

/** A folder that stands for resctrl: writes are appended, so that all of them are seen. */
const test = suite<{ root: string }>('resctrl groups');
test.before.each((context) => {
  context.root = mkdtempSync(join(tmpdir(), 'resctrl-'));
  for (const folder of ['info', 'mon_groups']) mkdirSync(join(context.root, folder));
});
test.after.each(({ root }) => rmSync(root, { recursive: true }));

/** Makes a class of service as an administrator would. */
function prepare(root: string, name: string, schemata: string): void {
  mkdirSync(join(root, name, 'mon_groups'), { recursive: true });
  writeFileSync(join(root, name, 'schemata'), schemata);
}

function create(root: string, config: LinuxIntelRdt, undo = new Undo()): ResctrlPlan {
  const plan = new ResctrlPlan(root, 'c1', config);
  plan.create(undo);
  plan.join(4711);
  return plan;
}

const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');

test('without closID the container has a class of its own, which goes with it', ({ root }) => {
  const { groups } = create(root, {});
  assert.is(read(root, 'c1/tasks'), '4711\n');
  assert.equal(readdirSync(join(root, 'c1')), ['tasks']);
  assert.equal(groups, { joined: [join(root, 'c1')], own: [join(root, 'c1')] });
});

test('a class of that name that was there already is joined and stays', ({ root }) => {
  prepare(root, 'c1', '');
  assert.equal(create(root, {}).groups.own, []);
  assert.is(read(root, 'c1/tasks'), '4711\n');
});

test('the schemata are written in their order, a write for each source', ({ root }) => {
  const config = {
    closID: 'gold',
    l3CacheSchema: 'L3:0=f',
    memBwSchema: 'MB:0=20',
    schemata: ['L2:0=3', 'MB:0=50'],
  };
  assert.equal(create(root, config).groups.own, []);
  assert.is(read(root, 'gold/schemata'), 'L3:0=f\nMB:0=20\nL2:0=3\nMB:0=50\n');
  assert.equal(schemataWrites(config), ['L3:0=f\n', 'MB:0=20\n', 'L2:0=3\nMB:0=50\n']);
  assert.equal(schemataWrites({ l3CacheSchema: '', schemata: [] }), []);
});

test('a class that is there must be as the configuration has it', ({ root }) => {
  prepare(root, 'gold', '    L3:0=ff;1=0f\n    MB:0= 20;1=100\n');
  create(root, { closID: 'gold', l3CacheSchema: 'L3:1=F;0=0ff', memBwSchema: 'MB:0=20' });
  for (const config of [
    { l3CacheSchema: 'L3:0=f' },
    { l3CacheSchema: 'L3:2=ff' },
    { l3CacheSchema: 'L3CODE:0=ff' },
    { memBwSchema: 'MB:0=30' },
    { l3CacheSchema: 'L3:0=ff', memBwSchema: 'MB:0=20;1=90' },
  ])
    assert.throws(
      () => create(root, { closID: 'gold', ...config }),
      /is there already and isn't as/,
    );
  assert.is(findMismatch({ memBwSchema: 'MB:0=20' }, 'MB:0=20\n'), undefined);
});

test('without schemata the class must be there', ({ root }) => {
  assert.throws(() => create(root, { closID: 'gold' }), /there is no class of service .*\/gold/);
  assert.not.ok(existsSync(join(root, 'gold')));
  prepare(root, 'gold', '');
  create(root, { closID: 'gold' });
  assert.is(read(root, 'gold/tasks'), '4711\n');
  assert.is(read(root, 'gold/schemata'), '');
});

test('"/" is the default class, whose monitoring group is the container’s', ({ root }) => {
  const { groups } = create(root, { closID: '/', enableMonitoring: true });
  assert.is(read(root, 'tasks'), '4711\n');
  assert.is(read(root, 'mon_groups/c1/tasks'), '4711\n');
  assert.equal(groups.joined, [root, join(root, 'mon_groups/c1')]);
  assert.equal(groups.own, [join(root, 'mon_groups/c1')]);
});

test('a monitoring group is a dedicated one, and removed before its class', ({ root }) => {
  const own = join(root, 'c1');
  mkdirSync(join(root, 'gold/mon_groups/c1'), { recursive: true });
  assert.throws(() => create(root, { closID: 'gold', enableMonitoring: true }), /monitoring group/);
  // The kernel makes a new class with this folder in it.
  const plan = new ResctrlPlan(root, 'c1', { enableMonitoring: true });
  assert.equal(plan.groups.own, [join(own, 'mon_groups/c1'), own]);
});

test('names of resctrl’s own folders are refused', ({ root }) => {
  assert.throws(() => create(root, { closID: 'info' }), /can't be the name of a class/);
  assert.throws(() => new ResctrlPlan(root, 'mon_groups', {}), /can't be the name of a class/);
});

test('what create made is undone when it fails, with the kernel’s own reason', async ({ root }) => {
  const undo = new Undo();
  writeFileSync(join(root, 'info/last_cmd_status'), 'no more classes\n');
  rmSync(join(root, 'gold'), { force: true });
  // A monitoring group can't be made: a plain folder has no mon_groups.
  const config = { closID: 'gold', schemata: [], l3CacheSchema: '', enableMonitoring: true };
  assert.throws(() => new ResctrlPlan(root, 'c1', config), /no class of service/);
  const plan = new ResctrlPlan(root, 'c1', { enableMonitoring: true });
  assert.throws(
    () => plan.create(undo),
    /linux\.intelRdt: cannot make the group .*c1\/mon_groups\/c1: no more classes/,
  );
  assert.ok(existsSync(join(root, 'c1')));
  assert.equal(await undo.run(), []);
  assert.not.ok(existsSync(join(root, 'c1')));
});

test('groups that are gone are no error at the end, a task that can’t be moved is one', ({
  root,
}) => {
  mkdirSync(join(root, 'a'));
  removeGroups([join(root, 'gone'), join(root, 'a')]);
  assert.not.ok(existsSync(join(root, 'a')));
  assert.throws(() => joinGroups({ joined: [join(root, 'a')], own: [] }, 1), /to .*a\/tasks/);
  chmodSync(root, 0o755);
});

test('the mount is found wherever it is, a part of it is not taken for it', () => {
  const line = (root: string, target: string, type: string): string =>
    `36 25 0:31 ${root} ${target} rw,nosuid shared:9 - ${type} ${type} rw\n`;
  const other = line('/', '/proc', 'proc');
  assert.is(findResctrl(other), undefined);
  assert.is(findResctrl(other + line('/g', '/x', 'resctrl')), undefined);
  assert.is(findResctrl(other + line('/', '/a\\040b', 'resctrl')), '/a b');
});

test('an update of a class writes its schemata, a write for each source', ({ root }) => {
  create(root, {});
  writeSchemata(root, join(root, 'c1'), { l3CacheSchema: 'L3:0=f', memBwSchema: 'MB:0=20' });
  assert.is(read(root, 'c1/schemata'), 'L3:0=f\nMB:0=20\n');
});

test("a refused update of a class says the kernel's reason", ({ root }) => {
  create(root, {});
  mkdirSync(join(root, 'c1/schemata'));
  writeFileSync(join(root, 'info/last_cmd_status'), 'no such resource\n');
  assert.throws(
    () => writeSchemata(root, join(root, 'c1'), { memBwSchema: 'MB:0=20' }),
    /cannot write "MB:0=20" to .*c1\/schemata: no such resource/,
  );
});

test.run();
