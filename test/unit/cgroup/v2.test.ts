import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openCgroup } from '../../../ts/cgroup/open.js';
import { enableControllers } from '../../../ts/cgroup/v2/controllers.js';
import { TsruncError } from '../../../ts/errors.js';

/** Plain folders with the files that cgroups would have. */
function withFolder(
  body: (folder: string, file: (path: string, content?: string) => void) => void,
): void {
  const folder = mkdtempSync(join(tmpdir(), 'tsrunc-v2-'));
  try {
    body(folder, (path, content = '') => writeFileSync(join(folder, path), content));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const open = (directory: string) =>
  openCgroup({ version: 'v2', directories: { unified: directory } }, {} as never);

test('limits go to their files', () =>
  withFolder((folder, file) => {
    file('cgroup.controllers', 'cpuset cpu memory pids\n');
    file('cpu.max', 'max 100000\n');
    for (const name of ['memory.max', 'memory.swap.max', 'cpu.weight', 'cpuset.cpus', 'pids.max'])
      file(name);
    open(folder).apply({
      memory: { limit: 4096, swap: 8192 },
      cpu: { shares: 1024, period: 20000, cpus: '0-3' },
      pids: { limit: 10 },
    });
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    assert.equal(
      ['memory.max', 'memory.swap.max', 'cpu.weight', 'cpuset.cpus', 'pids.max'].map(read),
      ['4096', '4096', '100', '0-3', '10'],
    );
    assert.match(read('cpu.max'), /^max 20000/);
  }));

test('a missing file keeps all other limits from being written', () =>
  withFolder((folder, file) => {
    file('cgroup.controllers', 'memory io hugetlb rdma\n');
    for (const name of ['memory.max', 'io.weight', 'io.max', 'hugetlb.2MB.max', 'rdma.max'])
      file(name);
    const limits = {
      memory: { limit: 4096 },
      blockIO: { weight: 100, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 9 }] },
      hugepageLimits: [{ pageSize: '2MB', limit: 2097152 }],
      rdma: { mlx5_1: { hcaObjects: 3 } },
    };
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    assert.throws(
      () => open(folder).apply({ ...limits, unified: { 'memory.nothing': '1' } }),
      /unified\["memory\.nothing"\] can't be set: this kernel has no such limit/,
    );
    assert.is(read('memory.max'), '');
    open(folder).apply({ ...limits, unified: { 'memory.max': '8192' } });
    assert.equal(['memory.max', 'io.weight', 'io.max', 'hugetlb.2MB.max', 'rdma.max'].map(read), [
      '8192',
      'default 910',
      '8:0 rbps=9',
      '2097152',
      'mlx5_1 hca_object=3',
    ]);
  }));

test('a controller that is missing is named, with who would have to give it', () =>
  withFolder((folder, file) => {
    mkdirSync(join(folder, 'x'));
    file('x/cgroup.controllers', 'pids\n');
    file('cgroup.controllers', 'cpu pids\n');
    const refused = (resources: object): string => {
      try {
        open(join(folder, 'x')).apply(resources);
      } catch (error) {
        assert.ok(error instanceof TsruncError);
        assert.is(error.code, 'UNSUPPORTED');
        return error.message;
      }
      return 'nothing';
    };
    assert.match(
      refused({ cpu: { quota: 5 } }),
      `linux.resources.cpu.quota can't be set: cgroup ${folder}/x does not have the cpu controller, and ${folder} has it but does not hand it on`,
    );
    assert.match(refused({ cpu: { period: 5 } }), /does not have the cpu controller/);
    assert.match(
      refused({ memory: { limit: 5 } }),
      `linux.resources.memory.limit can't be set: cgroup ${folder}/x does not have the memory controller, and ${folder} does not have it either`,
    );
    assert.is(refused({ memory: { limit: 0 }, cpu: {} }), 'nothing');
  }));

test('controllers are enabled in those parents only that have them and lack it', () =>
  withFolder((folder, file) => {
    mkdirSync(join(folder, 'a/b/c'), { recursive: true });
    file('cgroup.controllers', 'cpuset cpu io memory pids\n');
    file('cgroup.subtree_control', 'cpuset cpu io memory\n');
    file('a/cgroup.controllers', 'cpuset cpu io memory\n');
    file('a/cgroup.subtree_control', 'cpuset cpu io memory\n');
    file('a/b/cgroup.controllers', 'cpuset cpu io memory\n');
    file('a/b/cgroup.subtree_control', 'cpuset cpu io\n');
    enableControllers(join(folder, 'a/b/c'));
    const read = (path: string): string =>
      readFileSync(join(folder, path, 'cgroup.subtree_control'), 'utf8');
    // A plain file keeps what it had behind what is written, and nothing follows from it for the next.
    assert.match(read('.'), /^\+pids/);
    assert.is(read('a'), 'cpuset cpu io memory\n');
    assert.match(read('a/b'), /^\+memory/);
  }));

test.run();
