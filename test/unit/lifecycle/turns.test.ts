import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inTurn } from '../../../ts/lifecycle/turns.js';

test('who is alone begins at once', async () => {
  let begun = false;
  const end = inTurn(async () => {
    begun = true;
  });
  assert.ok(begun);
  await end;
});

test('of those at the same time each begins in a turn of the event loop of its own, in order', async () => {
  let turn = 0;
  let open = true;
  const count = (): void => {
    ++turn;
    if (open) setImmediate(count);
  };
  setImmediate(count);
  const begun: number[][] = [];
  await Promise.all(
    [0, 1, 2, 3, 4].map((index) =>
      inTurn(async () => {
        begun.push([index, turn]);
      }),
    ),
  );
  open = false;
  assert.equal(
    begun.map(([index]) => index),
    [0, 1, 2, 3, 4],
  );
  const turns = begun.map(([, of]) => of);
  assert.is(new Set(turns).size, 5, `they began in turns ${turns.join()}`);
});

test('one that fails lets the next one begin', async () => {
  const fail = (): Promise<never> => Promise.reject(new Error('no'));
  const results = await Promise.allSettled([
    inTurn(fail),
    inTurn(fail),
    inTurn(() => Promise.resolve('well')),
  ]);
  assert.equal(
    results.map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled'],
  );
});

test.run();
