import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed } from './bed.js';
import { type Attached, Containerd, containerdPrograms } from './containerd.js';

const bed = new Bed(containerdPrograms);
const containerd = new Containerd(bed);
bed.before(() => containerd.start());

const COUNT = 200;

bed.check(`${COUNT} containers at once, each with a status of its own`, async () => {
  const gate = join(bed.bin, 'gate');
  execFileSync('mkfifo', [gate]);
  // Open for both, so that neither end waits for the other; closing it lets all readers go at once.
  const held = openSync(gate, 'r+');
  const mount = `type=bind,src=${bed.bin},dst=/gate,options=rbind:ro`;
  const started: Promise<Attached>[] = [];
  for (let index = 0; index < COUNT; index++) {
    // The reader opens before it says so: one that came after the closing would wait for ever.
    const script = `exec 3< /gate/gate; echo ready; read line <&3; exit ${index % 256}`;
    started.push(containerd.attached(`many${index}`, script, '--mount', mount));
  }
  const all = await Promise.all(started);
  assert.equal(
    all.map(({ first }) => first),
    Array(COUNT).fill('ready'),
  );
  const running = containerd.ok('task', 'ls').match(/RUNNING/g);
  assert.is(running?.length, COUNT);
  closeSync(held);
  const statuses = await Promise.all(all.map(({ ended }) => ended));
  assert.equal(
    statuses,
    Array.from({ length: COUNT }, (_, index) => index % 256),
  );
  assert.is(containerd.ok('task', 'ls').trim().split('\n').length, 1, 'no task is left');
});

bed.finish();
