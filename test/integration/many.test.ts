/** Many containers at once: none is lost, and nothing of any is left. */
import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Runtime } from '../../ts/index.js';
import { Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('many');
const root = skipUnless(process.geteuid?.() === 0, 'root');
const lab = new Lab();
const runtime = new Runtime({ root: lab.root });
const MANY = 100;

const bundle = (): string =>
  lab.bundle((spec) => {
    spec.process.args = ['sleep', '1000'];
    spec.linux.resources = { pids: { limit: 10 } };
  });

/** A bundle each, so that each has a cgroup of its own, below one parent that they make and remove together. */
const bundles = (count: number): string[] => Array.from({ length: count }, bundle);

root(test)(`${MANY} at once are created, started and deleted by one process`, async () => {
  const cycle = async (folder: string): Promise<string> => {
    const id = lab.name();
    await runtime.create(id, { bundle: folder });
    await runtime.start(id);
    const { status } = await runtime.state(id);
    await runtime.delete(id, { force: true });
    return status;
  };
  const seen = await Promise.all(bundles(MANY).map(cycle));
  assert.equal(seen, Array(MANY).fill('running'));
  assert.equal(lab.traces(), []);
});

root(test)('as many calls of the command as there are processors go on side by side', async () => {
  const queue = bundles(MANY / 2);
  const call = async (...args: string[]): Promise<void> => {
    assert.equal(await once(lab.spawn(args, 'ignore'), 'exit'), [0, null], args.join(' '));
  };
  const work = async (): Promise<void> => {
    for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
      const id = lab.name();
      await call('create', '--bundle', folder, id);
      await call('delete', '--force', id);
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  assert.equal(lab.traces(), []);
});

lab.finish(test);
