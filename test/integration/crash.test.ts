import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');

/** Runs the command and kills it after some milliseconds, unless it has ended by then. Resolves with the time it took. */
async function killedAfter(args: readonly string[], milliseconds: number): Promise<number> {
  const since = performance.now();
  const child = lab.spawn(args, 'ignore');
  const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
  await once(child, 'exit');
  clearTimeout(timer);
  return performance.now() - since;
}

const bundle = (): string =>
  lab.bundle((spec) => {
    spec.process.args = ['sleep', '1000'];
    spec.hooks.createRuntime = [{ path: '/bin/true' }];
    spec.hooks.createContainer = [{ path: '/bin/true' }];
  });

for (const command of [['create'], ['run', '--detach']]) {
  root(test)(
    `${command[0]} killed at any moment leaves nothing that delete --force does not remove`,
    async () => {
      const folder = bundle();
      const call = (id: string): string[] => [...command, '--bundle', folder, id];
      const warmUp = lab.name();
      const whole = await killedAfter(call(warmUp), 20_000);
      lab.ok(['delete', '--force', warmUp]);

      const steps = command[0] === 'create' ? 60 : 20;
      let unfinished = 0;
      for (let step = 0; step < steps; step++) {
        const id = lab.name();
        // Over its whole duration and a little more, since it varies.
        const delay = (whole * 1.1 * (step + 0.5)) / steps;
        await killedAfter(call(id), delay);
        if (!lab.tsrunc(['state', id]).stdout.includes('"created"')) unfinished++;
        lab.ok(['delete', '--force', id]);
        assert.equal(
          lab.traces(),
          [],
          `killed after ${delay.toFixed(1)} of ${whole.toFixed(1)} ms`,
        );
      }
      assert.ok(unfinished > steps / 4, 'most were killed before they were done');
    },
  );
}

lab.finish(test);
