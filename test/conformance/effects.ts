import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from './context.js';
import { cgroupFolder } from './host.js';

/** A file of the container's cgroup that must have a value once the resources are set. */
export interface Effect {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
}

/** Makes a container with these resources and looks at the effect. */
export async function checkEffect(
  t: Context,
  resources: Record<string, unknown>,
  { controller, file, value }: Effect,
) {
  t.needsCgroupFile(controller, file);
  const container = await t.create((config) => {
    config.linux.resources = resources;
  });
  const path = join(cgroupFolder(controller, container.cgroup), file);
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  const values = value.split('|');
  assert.ok(
    values.some((one) => lines.includes(one)),
    `${file} is "${lines.join('; ')}", not "${values.join('" or "')}"`,
  );
}
