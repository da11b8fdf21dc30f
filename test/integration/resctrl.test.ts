import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const isMounted = readFileSync('/proc/self/mountinfo', 'utf8').includes(' - resctrl ');
const without = skipUnless(process.geteuid?.() === 0 && !isMounted, 'root and no resctrl');

without(test)(
  'a class of service is refused where resctrl is not mounted, before anything is made',
  () => {
    for (const intelRdt of [{}, { closID: '/' }, { closID: 'gold', schemata: ['MB:0=20'] }]) {
      const message = lab.refuses((spec) => {
        spec.linux.intelRdt = intelRdt;
      });
      assert.match(message, 'linux.intelRdt: no resctrl file system is mounted');
      assert.equal(lab.traces(), []);
    }
  },
);

skipUnless(process.geteuid?.() === 0, 'root')(test)(
  'update: schemata want a class of service, and nothing else is changed then',
  () => {
    const { id } = lab.create(lab.bundle());
    for (const flag of ['--l3-cache-schema=L3:0=f', '--mem-bw-schema=MB:0=20']) {
      const message = lab.fails(['update', flag, '--pids-limit', '7', id]);
      assert.match(message, 'no class of service whose schemata could be changed');
    }
    const cgroup = readFileSync(`/proc/${lab.state(id).pid}/cgroup`, 'utf8');
    const path = /^\d+:pids:(.*)$/m.exec(cgroup)?.[1];
    if (path !== undefined)
      assert.is(readFileSync(`/sys/fs/cgroup/pids${path}/pids.max`, 'utf8').trim(), 'max');
    lab.ok(['delete', '--force', id]);
  },
);

lab.finish(test);
