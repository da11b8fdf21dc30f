import { type Report, show } from '../schema.js';
import type { Spec } from '../types.js';

/** config-linux.md, "Control groups". */
export function checkResources({ linux }: Spec, report: Report): void {
  const resources = linux?.resources;
  if (resources === undefined) return;
  const path = 'linux.resources';
  for (const [index, { access }] of (resources.devices ?? []).entries()) {
    if (access !== undefined && !/^[rwm]*$/.test(access)) {
      report(`${path}.devices[${index}].access`, `must be made of r, w and m, is ${show(access)}`);
    }
  }
  const { cpus, mems } = resources.cpu ?? {};
  // cpuset(7), "List format".
  const list = /^\s*(\d+(-\d+)?(\s*,\s*\d+(-\d+)?)*)?\s*$/;
  if (cpus !== undefined && !list.test(cpus))
    report(`${path}.cpu.cpus`, `must be a list such as 0-2,7, is ${show(cpus)}`);
  if (mems !== undefined && !list.test(mems))
    report(`${path}.cpu.mems`, `must be a list such as 0-2,7, is ${show(mems)}`);
  const { limit, swap, reservation } = resources.memory ?? {};
  const positive = (value: unknown): value is number | bigint => (value as number) > 0;
  if (positive(limit) && positive(swap) && swap < limit) {
    report(
      `${path}.memory.swap`,
      `is memory and swap together: must not be below the limit ${limit}, is ${swap}`,
    );
  }
  if (positive(limit) && positive(reservation) && reservation > limit) {
    report(`${path}.memory.reservation`, `must not be above the limit ${limit}, is ${reservation}`);
  }
  for (const name of Object.keys(resources.unified ?? {})) {
    if (name.includes('/'))
      report(
        `${path}.unified[${JSON.stringify(name)}]`,
        'must be the name of a file of the cgroup',
      );
  }
}
