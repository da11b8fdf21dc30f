import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Mount } from '../../ts/spec/types.js';
import { kernelIs } from '../support/kernel.js';
import { Lab, type Mutate } from '../support/lab.js';
import { parseMountInfo } from '../support/mountinfo.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const isRoot = process.geteuid?.() === 0;
const root = skipUnless(isRoot, 'root');
const mappable = skipUnless(
  isRoot && kernelIs(6, 3),
  'root and Linux 6.3, which can map the ids of a tmpfs',
);
const privately = { rootfs: 'private' } as const;

const map = (containerID: number, hostID: number, size = 10) => ({ containerID, hostID, size });

/** A folder with a file of user 1 and group 2. */
function source(): string {
  const folder = join(lab.folder, lab.name());
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), '');
  chownSync(join(folder, 'file'), 1, 2);
  return folder;
}

/** Adds mounts, and to a root file system of the test's own the folders for them: root of a user namespace may make none. */
const add =
  (...mounts: Mount[]): Mutate =>
  (spec, bundle) => {
    spec.mounts.push(...mounts);
    if (spec.root.path !== 'rootfs') return;
    for (const { destination } of mounts)
      mkdirSync(join(bundle, 'rootfs', destination), { recursive: true });
  };

/** A user namespace of the container's own: 0 is 200000 on the host, and so on. */
const withUsers: Mutate = (spec) => {
  spec.linux.namespaces.push({ type: 'user' });
  spec.linux.uidMappings = [map(0, 200_000, 1000)];
  spec.linux.gidMappings = [map(0, 300_000, 1000)];
};

const both =
  (...all: Mutate[]): Mutate =>
  (spec, bundle) => {
    for (const mutate of all) mutate(spec, bundle);
  };

const owner = 'stat -c %u:%g';

root(test)('ids are shifted by the mappings of the mount', () => {
  const folder = source();
  // Nobody may write to a folder whose owner has no mapping.
  chownSync(folder, 50, 60);
  const out = lab.inside(
    `${owner} /data/file; touch /data/new; ${owner} /data/new; grep ' /data ' /proc/self/mountinfo`,
    add({
      destination: '/data',
      source: folder,
      options: ['bind', 'idmap'],
      uidMappings: [map(1, 1001), map(50, 0, 1)],
      gidMappings: [map(2, 2002), map(60, 0, 1)],
    }),
    privately,
  );
  const [file, made, info = ''] = out.split('\n');
  assert.equal([file, made], ['1001:2002', '0:0']);
  assert.ok(parseMountInfo(info).get('/data')?.options.includes('idmapped'), info);
  const { uid, gid } = statSync(join(folder, 'new'));
  assert.equal([uid, gid], [50, 60], 'what the container makes is mapped back');
});

root(test)('mappings without the option are honoured, and a gap is nobody', () => {
  const out = lab.inside(
    `${owner} /data/file; touch /data/new 2>&1; true`,
    add({
      destination: '/data',
      source: source(),
      options: ['bind'],
      uidMappings: [map(1, 77, 1), map(3, 78)],
      gidMappings: [map(9, 90)],
    }),
    privately,
  );
  const [file, touched = ''] = out.split('\n');
  assert.is(file, '77:65534');
  assert.match(touched, 'Value too large', 'the kernel has no id for the file of an unmapped user');
});

root(test)("idmap alone takes the container's own mappings", () => {
  const folder = source();
  const out = lab.inside(
    `${owner} /data/file /plain/file; touch /data/new; ${owner} /data/new`,
    both(
      withUsers,
      add(
        { destination: '/data', source: folder, options: ['bind', 'idmap'] },
        { destination: '/plain', source: folder, options: ['bind'] },
      ),
    ),
    privately,
  );
  assert.equal(out.split('\n'), ['1:2', '65534:65534', '0:0']);
  const { uid, gid } = statSync(join(folder, 'new'));
  assert.equal([uid, gid], [0, 0]);
});

root(test)("a mount's mappings lead to ids of the host, in a user namespace too", () => {
  const out = lab.inside(
    `${owner} /data/file`,
    both(
      withUsers,
      add({
        destination: '/data',
        source: source(),
        options: ['rbind', 'ridmap'],
        uidMappings: [map(1, 200_005)],
        gidMappings: [map(2, 300_006)],
      }),
    ),
    privately,
  );
  assert.is(out, '5:6');
});

root(test)("idmap in a joined user namespace takes that one's mappings", () => {
  const first = lab.create(lab.bundle(withUsers));
  const out = lab.inside(
    `${owner} /data/file`,
    both(
      (spec) => {
        spec.linux.namespaces.push({ type: 'user', path: `/proc/${first.pid}/ns/user` });
      },
      add({ destination: '/data', source: source(), options: ['bind', 'idmap'] }),
    ),
    privately,
  );
  assert.is(out, '1:2');
  lab.ok(['delete', '--force', first.id]);
});

/** The owners that a container sees of a file in a tree and of one in a tmpfs that is mounted below. */
function ownersInTree(...options: string[]): string {
  const folder = source();
  mkdirSync(join(folder, 'sub'));
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['sh', '-c', `${owner} /data/file /data/sub/file`];
    spec.mounts.push({
      destination: '/data',
      source: folder,
      options,
      uidMappings: [map(1, 1001)],
      gidMappings: [map(2, 2002)],
    });
  }, privately);
  const script = `mount -t tmpfs x ${folder}/sub; touch ${folder}/sub/file; chown 1:2 ${folder}/sub/file`;
  return lab.withMounts(script, ['run', '--bundle', bundle, lab.name()]).trim();
}

mappable(test)('ridmap reaches the mounts below, idmap does not', () => {
  assert.is(ownersInTree('rbind', 'ridmap'), '1001:2002\n1001:2002');
  assert.is(ownersInTree('rbind', 'idmap'), '1001:2002\n1:2');
});

for (const users of [false, true]) {
  mappable(test)(`a new tmpfs is mapped, ${users ? 'with' : 'without'} a user namespace`, () => {
    const [uid, gid] = users ? [200_003, 300_004] : [1003, 2004];
    const out = lab.inside(
      `${owner} /data; ls -A /data; touch /data/x && ${owner} /data/x; grep ' /data ' /proc/self/mountinfo`,
      both(
        users ? withUsers : () => {},
        add({
          destination: '/data',
          type: 'tmpfs',
          source: 'tmpfs',
          options: ['idmap', 'uid=7', 'gid=8', 'mode=0777', 'nosuid'],
          uidMappings: [map(7, uid, 1), map(0, users ? 200_000 : 0, 1)],
          gidMappings: [map(8, gid, 1), map(0, users ? 300_000 : 0, 1)],
        }),
      ),
      privately,
    );
    const [mount, file, info = ''] = out.split('\n');
    assert.equal([mount, file], [users ? '3:4' : '1003:2004', '0:0']);
    const options = parseMountInfo(info).get('/data')?.options ?? [];
    assert.ok(options.includes('idmapped') && options.includes('nosuid'), info);
  });
}

root(test)('mounts with the same mappings, and one with others, side by side', () => {
  const folder = source();
  const mount = (destination: string, to: number): Mount => ({
    destination,
    source: folder,
    options: ['bind', 'idmap'],
    uidMappings: [map(1, to)],
    gidMappings: [map(2, to)],
  });
  const out = lab.inside(
    `${owner} /a/file /b/file /c/file`,
    add(mount('/a', 11), mount('/b', 11), mount('/c', 22)),
    privately,
  );
  assert.is(out, '11:11\n11:11\n22:22');
});

root(test)('a single file, read-only, is mapped', () => {
  const out = lab.inside(
    `${owner} /one; touch /one 2>&1; true`,
    (spec) => {
      spec.mounts.push({
        destination: '/one',
        source: join(source(), 'file'),
        options: ['bind', 'idmap', 'ro'],
        uidMappings: [map(1, 31)],
        gidMappings: [map(2, 32)],
      });
    },
    privately,
  );
  assert.match(out, /^31:32\ntouch: \/one: Read-only file system$/);
});

root(test)('340 mappings are honoured, if they fit into a page', () => {
  const many = Array.from({ length: 340 }, (_, index) => map(2 * index, index, 1));
  const out = lab.inside(
    `${owner} /data/file`,
    add({
      destination: '/data',
      source: source(),
      options: ['bind', 'idmap'],
      uidMappings: [map(1, 5000, 1)],
      gidMappings: many,
    }),
    privately,
  );
  assert.is(out, '5000:1');
});

root(test)('more than a page of mappings is refused before anything is made', () => {
  const many = Array.from({ length: 340 }, (_, index) => map(index, 100_000 + 2 * index, 1));
  const mappings = { uidMappings: many, gidMappings: many };
  const mount = add({ destination: '/d', source: '/', options: ['bind', 'idmap'], ...mappings });
  assert.match(lab.refuses(mount), /mounts\[\d+\]\.uidMappings: its 340 lines have \d+ bytes/);
  const users: Mutate = (spec) => {
    spec.linux.namespaces.push({ type: 'user' });
    Object.assign(spec.linux, mappings);
  };
  assert.match(lab.refuses(users), /linux\.uidMappings: its 340 lines have \d+ bytes/);
});

root(test)('a file system whose ids cannot be mapped is an error that says so', () => {
  const mapped = { uidMappings: [map(0, 5)], gidMappings: [map(0, 5)] };
  const proc: Mount = { destination: '/p', source: '/proc', options: ['bind', 'idmap'], ...mapped };
  const message = /"\/proc": invalid argument.*can't map the ids/;
  assert.match(lab.refuses(add(proc), privately), message);
  const queue: Mount = { destination: '/q', type: 'mqueue', options: ['idmap'], ...mapped };
  assert.match(
    lab.refuses(add(queue), privately),
    /make file system "mqueue": .*can't map the ids/,
  );
});

root(test)('no helper and no namespace descriptor stays behind', () => {
  const bundle = lab.bundle(
    both(withUsers, add({ destination: '/data', source: source(), options: ['bind', 'idmap'] })),
    privately,
  );
  const { id, pid } = lab.create(bundle);
  const open = execFileSync('ls', ['-l', `/proc/${pid}/fd`], { encoding: 'utf8' });
  assert.not.match(open, 'user:[');
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  assert.is(children, '');
  lab.ok(['delete', id]);
});

lab.finish(test);
