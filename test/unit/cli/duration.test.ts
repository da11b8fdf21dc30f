import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseDuration } from '../../../ts/cli/duration.js';

test('durations as Go writes them', () => {
  const known = { '5s': 5000, '500ms': 500, '1m30s': 90_000, '1.5h': 5_400_000, '.5s': 500 };
  for (const [text, milliseconds] of Object.entries(known))
    assert.is(parseDuration('--interval', text), milliseconds, text);
  assert.is(parseDuration('--interval', '1500us'), 1.5);
});

test('anything else is refused by name', () => {
  for (const text of ['', '5', 's', '-5s', '0s', '5 s', '5sec', '1m 3s', 'x5s', '5sx'])
    assert.throws(() => parseDuration('--interval', text), /--interval: ".*" is no duration/, text);
});

test.run();
