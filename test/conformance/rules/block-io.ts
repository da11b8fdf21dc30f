import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../context.js';
import { checkEffect } from '../effects.js';
import { cgroupFolder, cgroupVersion, hasController } from '../host.js';
import { section } from '../rule.js';

const MiB = 1 << 20;

/** A disk, `8:0`, for limits on devices. */
function disk(t: Context): { major: number; minor: number } {
  const names = existsSync('/sys/block') ? readdirSync('/sys/block') : [];
  const name = names.find((each) => /^(vd|sd|nvme|xvd)/.test(each));
  t.needs(name !== undefined, 'a disk');
  const [major = 0, minor = 0] = readFileSync(`/sys/block/${name}/dev`, 'utf8')
    .trim()
    .split(':')
    .map(Number);
  return { major, minor };
}

const io = section('config-linux.md#configLinuxBlockIO', 'Block IO');

for (const [name, file, v2] of [
  ['throttleReadBpsDevice', 'blkio.throttle.read_bps_device', 'rbps'],
  ['throttleWriteBpsDevice', 'blkio.throttle.write_bps_device', 'wbps'],
  ['throttleReadIOPSDevice', 'blkio.throttle.read_iops_device', 'riops'],
  ['throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device', 'wiops'],
] as const) {
  io.property(name, `${name} is set`, async (t) => {
    const device = disk(t);
    const resources = { blockIO: { [name]: [{ ...device, rate: 1_048_576 }] } };
    const place = `${device.major}:${device.minor}`;
    if (cgroupVersion === 1)
      return checkEffect(t, resources, { controller: 'blkio', file, value: `${place} 1048576` });
    t.needs(hasController('io'), 'the io controller');
    const container = await t.create((config) => {
      config.linux.resources = resources;
    });
    const text = readFileSync(join(cgroupFolder('io', container.cgroup), 'io.max'), 'utf8');
    assert.match(text, new RegExp(`^${place} .*${v2}=1048576`, 'm'));
  });
}

/** The proportional limits of v1 are a scheduler's: CFQ's are gone, BFQ's are there when it is loaded. */
function weightFile(t: Context, name: string): string {
  try {
    t.needsCgroupFile('blkio', `blkio.${name}`);
    return `blkio.${name}`;
  } catch {
    t.needsCgroupFile('blkio', `blkio.bfq.${name}`);
    return `blkio.bfq.${name}`;
  }
}

for (const name of ['weight', 'leafWeight'] as const) {
  io.property(name, `${name} is set`, async (t) => {
    t.needs(name === 'weight' || cgroupVersion === 1, 'cgroup v1: v2 has no leaf weights');
    t.needs(name === 'weight' || cgroupVersion === 1, 'cgroup v1: v2 has no leaf weights');
    const file =
      cgroupVersion === 1
        ? weightFile(t, name === 'weight' ? 'weight' : 'leaf_weight')
        : 'io.bfq.weight';
    t.needs(hasController(cgroupVersion === 1 ? 'blkio' : 'io'), 'a controller of block IO');
    const container = await t.create((config) => {
      config.linux.resources.blockIO = { [name]: 200 };
    });
    const path = join(cgroupFolder(cgroupVersion === 1 ? 'blkio' : 'io', container.cgroup), file);
    assert.match(readFileSync(path, 'utf8'), /200/);
  });
  io.property(`weightDevice.${name}`, `${name} of weightDevice is set`, async (t) => {
    const file = weightFile(t, name === 'weight' ? 'weight_device' : 'leaf_weight_device');
    const device = disk(t);
    const queue = `/sys/dev/block/${device.major}:${device.minor}/queue/scheduler`;
    t.needs(/\[bfq\]/.test(readFileSync(queue, 'utf8')), 'a disk with the scheduler BFQ');
    await checkEffect(
      t,
      { blockIO: { weightDevice: [{ ...device, [name]: 300 }] } },
      {
        controller: 'blkio',
        file,
        value: `${device.major}:${device.minor} 300`,
      },
    );
  });
}

io.must(
  'weightDevice-empty',
  'a weightDevice with neither weight nor leafWeight is an error',
  async (t) => {
    const device = disk(t);
    await t.refuses((config) => {
      config.linux.resources.blockIO = { weightDevice: [device] };
    });
  },
);

const huge = section('config-linux.md#configLinuxHugePageLimits', 'Huge page limits');

huge.property(
  'limit',
  'the reservation’s limit is set where there is one, else the usage’s',
  async (t) => {
    t.needs(hasController('hugetlb'), `a cgroup v${cgroupVersion} controller hugetlb`);
    const container = await t.create((config) => {
      config.linux.resources.hugepageLimits = [{ pageSize: '2MB', limit: 4 * MiB }];
    });
    const folder = cgroupFolder('hugetlb', container.cgroup);
    const names = ['rsvd.limit_in_bytes', 'limit_in_bytes', 'rsvd.max', 'max'];
    const file = names.map((name) => join(folder, `hugetlb.2MB.${name}`)).find(existsSync);
    assert.equal(readFileSync(file ?? '', 'utf8').trim(), String(4 * MiB), file);
  },
);

huge.must('pageSize-unknown', 'a page size that the machine lacks is an error', async (t) => {
  await t.refuses((config) => {
    config.linux.resources.hugepageLimits = [{ pageSize: '3MB', limit: 0 }];
  });
});

export const sections = [io, huge];
