/** An image that has links where the runtime makes, mounts and writes things. They lead nowhere but to its own files. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('planted links');
const root = skipUnless(process.geteuid?.() === 0, 'root');
const lab = new Lab();

/** A folder of the host, with what the links point to. */
function hostFolder(): string {
  const folder = join(lab.folder, lab.name());
  mkdirSync(join(folder, 'folder'), { recursive: true });
  writeFileSync(join(folder, 'file'), 'precious', { mode: 0o640 });
  return folder;
}

const targets = {
  'a file of the host': (host: string) => join(host, 'file'),
  'a folder of the host': (host: string) => join(host, 'folder'),
  'the way up': (host: string) => `${'../'.repeat(40)}${host.slice(1)}/folder`,
  'a magic link': () => '/proc/self/root',
  'a descriptor': () => '/proc/self/fd/4',
  nowhere: () => '/not/there',
  itself: () => '/proc/../self',
};

const places = [
  ...['/proc', '/sys', '/sys/fs', '/dev', '/dev/null', '/dev/pts', '/dev/shm', '/dev/mqueue'],
  ...['/dev/console', '/dev/ptmx', '/dev/fd', '/dev/stdin', '/etc', '/tmp', '/work'],
];

for (const place of places) {
  root(test)(place, () => {
    for (const [what, target] of Object.entries(targets)) {
      const host = hostFolder();
      const bundle = lab.bundle(
        (spec, folder) => {
          const planted = join(folder, 'rootfs', place);
          rmSync(planted, { recursive: true, force: true });
          mkdirSync(dirname(planted), { recursive: true });
          symlinkSync(target(host), planted);
          spec.root.readonly = false;
          // What is in the image's own /dev counts only when nothing is mounted over it.
          if (place.startsWith('/dev/'))
            spec.mounts = spec.mounts.filter(({ destination }) => destination !== '/dev');
          if (place === '/sys/fs')
            spec.mounts = spec.mounts.filter(({ destination }) => destination !== '/sys');
          spec.mounts.push({ destination: '/tmp/sub', type: 'tmpfs', source: 'tmpfs' });
          spec.process.cwd = '/work';
          spec.process.args = [
            '/bin/busybox',
            'sh',
            '-c',
            `grep -q precious ${host}/file 2>/tmp/sub/err || echo fine`,
          ];
        },
        { rootfs: 'private' },
      );
      const { code, stdout, stderr } = lab.tsrunc(['run', '--bundle', bundle, lab.name()]);
      const about = `${place} → ${what}: ${stdout}${stderr}`;
      // It works, or it is refused with a sentence; half of either it isn't.
      if (code === 0) assert.is(stdout, 'fine\n', about);
      else assert.match(stderr, /^tsrunc run: [^\n]+\n$/, about);
      assert.equal(readdirSync(host).sort(), ['file', 'folder'], about);
      assert.equal(readdirSync(join(host, 'folder')), [], about);
      assert.is(readFileSync(join(host, 'file'), 'utf8'), 'precious', about);
      assert.is(statSync(join(host, 'file')).mode & 0o777, 0o640, about);
    }
  });
}

lab.finish(test);
