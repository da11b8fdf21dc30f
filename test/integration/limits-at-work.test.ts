/** What limits do to a container's processes, beside behaviour.test.ts: memory, CPUs, disks, and the division of a cgroup. */
import { closeSync, openSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isRoot, layout } from '../support/cgroups.js';
import { control, hierarchyOf, onVersion, unifiedHas } from '../support/container-cgroup.js';
import { type Container, Lab, type Mutate } from '../support/lab.js';
import { disk } from '../support/resource-rows.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const MiB = 1048576;

/** A container that says a word and goes on with `script`. */
function running(script: string, mutate: Mutate): Container {
  return lab.start(
    lab.bundle((spec, folder) => {
      spec.process.args = ['sh', '-c', `echo up; ${script}`];
      mutate(spec, folder);
    }),
  );
}

/** A number in a file of lines `NAME NUMBER`. */
function entry(text: string, name: string): number {
  const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
  assert.ok(found, `${name} in ${text}`);
  return Number(found);
}

const memory = hierarchyOf('memory', 'memory');

skipUnless(isRoot && memory !== undefined, 'root and the memory controller')(test)(
  'a process over the limit of memory is killed, the others live',
  () => {
    const script =
      'head -c 200m /dev/zero | tail -c 100m > /dev/null & wait $!; echo $? > /dev/shm/status; exec sleep 1000';
    const limit = 24 * MiB;
    const { id, pid } = running(script, (spec) => {
      spec.linux.resources = { memory: { limit, swap: limit } };
    });
    let status = '';
    while (status === '')
      status = lab.ok(['exec', id, 'sh', '-c', 'cat /dev/shm/status 2>/dev/null; true']);
    // 128 and SIGKILL.
    assert.is(status, '137\n');
    assert.is(lab.state(id).status, 'running');
    const events = control(pid, memory ?? '', onVersion('memory.oom_control', 'memory.events'));
    assert.ok(entry(events, 'oom_kill') >= 1);
    lab.ok(['delete', '--force', id]);
  },
);

skipUnless(
  isRoot && layout.version === 'v2' && unifiedHas('memory'),
  'root and cgroup v2 with memory',
)(test)('a lower limit of memory takes the page cache back instead of killing', () => {
  const { id, pid } = running('exec sleep 1000', (spec) => {
    spec.linux.resources = { memory: { limit: 128 * MiB } };
    // A disk's cache is what the kernel can reclaim.
    const bind = { type: 'bind', source: lab.folder, options: ['bind', 'rw'] };
    spec.mounts.push({ destination: '/data', ...bind });
  });
  lab.ok(['exec', id, 'sh', '-c', 'head -c 33554432 /dev/zero > /data/cached; sync']);
  const used = (): number => Number(control(pid, 'unified', 'memory.current'));
  assert.ok(used() > 24 * MiB, `${used()} bytes`);
  lab.ok(['update', '--memory', '16m', '--memory-swap', '16m', id]);
  assert.ok(used() <= 16 * MiB, `${used()} bytes`);
  assert.is(entry(control(pid, 'unified', 'memory.events'), 'oom_kill'), 0);
  assert.is(lab.state(id).status, 'running');
  lab.ok(['delete', '--force', id]);
});

skipUnless(isRoot && hierarchyOf('cpuset', 'cpuset') !== undefined, 'root and cpuset')(test)(
  'processes run on the CPUs that they have, before and after update',
  () => {
    const { id } = running('exec sleep 1000', (spec) => {
      spec.linux.resources = { cpu: { cpus: '0' } };
    });
    const allowed = (): string =>
      lab.ok(['exec', id, 'sed', '-n', 's/^Cpus_allowed_list:\\t//p', '/proc/1/status']).trim();
    assert.is(allowed(), '0');
    lab.ok(['update', '--cpuset-cpus', '0-1', id]);
    assert.is(allowed(), '0-1');
    lab.ok(['delete', '--force', id]);
  },
);

function canRead(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'));
    return true;
  } catch {
    return false;
  }
}

skipUnless(
  isRoot && hierarchyOf('blkio', 'io') !== undefined && canRead(`/dev/${disk.name}`),
  'root, the blkio controller and a disk that may be read as such',
)(test)('reads of a disk are slowed down to the rate', () => {
  const [major = 0, minor = 0] = disk.numbers.split(':').map(Number);
  const rate = 2 * MiB;
  const { id } = running('exec sleep 1000', (spec) => {
    spec.linux.devices = [{ path: '/dev/disk', type: 'b', major, minor }];
    spec.linux.resources = {
      devices: [{ allow: false }, { allow: true, type: 'b', major, minor, access: 'r' }],
      blockIO: { throttleReadBpsDevice: [{ major, minor, rate }] },
    };
  });
  const since = performance.now();
  // Past the page cache. Faster than the rate it can't be, however slow the machine is.
  lab.ok(['exec', id, 'dd', 'if=/dev/disk', 'of=/dev/null', 'iflag=direct', 'bs=256k', 'count=16']);
  assert.ok(performance.now() - since > 1000, 'four MiB at two MiB a second');
  lab.ok(['delete', '--force', id]);
});

skipUnless(
  isRoot && layout.version === 'v2' && unifiedHas('memory') && unifiedHas('pids'),
  'root and cgroup v2 with memory and pids',
)(test)('a container with a user namespace divides its cgroup, and can not widen it', () => {
  const script = [
    'cd /sys/fs/cgroup',
    'mkdir inner other',
    'echo 1 > inner/cgroup.procs',
    'echo "+memory +pids" > cgroup.subtree_control',
    'echo 7 > other/pids.max; cat other/pids.max',
    '(echo max > pids.max) 2>/dev/null || echo "the limit stays"',
    'cat pids.max /proc/self/cgroup',
  ].join('\n');
  const out = lab.inside(script, (spec) => {
    spec.linux.namespaces.push({ type: 'user' });
    const map = [{ containerID: 0, hostID: 200_000, size: 1000 }];
    Object.assign(spec.linux, { uidMappings: map, gidMappings: map });
    spec.linux.resources = { pids: { limit: 50 }, memory: { limit: 64 * MiB } };
    spec.mounts = spec.mounts.filter(({ destination }) => destination !== '/sys/fs/cgroup');
    const mount = { type: 'cgroup', options: ['rw', 'nosuid'] };
    spec.mounts.push({ destination: '/sys/fs/cgroup', ...mount });
  });
  assert.equal(out.split('\n'), ['7', 'the limit stays', '50', '0::/inner']);
});

lab.finish(test);
