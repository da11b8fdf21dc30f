import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mayEnterCgroup } from '../../../ts/cgroup/access.js';

const mountpoint = mkdtempSync('/tmp/tsrunc-access-');
/** Whoever runs this may write where the file is, and where it isn't nobody may: also root. */
const given = (path: string): void =>
  writeFileSync(join(mountpoint, path, 'cgroup.procs'), '', { mode: 0o600 });

test('the closest cgroup above both decides', () => {
  mkdirSync(join(mountpoint, 'user/manager/x.scope/sub'), { recursive: true });
  for (const path of ['user/manager', 'user/manager/x.scope/sub']) given(path);
  const enters = (own: string): boolean => {
    const layout = { version: 'v2', mountpoint, own, controllers: [] } as const;
    return mayEnterCgroup(layout, join(mountpoint, 'user/manager/x.scope/sub'));
  };
  assert.ok(enters('/user/manager/y.scope'));
  assert.ok(enters('/user/manager'));
  assert.ok(enters('/user/manager/x.scope/sub'));
  assert.ok(enters('/user/manager/x.scope/sub/below'));
  assert.not(enters('/user/session.scope'));
  assert.not(enters('/user/manager2'));
  assert.not(enters('/system/job.service'));
  assert.not(enters('/'));
  // Names may begin with dots.
  assert.ok(enters('/user/manager/..y'));
  assert.not(enters('/..user/manager'));
});

test.after(() => rmSync(mountpoint, { recursive: true }));
test.run();
