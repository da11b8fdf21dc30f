import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LinuxResources } from '../../ts/spec/types.js';
import { isRoot, layout } from '../support/cgroups.js';
import { cgroupFolder, control, handOn, mountOf, unifiedHas } from '../support/container-cgroup.js';
import { type Container, Lab } from '../support/lab.js';
import { type Column, writeColumn } from '../support/resource-document.js';
import { type Cell, disk, type Row, resourceRows } from '../support/resource-rows.js';
import { skipUnless } from '../support/skip.js';

const MiB = 1048576;
const lab = new Lab();
const parent = `tsrunc-test-${process.pid}`;
const document = process.env['TSRUNC_RESOURCES_DOCUMENT'];

const features = JSON.parse(lab.ok(['features'])) as {
  linux: { cgroup: { systemd: boolean } };
};
const booted = existsSync('/run/systemd/system');

interface Driver {
  readonly column: Column;
  readonly wants: string;
  readonly here: boolean;
  readonly flags: readonly string[];
  path(name: string): string;
}

const drivers: Driver[] = [
  {
    column: layout.version === 'v2' ? 'v2' : 'v1',
    wants: 'root and cgroups',
    here: isRoot && layout.version !== 'none',
    flags: [],
    path: (name) => `/${parent}/${name}`,
  },
  {
    column: 'systemd',
    wants: 'root, cgroup v2, systemd as PID 1, and a tsrunc that has its driver',
    here: isRoot && layout.version === 'v2' && booted && features.linux.cgroup.systemd,
    flags: ['--systemd-cgroup'],
    path: (name) => `system.slice:${parent}:${name}`,
  },
];

/** The folder that new cgroups are made in, with the files that they will have. */
function model(hierarchy: string): string | undefined {
  const mountpoint = mountOf(hierarchy);
  if (mountpoint === undefined) return undefined;
  const folder = join(mountpoint, parent);
  if (!existsSync(folder)) mkdirSync(folder);
  return folder;
}

const has = (hierarchy: string, file: string): boolean => {
  const folder = isRoot ? model(hierarchy) : undefined;
  return folder !== undefined && existsSync(join(folder, file));
};

if (isRoot) {
  handOn(['cpuset', 'cpu', 'io', 'memory', 'pids', 'hugetlb', 'rdma']);
  // Realtime limits are within those of the parent, of which a new one has none.
  if (has('cpu', 'cpu.rt_runtime_us'))
    writeFileSync(join(model('cpu') ?? '', 'cpu.rt_runtime_us'), '100000');
}

/** What is to be expected of a row here: on a hybrid host a controller may be in the cgroup2. */
function expectation({ name, v1, v2 }: Row, column: Column): { hierarchy: string; cell: Cell } {
  const missing = (hierarchy: string, why: string): { hierarchy: string; cell: Cell } => ({
    hierarchy,
    // The first of several properties may be named.
    cell: { refused: new RegExp(`${name.split('.')[0]}\\b.* can't be set: .*${why}`) },
  });
  const place = (cell: Cell, hierarchy: string) => {
    const file = 'readings' in cell ? cell.readings[0]?.[0] : undefined;
    return file === undefined || has(hierarchy, file)
      ? { hierarchy, cell }
      : missing(hierarchy, 'this kernel has no such limit');
  };
  if (column !== 'v1') return place(v2, 'unified');
  if (!('readings' in v1)) return { hierarchy: '', cell: v1 };
  if (mountOf(v1.controller) !== undefined) return place(v1, v1.controller);
  return 'readings' in v2 && unifiedHas(v2.controller)
    ? place(v2, 'unified')
    : missing('', `no cgroup v1 hierarchy with the ${v1.controller} controller`);
}

for (const driver of drivers) {
  const { column, flags } = driver;
  const it = skipUnless(driver.here, driver.wants)(test);
  if (!driver.here) {
    it(`${column}: resources`, () => {});
    continue;
  }
  const cells = new Map<string, string>();

  const bundle = (resources: LinuxResources, args: string[]): string =>
    lab.bundle((spec) => {
      spec.linux.cgroupsPath = driver.path(lab.name());
      spec.linux.resources = resources;
      spec.process.args = args;
    });
  const create = (resources: LinuxResources, args = ['true']): Container => {
    const id = lab.name();
    lab.ok([...flags, 'create', '--bundle', bundle(resources, args), id]);
    return { id, pid: lab.state(id).pid, bundle: '' };
  };
  const update = (resources: LinuxResources, id: string): readonly string[] => {
    const file = join(lab.folder, lab.name());
    lab.writeConfig(lab.folder, resources);
    writeFileSync(file, readFileSync(join(lab.folder, 'config.json')));
    return [...flags, 'update', '--resources', file, id];
  };

  for (const row of resourceRows(has)) {
    it(`${column}: ${row.name}`, () => {
      const { hierarchy, cell } = expectation(row, column);
      if ('refused' in cell) {
        const id = lab.name();
        const said = lab.fails([...flags, 'create', '--bundle', bundle(row.create, ['true']), id]);
        assert.match(said, cell.refused);
        const plain = create({});
        assert.match(lab.fails(update(row.create, plain.id)), cell.refused);
        lab.ok(['delete', '--force', plain.id]);
        cells.set(row.name, `refused: ${why(said)}`);
        return;
      }
      const { id, pid } = create(row.create);
      if ('met' in cell) {
        lab.ok(update(row.update, id));
        cells.set(row.name, cell.met);
      } else {
        const line = (file: string, wanted: string): string => {
          const lines = control(pid, hierarchy, file).split('\n');
          return lines.find((each) => each === wanted) ?? lines.join('; ');
        };
        for (const [file, wanted] of cell.readings)
          assert.is(line(file, wanted), wanted, `${file} after create`);
        lab.ok(update(row.update, id));
        for (const [file, , wanted] of cell.readings)
          assert.is(line(file, wanted), wanted, `${file} after update`);
        const shown = cell.readings.map(([file, one, other]) => `\`${file}\` ${one} → ${other}`);
        cells.set(row.name, shown.join('<br>').replaceAll(disk.numbers, 'D'));
      }
      lab.ok(['delete', '--force', id]);
    });
  }

  it(`${column}: memory.checkBeforeUpdate`, () => {
    const memory = { limit: 64 * MiB, swap: 64 * MiB };
    const { id, pid } = create({ memory }, ['sleep', '1000']);
    lab.ok(['start', id]);
    // 32 MiB of a tmpfs, which can't be reclaimed without swap.
    lab.ok(['exec', id, 'sh', '-c', 'head -c 33554432 /dev/zero > /dev/shm/x']);
    const [hierarchy, file] =
      column === 'v1' ? ['memory', 'memory.limit_in_bytes'] : ['unified', 'memory.max'];
    const said = lab.fails(update({ memory: { limit: 8 * MiB, checkBeforeUpdate: true } }, id));
    assert.match(said, /cannot be lowered to 8388608 bytes: \d{8} bytes are in use/);
    assert.is(control(pid, hierarchy, file), String(64 * MiB));
    assert.is(lab.state(id).status, 'running');
    lab.ok(['delete', '--force', id]);
    cells.set(
      'memory.checkBeforeUpdate',
      `\`${file}\` ${64 * MiB} → the same: 8388608 refused with the bytes in use`,
    );
  });

  it(`${column}: devices`, () => {
    const kmsg = { allow: true, type: 'c', major: 1, minor: 11, access: 'r' };
    const { id, pid } = create({ devices: [{ allow: false }] });
    const folder = cgroupFolder(pid, column === 'v1' ? 'devices' : 'unified');
    const opens = (): string => {
      const script = `echo $$ > ${folder}/cgroup.procs && true < /dev/kmsg`;
      const { status, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
      return status === 0 ? 'opens' : /not permitted/.test(stderr) ? 'refused' : stderr;
    };
    assert.is(opens(), 'refused');
    lab.ok(update({ devices: [{ allow: false }, kmsg] }, id));
    assert.is(opens(), 'opens');
    lab.ok(update({ devices: [{ allow: false }] }, id));
    assert.is(opens(), 'refused');
    lab.ok(['delete', '--force', id]);
    const what = column === 'v1' ? '`devices.list`' : 'eBPF program';
    cells.set('devices', `${what}: /dev/kmsg refused → opens`);
  });

  it(`${column}: every property has its row`, () => {
    assert.is(cells.size, resourceRows(has).length + 2);
    if (document !== undefined) writeColumn(document, column, cells);
  });
}

/** The reason alone, of `tsrunc: … can't be set: REASON: REMEDY`. */
function why(sentence: string): string {
  const [, reason = sentence] = / (?:can't|could not) be set: (.*)/.exec(sentence) ?? [];
  const [first = ''] = reason.split(/: (?:remove|use|provide|mount|set) |, and /);
  return first
    .replaceAll(/cgroup \/sys\/fs\/cgroup\S+/g, 'the cgroup')
    .replaceAll(/\/sys\/fs\/cgroup\/\S*\/([\w.]+)/g, '`$1`')
    .replaceAll(disk.numbers, 'D');
}

lab.finish(test);
