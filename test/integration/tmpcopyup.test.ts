import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { kernelIs } from '../support/kernel.js';
import { Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');
const attributed = skipUnless(
  process.geteuid?.() === 0 && existsSync('/usr/bin/getfattr'),
  'root, getfattr and setfattr (package attr)',
);
const privately = { rootfs: 'private' } as const;

/** Fills the image's /stuff with a shell script, and mounts a tmpfs on it. */
const copied =
  (script: string, ...options: string[]): Mutate =>
  (spec, bundle) => {
    const stuff = join(bundle, 'rootfs/stuff');
    mkdirSync(stuff, { recursive: true });
    execFileSync('sh', ['-ec', script], { cwd: stuff });
    spec.mounts.push({
      destination: '/stuff',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['tmpcopyup', ...options],
    });
  };

/** All that stat knows of a path: type, mode, owner, size, times, device. */
const facts = 'stat -c "%n %F %a %u:%g %s %Y %t:%T"';

root(test)('everything under the mountpoint is in the tmpfs, as it was', () => {
  const out = lab.inside(
    `cd /stuff; ${facts} . file program deep deep/er pipe node link broken; cat file deep/er/x; readlink link; readlink broken; stat -f -c %T .`,
    copied(`
      echo content > file; chown 3:4 file; chmod 646 file; touch -d @1000000 file
      echo > program; chown 5:6 program; chmod 4751 program; touch -d @2000000 program
      mkdir -p deep/er; echo below > deep/er/x; chown 7:8 deep; chmod 2755 deep
      touch -d @3000000 deep/er; touch -d @4000000 deep
      mkfifo -m 604 pipe; touch -d @5000000 pipe
      mknod -m 620 node c 1 3; chown 9:10 node; touch -d @6000000 node
      ln -s file link; touch -h -d @7000000 link; chown -h 11:12 link
      ln -s /nowhere broken; touch -h -d @7500000 broken
      chown 13:14 .; chmod 1711 .; touch -d @8000000 .
    `),
    privately,
  );
  assert.equal(
    // The sizes of directories are the file system's affair.
    out.replace(/(directory \d+ \d+:\d+) \d+/g, '$1 -').split('\n'),
    [
      '. directory 1711 13:14 - 8000000 0:0',
      'file regular file 646 3:4 8 1000000 0:0',
      'program regular file 4751 5:6 1 2000000 0:0',
      'deep directory 2755 7:8 - 4000000 0:0',
      'deep/er directory 755 0:0 - 3000000 0:0',
      'pipe fifo 604 0:0 0 5000000 0:0',
      'node character special file 620 9:10 0 6000000 1:3',
      'link symbolic link 777 11:12 4 7000000 0:0',
      'broken symbolic link 777 0:0 8 7500000 0:0',
      'content',
      'below',
      'file',
      '/nowhere',
      'tmpfs',
    ],
  );
});

root(test)("what is written there doesn't reach the image", () => {
  let image = '';
  lab.inside(
    'echo new > /stuff/file; echo more > /stuff/other',
    (spec, bundle) => {
      image = join(bundle, 'rootfs/stuff');
      copied('echo old > file')(spec, bundle);
    },
    privately,
  );
  assert.is(readFileSync(join(image, 'file'), 'utf8'), 'old\n');
  assert.not(existsSync(join(image, 'other')));
});

root(test)('the options of the mount win over the mode and the owner of the directory', () => {
  const out = lab.inside(
    `stat -c "%a %u:%g" /stuff; stat -c %a /stuff/x`,
    copied('chown 3:4 .; chmod 700 .; touch x; chmod 604 x', 'mode=0755', 'uid=9'),
    privately,
  );
  assert.is(out, '755 9:0\n604');
});

root(test)('a read-only tmpfs is filled before it becomes so', () => {
  const out = lab.inside(
    'cat /stuff/file; touch /stuff/y 2>&1; true',
    copied('echo here > file', 'ro'),
    privately,
  );
  assert.is(out, 'here\ntouch: /stuff/y: Read-only file system');
});

attributed(test)('extended attributes and file capabilities are kept', () => {
  const bundle = lab.bundle((spec, folder) => {
    spec.process.args = ['sh', '-c', 'echo ready; sleep 1000'];
    copied(`
      echo > file; mkdir folder
      setfattr -n user.comment -v hello file; setfattr -n user.comment -v there folder
      setfattr -n trusted.mark -v yes file
      setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 file
    `)(spec, folder);
  }, privately);
  const { id, pid } = lab.start(bundle);
  const attributes = (path: string): string =>
    execFileSync('getfattr', ['-m', '-', '-d', '-e', 'text', '--absolute-names', path], {
      encoding: 'utf8',
    });
  const inside = `/proc/${pid}/root/stuff`;
  const file = attributes(`${inside}/file`);
  // Before that a tmpfs had none of users.
  if (kernelIs(6, 6)) assert.match(file, 'user.comment="hello"');
  assert.match(file, 'trusted.mark="yes"');
  assert.match(file, 'security.capability=');
  if (kernelIs(6, 6)) assert.match(attributes(`${inside}/folder`), 'user.comment="there"');
  lab.ok(['delete', '--force', id]);
});

root(test)('holes of a sparse file take no room', () => {
  const out = lab.inside(
    'stat -c "%s" /stuff/sparse; tail -c 4 /stuff/sparse; du -k /stuff/sparse | cut -f1',
    copied('truncate -s 1G sparse; printf last >> sparse', 'size=1m'),
    privately,
  );
  const [size, end] = out.split('\n');
  assert.is(size, String(2 ** 30 + 4));
  assert.match(end ?? '', /^last\d$/);
});

root(test)('more files than one call lists, and long names, are all there', () => {
  const name = 'n'.repeat(240);
  const out = lab.inside(
    'ls /stuff | wc -l',
    copied(`for i in $(seq 300); do : > ${name}$i; done`),
    privately,
  );
  assert.is(out, '300');
});

root(test)('no link of the image leads the copying out of it, nor the mount', () => {
  const outside = join(lab.folder, lab.name());
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'of the host\n');
  const out = lab.inside(
    'ls -l /stuff | grep -c "^l"; cat /stuff/to-file 2>&1; ls /stuff/to-folder/ 2>&1; ls -A /linked',
    (spec, bundle) => {
      copied(`ln -s ${outside}/secret to-file; ln -s ${outside} to-folder; ln -s .. up`)(
        spec,
        bundle,
      );
      symlinkSync(outside, join(bundle, 'rootfs/linked'));
      spec.mounts.push({ destination: '/linked', type: 'tmpfs', options: ['tmpcopyup'] });
    },
    privately,
  );
  assert.match(out, /^3\n/);
  assert.not.match(out, 'of the host');
  assert.not.match(out, /^secret$/m);
});

root(test)('in a user namespace what is there is copied with its owners', () => {
  const out = lab.inside(
    'stat -c "%u:%g %a" /stuff /stuff/file; cat /stuff/file',
    (spec, bundle) => {
      copied('echo mine > file; chown 200005:300006 file; chown 200000:300000 .; chmod 750 .')(
        spec,
        bundle,
      );
      spec.linux.namespaces.push({ type: 'user' });
      spec.linux.uidMappings = [{ containerID: 0, hostID: 200_000, size: 1000 }];
      spec.linux.gidMappings = [{ containerID: 0, hostID: 300_000, size: 1000 }];
    },
    privately,
  );
  assert.is(out, '0:0 750\n5:6 644\nmine');
});

root(test)('what does not fit is an error that names it', () => {
  const mutate = copied('mkdir a; head -c 200000 /dev/zero > a/big', 'size=64k');
  assert.match(lab.refuses(mutate, privately), /"tmpfs" on "\/stuff": no space.*"\/stuff\/a\/big"/);
});

root(test)('without tmpcopyup a tmpfs is empty and has the mode of the directory', () => {
  const out = lab.inside(
    'ls -A /stuff | wc -l; stat -c %a /stuff /missing',
    (spec, bundle) => {
      copied('touch x; chmod 2751 .')(spec, bundle);
      spec.mounts.pop();
      for (const destination of ['/stuff', '/missing'])
        spec.mounts.push({ destination, type: 'tmpfs', source: 'tmpfs' });
    },
    privately,
  );
  assert.is(out, '0\n2751\n1777');
});

lab.finish(test);
