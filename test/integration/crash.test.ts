/** SIGKILL at any moment. TSRUNC_ROUNDS says how often. */
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');

/** Runs the command and kills it after some milliseconds, unless it has ended by then. */
async function killedAfter(
  args: readonly string[],
  milliseconds: number,
): Promise<{ killed: boolean; took: number }> {
  const since = performance.now();
  const child = lab.spawn(args, 'ignore');
  const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
  const [, signal] = await once(child, 'exit');
  clearTimeout(timer);
  return { killed: signal === 'SIGKILL', took: performance.now() - since };
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
      const wanted = Number(process.env['TSRUNC_ROUNDS'] ?? (command[0] === 'create' ? 60 : 20));
      // The shortest time that a whole call took: later than that there may be nothing left to kill.
      let whole = 20_000;
      for (let kills = 0, calls = 0; kills < wanted; calls++) {
        assert.ok(
          calls < 3 * wanted,
          `${kills} of ${calls} calls were killed before they were done`,
        );
        const id = lab.name();
        // The golden ratio spreads any number of moments evenly; the first call measures.
        const delay = calls === 0 ? whole : whole * ((calls * 0.618) % 1);
        const { killed, took } = await killedAfter(call(id), delay);
        if (killed) kills++;
        else whole = Math.min(whole, took);
        lab.ok(['delete', '--force', id]);
        assert.equal(
          lab.traces(),
          [],
          `killed after ${delay.toFixed(1)} of ${whole.toFixed(1)} ms`,
        );
      }
    },
  );
}

lab.finish(test);
