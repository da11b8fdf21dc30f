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

lab.finish(test);
