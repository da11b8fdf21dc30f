import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { detectCgroupLayout, parseMembership } from '../../../ts/cgroup/layout.js';

test('the lines of /proc/self/cgroup', () => {
  const text = '12:cpu,cpuacct:/a:b/with space\n1:name=systemd:/init.scope\n0::/user.slice\n';
  assert.equal(parseMembership(text), [
    { controllers: ['cpu', 'cpuacct'], path: '/a:b/with space' },
    { controllers: ['name=systemd'], path: '/init.scope' },
    { controllers: [], path: '/user.slice' },
  ]);
  assert.equal(parseMembership(''), []);
});

test('only what is mounted counts: a folder that looks like cgroups is none', () => {
  const root = mkdtempSync(join(tmpdir(), 'tsrunc-layout-'));
  try {
    mkdirSync(join(root, 'memory'));
    mkdirSync(join(root, 'unified'));
    writeFileSync(join(root, 'cgroup.controllers'), 'memory\n');
    writeFileSync(join(root, 'membership'), '2:memory:/\n0::/\n');
    assert.equal(detectCgroupLayout(root, join(root, 'membership')), { version: 'none' });
    assert.equal(detectCgroupLayout(join(root, 'missing'), join(root, 'membership')), {
      version: 'none',
    });
  } finally {
    rmSync(root, { recursive: true });
  }
});

test.run();
