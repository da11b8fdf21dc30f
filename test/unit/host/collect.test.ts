import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { collectHost, isIdentityMap, permittedCapabilities } from '../../../ts/host/collect.js';

const output = (program: string, ...args: string[]): string =>
  spawnSync(program, args, { encoding: 'utf8' }).stdout.trim();

test('this machine is described as its own programs describe it', () => {
  const host = collectHost();
  const version = /^\d+\.\d+/.exec(output('uname', '-r'))?.[0];
  assert.is(`${host.kernel.major}.${host.kernel.minor}`, version);
  assert.is(host.uid, Number(output('id', '-u')));
  assert.is(host.gid, Number(output('id', '-g')));
  assert.is(host.arch, { x86_64: 'x64', aarch64: 'arm64' }[output('uname', '-m')]);
  assert.ok(host.lastCapability >= 40, 'CAP_CHECKPOINT_RESTORE is there since 5.9');
  const permitted = /CapPrm:\s*(\w+)/.exec(output('cat', '/proc/self/status'))?.[1];
  assert.is(host.capabilities, BigInt(`0x${permitted}`));
});

test('it is looked at once', () => {
  assert.is(collectHost(), collectHost());
});

test('only the full map of IDs is the initial one', () => {
  assert.ok(isIdentityMap('         0          0 4294967295\n'));
  for (const map of [
    '0 1000 1\n',
    '0 0 1\n',
    '0 0 1000\n1000 1000 64536\n',
    '',
    '0 0 42949672950\n',
  ]) {
    assert.not(isIdentityMap(map), map);
  }
});

test('capabilities are taken from the permitted set', () => {
  const status =
    'Name:\tx\nCapInh:\t0000000000000001\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000000\n';
  assert.is(permittedCapabilities(status), 0x1ffffffffffn);
});

test.run();
