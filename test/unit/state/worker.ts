/**
 * A second process for the tests: `count ROOT N` adds 1 N times to the number in ROOT/a/number under
 * the lock; `hold ROOT` takes the lock, says so and keeps it; `write ROOT` rewrites the state for ever.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Store } from '../../../ts/state/store.js';
import { flockNative, sampleState } from './fixture.js';

const [deed, root = '', times] = process.argv.slice(2);
const folder = new Store(root, flockNative).open('a');

if (deed === 'count') {
  for (let left = Number(times); left > 0; left--) {
    const lock = await folder.lock();
    const number = Number(readFileSync(folder.path('number'), 'utf8'));
    writeFileSync(folder.path('number'), String(number + 1));
    lock.release();
  }
} else if (deed === 'hold') {
  await folder.lock();
  process.stdout.write('locked\n');
  setInterval(() => {}, 60_000);
} else {
  process.stdout.write('writing\n');
  for (let size = 0; ; size = (size + 7919) % 200_000) {
    folder.write(sampleState({ annotations: { size: String(size), filler: 'x'.repeat(size) } }));
  }
}
