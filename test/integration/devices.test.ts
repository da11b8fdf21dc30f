import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');

const nodes = {
  null: '1:3',
  zero: '1:5',
  full: '1:7',
  random: '1:8',
  urandom: '1:9',
  tty: '5:0',
};
/** Type, numbers, permissions and owner of files, one line each. */
const describe = (...paths: string[]): string =>
  `stat -c '%n %F %t:%T %a %u:%g' ${paths.join(' ')}`;
const paths = Object.keys(nodes).map((name) => `/dev/${name}`);
const standard = Object.entries(nodes).map(
  ([name, numbers]) => `/dev/${name} character special file ${numbers} 666 0:0`,
);

const inUserNamespace: Mutate = (spec) => {
  spec.linux.namespaces.push({ type: 'user' });
  spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
  spec.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
};

root(test)('the default devices are there, with the right numbers, and work', () => {
  assert.equal(lab.inside(describe(...paths)).split('\n'), standard);
  const script =
    'echo x > /dev/null; head -c 3 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c; echo x > /dev/full';
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['sh', '-c', script];
  });
  const { code, stdout, stderr } = lab.tsrunc(['run', '--bundle', bundle, lab.name()]);
  assert.equal(stdout.split('\n').filter(Boolean), ['3', '5']);
  assert.match(stderr, 'No space left on device');
  assert.is(code, 1, "the script's own status");
});

root(test)('in a user namespace the default ones are those of the host, bound', () => {
  assert.equal(lab.inside(describe(...paths), inUserNamespace).split('\n'), standard);
});

root(test)('in a user namespace linux.devices are made too, and belong to its users', () => {
  const inOneOfItsOwn: Mutate = (spec) => {
    spec.linux.namespaces.push({ type: 'user' });
    spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    spec.linux.gidMappings = [{ containerID: 0, hostID: 200_000, size: 1000 }];
    spec.linux.devices = [
      { type: 'c', path: '/dev/my/zero', major: 1, minor: 5, fileMode: 0o644, uid: 1, gid: 2 },
      { type: 'c', path: '/dev/null', major: 1, minor: 3, fileMode: 0o600 },
      { type: 'p', path: '/dev/pipe', fileMode: 0o622, uid: 3 },
    ];
  };
  const script = `${describe('/dev/my/zero', '/dev/null', '/dev/pipe')}
    head -c 3 /dev/my/zero | wc -c; echo x > /dev/null`;
  assert.equal(lab.inside(script, inOneOfItsOwn).split('\n'), [
    '/dev/my/zero character special file 1:5 644 1:2',
    '/dev/null character special file 1:3 600 0:0',
    '/dev/pipe fifo 0:0 622 3:0',
    '3',
  ]);
});

root(test)('where nobody has the id of its owner, a device is the host’s of that path', () => {
  const unowned: Mutate = (spec) => {
    inUserNamespace(spec, '');
    spec.linux.devices = [{ type: 'c', path: '/dev/full', major: 1, minor: 7, uid: 70_000 }];
  };
  const asked = '/dev/full character special file 1:7 666 0:0';
  assert.is(lab.inside(describe('/dev/full'), unowned), asked);
  const line = lab.refuses((spec, bundle) => {
    unowned(spec, bundle);
    spec.linux.devices = [{ type: 'c', path: '/dev/nowhere', major: 1, minor: 5, uid: 70_000 }];
  });
  assert.match(line, '/dev/nowhere');
});

root(test)('the links of /dev are there', () => {
  const links = ['fd', 'stdin', 'stdout', 'stderr', 'core', 'ptmx'];
  assert.equal(lab.inside(links.map((name) => `readlink /dev/${name}`).join(';')).split('\n'), [
    '/proc/self/fd',
    '/proc/self/fd/0',
    '/proc/self/fd/1',
    '/proc/self/fd/2',
    '/proc/kcore',
    'pts/ptmx',
  ]);
});

root(test)('/dev/ptmx gives terminals of the container alone', () => {
  assert.is(lab.inside('ls /dev/pts; exec 3<>/dev/ptmx; ls /dev/pts'), 'ptmx\n0\nptmx');
});

root(test)('linux.devices are made with mode, owner and folders', () => {
  const out = lab.inside(
    describe('/dev/my/char', '/dev/block', '/dev/pipe', '/dev/null'),
    (spec) => {
      spec.linux.devices = [
        { type: 'c', path: '/dev/my/char', major: 10, minor: 229, fileMode: 0o640, uid: 1, gid: 2 },
        { type: 'b', path: '/dev/block', major: 7, minor: 300, fileMode: 0o600 },
        { type: 'p', path: '/dev/pipe', fileMode: 0o622, uid: 3 },
        { type: 'u', path: '/dev/null', major: 1, minor: 3, fileMode: 0o600 },
      ];
    },
  );
  assert.equal(out.split('\n'), [
    '/dev/my/char character special file a:e5 640 1:2',
    '/dev/block block special file 7:12c 600 0:0',
    '/dev/pipe fifo 0:0 622 3:0',
    '/dev/null character special file 1:3 600 0:0',
  ]);
});

root(test)(
  'a file of another kind in the place of a device is an error, the device itself is not',
  () => {
    const privately = { rootfs: 'private' } as const;
    const onRoot: Mutate = (spec) => {
      // A /dev of the root file system's own.
      spec.mounts = spec.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
      spec.root.readonly = false;
    };
    const line = lab.refuses((spec, bundle) => {
      onRoot(spec, bundle);
      writeFileSync(join(bundle, 'rootfs/dev/null'), 'no device');
    }, privately);
    assert.match(line, '/dev/null');
    assert.match(line, 'something else than this device is there already');

    const bundle = lab.bundle(onRoot, privately);
    lab.ok(['run', '--bundle', bundle, lab.name()]);
    assert.ok(statSync(join(bundle, 'rootfs/dev/null')).isCharacterDevice());
    lab.ok(['run', '--bundle', bundle, lab.name()], {});
  },
);

root(test)('a /dev that is a link out of the root leads to a folder inside it', () => {
  const outside = join(lab.folder, 'outside');
  mkdirSync(outside);
  const bundle = lab.bundle(
    (spec, folder) => {
      spec.mounts = spec.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
      spec.root.readonly = false;
      spec.linux.devices = [{ type: 'p', path: '/trap/pipe' }];
      symlinkSync(outside, join(folder, 'rootfs/trap'));
      mkdirSync(join(folder, 'rootfs', outside), { recursive: true });
    },
    { rootfs: 'private' },
  );
  lab.ok(['run', '--bundle', bundle, lab.name()]);
  assert.not.ok(statSync(join(outside, 'pipe'), { throwIfNoEntry: false }));
  assert.ok(statSync(join(bundle, 'rootfs', outside, 'pipe')).isFIFO());
});

root(test)(
  'the rules of resources.devices hold: a node of a device that is not allowed opens for nobody',
  () => {
    const out = lab.inside('cat /dev/null && echo allowed; cat /dev/loop 2>&1; true', (spec) => {
      spec.linux.devices = [{ type: 'b', path: '/dev/loop', major: 7, minor: 0 }];
    });
    assert.match(out, /^allowed/);
    assert.match(out, /\/dev\/loop'?: Operation not permitted/);
  },
);

lab.finish(test);
