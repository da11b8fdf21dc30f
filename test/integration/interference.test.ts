/** Commands, signals and hooks that come at the wrong moment. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('interference');
const root = skipUnless(process.geteuid?.() === 0, 'root');
const lab = new Lab();

/** A hook that says so in a FIFO when it runs, which is there as `path` where it runs, and doesn't end. */
const hanging = (path: string) => ({
  path: '/bin/sh',
  args: ['sh', '-c', `echo here > ${path}; exec sleep 1000`],
});

/** Makes the FIFO. */
function fifo(folder: string): string {
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  return path;
}

/** Waits until the hook says that it runs. */
async function says(path: string): Promise<void> {
  assert.is(await readFile(path, 'utf8'), 'here\n');
}

root(test)('a container killed in its startContainer hook was not started', async () => {
  let mark = '';
  const { id } = lab.create(
    lab.bundle(
      (spec, folder) => {
        mark = fifo(folder);
        spec.mounts.push({ destination: '/mnt', type: 'bind', source: folder, options: ['bind'] });
        spec.hooks.startContainer = [hanging('/mnt/fifo')];
      },
      { rootfs: 'private' },
    ),
  );
  const start = lab.spawn(['start', id], 'ignore');
  const ended = once(start, 'exit');
  await says(mark);
  lab.ok(['kill', id, 'KILL']);
  assert.equal(await ended, [1, null]);
  lab.ok(['delete', '--force', id]);
});

root(test)('delete --force ends a create whose hook hangs', async () => {
  let mark = '';
  const id = lab.name();
  const bundle = lab.bundle((spec, folder) => {
    mark = fifo(folder);
    spec.hooks.createRuntime = [{ ...hanging(mark), timeout: 5 }];
  });
  const create = lab.spawn(['create', '--bundle', bundle, id], 'ignore');
  const ended = once(create, 'exit');
  await says(mark);
  lab.ok(['delete', '--force', id]);
  assert.equal(await ended, [1, null]);
});

root(test)('a created container that is stopped by SIGSTOP stays created', () => {
  const { id, pid } = lab.create(lab.bundle());
  process.kill(pid, 'SIGSTOP');
  for (let looks = 0; looks < 20; looks++) assert.is(lab.state(id).status, 'created');
  process.kill(pid, 'SIGCONT');
  lab.ok(['delete', id]);
});

root(test)("a hook's path may have dots", () => {
  const { id } = lab.create(
    lab.bundle((spec) => {
      spec.hooks.poststop = [{ path: '/usr/bin/../bin/true' }];
    }),
  );
  lab.ok(['delete', '--force', id]);
});

root(test)("unknown properties of a hook, numbers of any size included, don't matter", () => {
  const bundle = lab.bundle(() => {});
  const file = join(bundle, 'config.json');
  const hook = '{"path": "/bin/true", "later": {"size": 18446744073709551615}}';
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('"hooks":{}', `"hooks":{"poststop": [${hook}]}`),
  );
  const { id } = lab.create(bundle);
  lab.ok(['delete', '--force', id]);
});

root(test)("a container that can't be read doesn't hide the others", () => {
  const [broken, sound] = [lab.create(lab.bundle()), lab.create(lab.bundle())];
  const file = join(lab.root, broken.id, 'state.json');
  lab.ok(['kill', broken.id, 'KILL']);
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, '{"format": 1}');
  assert.match(lab.ok(['list', '--quiet']), sound.id);
  writeFileSync(file, text);
  for (const { id } of [broken, sound]) lab.ok(['delete', '--force', id]);
});

lab.finish(test);
