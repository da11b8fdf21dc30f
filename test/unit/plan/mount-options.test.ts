import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  mountOptionNames,
  type ParsedOptions,
  parseMountOptions,
} from '../../../ts/plan/mount-options.js';

const nothing: ParsedOptions = {
  bind: 'no',
  remount: false,
  idmap: 'no',
  copyUp: false,
  set: 0n,
  clear: 0n,
  recursiveSet: 0n,
  recursiveClear: 0n,
  propagation: [],
  superblock: [],
  flags: 0,
  data: [],
};

// linux/mount.h, the values of MOUNT_ATTR_*.
const ATIME_MODES = 0x70n;
const attributes: Record<string, [set: bigint, clear: bigint]> = {
  ro: [0x1n, 0n],
  rw: [0n, 0x1n],
  nosuid: [0x2n, 0n],
  suid: [0n, 0x2n],
  nodev: [0x4n, 0n],
  dev: [0n, 0x4n],
  noexec: [0x8n, 0n],
  exec: [0n, 0x8n],
  // mount_setattr(2): another access time mode is set with all bits of the old one cleared.
  noatime: [0x10n, ATIME_MODES & ~0x10n],
  strictatime: [0x20n, ATIME_MODES & ~0x20n],
  atime: [0n, ATIME_MODES],
  relatime: [0n, ATIME_MODES],
  norelatime: [0n, ATIME_MODES],
  nostrictatime: [0n, ATIME_MODES],
  nodiratime: [0x80n, 0n],
  diratime: [0n, 0x80n],
  nosymfollow: [0x200000n, 0n],
  symfollow: [0n, 0x200000n],
};

// linux/fs.h, the values of MS_*.
const propagations: Record<string, number> = {
  shared: 0x100000,
  slave: 0x80000,
  private: 0x40000,
  unbindable: 0x20000,
  rshared: 0x104000,
  rslave: 0x84000,
  rprivate: 0x44000,
  runbindable: 0x24000,
};

const ofFileSystem = [
  ['sync', 'async', 'dirsync', 'lazytime', 'nolazytime'],
  ['mand', 'nomand'],
].flat();

/** What each single option means, by the kernel's headers and config.md. */
const expected: Record<string, Partial<ParsedOptions>> = {
  bind: { bind: 'one' },
  rbind: { bind: 'tree' },
  remount: { remount: true },
  defaults: {},
  silent: {},
  loud: {},
  idmap: { idmap: 'one' },
  ridmap: { idmap: 'tree' },
  tmpcopyup: { copyUp: true },
  iversion: { flags: 0x80_0000 },
  noiversion: {},
  ...Object.fromEntries(ofFileSystem.map((name) => [name, { superblock: [name] }])),
  ...Object.fromEntries(
    Object.entries(propagations).map(([name, flags]) => [name, { propagation: [flags] }]),
  ),
  ...Object.fromEntries(
    Object.entries(attributes).flatMap(([name, [set, clear]]) => [
      [name, { set, clear }],
      [`r${name}`, { recursiveSet: set, recursiveClear: clear }],
    ]),
  ),
};

test('the table has these options and no others', () => {
  assert.equal(mountOptionNames().sort(), Object.keys(expected).sort());
});

for (const [name, parts] of Object.entries(expected)) {
  test(`the option ${name}`, () => {
    assert.equal(parseMountOptions([name]), { ...nothing, ...parts });
  });
}

const anyAttributes = fc.array(fc.constantFrom(...Object.keys(attributes)));

test('later attributes win over earlier ones, each bit for itself', () => {
  fc.assert(
    fc.property(anyAttributes, (names) => {
      // A mount that starts without any, and one that starts with all of them.
      for (const start of [0n, 0x2000ffn]) {
        const oneByOne = names.reduce((bits, name) => {
          const [set, clear] = attributes[name] ?? [0n, 0n];
          return (bits & ~clear) | set;
        }, start);
        const { set, clear } = parseMountOptions(names);
        assert.is((start & ~clear) | set, oneByOne, names.join());
      }
    }),
  );
});

test('the kernel never sees a bit both to set and to clear', () => {
  fc.assert(
    fc.property(anyAttributes, (names) => {
      const options = [...names, ...names.map((name) => `r${name}`)];
      const { set, clear, recursiveSet, recursiveClear } = parseMountOptions(options);
      assert.is(set & clear, 0n);
      assert.is(recursiveSet & recursiveClear, 0n);
    }),
  );
});

test('the mount itself and what is below it are told apart', () => {
  const { set, clear, recursiveSet, recursiveClear } = parseMountOptions(['ro', 'rrw', 'rnodev']);
  assert.equal({ set, clear }, { set: 1n, clear: 0n });
  assert.equal({ recursiveSet, recursiveClear }, { recursiveSet: 4n, recursiveClear: 1n });
});

test('propagation keeps its order, and the last of bind and rbind wins', () => {
  const { propagation, bind } = parseMountOptions(['rslave', 'rbind', 'shared', 'bind']);
  assert.equal(propagation, [0x84000, 0x100000]);
  assert.is(bind, 'one');
});

test("what nobody knows is the file system's, in its order", () => {
  const { data } = parseMountOptions(['size=1k', 'ro', 'mode=755', '', 'RO', 'constructor']);
  assert.equal(data, ['size=1k', 'mode=755', 'RO', 'constructor']);
});

test.run();
