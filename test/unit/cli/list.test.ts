import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { plain } from '../../../ts/cli/colors.js';
import { formatTable } from '../../../ts/cli/list.js';
import type { State } from '../../../ts/state/state.js';

const state = (facts: Partial<State>): State => ({
  ociVersion: '1.3.0',
  id: 'a',
  pid: 0,
  status: 'stopped',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2026-01-02T03:04:05.678Z',
  owner: 'root',
  ...facts,
});

test('no containers: the header alone, as runc prints it', () => {
  assert.is(
    formatTable([], plain),
    'ID          PID         STATUS      BUNDLE      CREATED     OWNER\n',
  );
});

test('columns are as wide as what is in them, three apart', () => {
  const table = formatTable(
    [
      state({ id: 'a-container-of-some-length', pid: 4711, status: 'running' }),
      state({ bundle: '/run/containerd/bundle' }),
    ],
    plain,
  );
  assert.is(
    table,
    [
      'ID                           PID         STATUS      BUNDLE                   CREATED                    OWNER',
      'a-container-of-some-length   4711        running     /b                       2026-01-02T03:04:05.678Z   root',
      'a                            0           stopped     /run/containerd/bundle   2026-01-02T03:04:05.678Z   root',
      '',
    ].join('\n'),
  );
});

test('only the header is set off', () => {
  const table = formatTable([state({})], { ...plain, heading: (text) => `<${text}>` });
  assert.match(table, /^<ID .*OWNER>\na /);
});

test.run();
