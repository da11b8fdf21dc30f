import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatProgram, programToJson } from '../../../ts/plan/format.js';
import { plan } from '../../../ts/plan/plan.js';
import { defaultSpec } from '../../../ts/spec/default.js';
import { namesOf, requestFor } from './fixture.js';

const program = plan(requestFor(defaultSpec()));

test('the printed form has one line for each operation, in order', () => {
  const lines = formatProgram(program).split('\n');
  assert.equal(
    lines.filter((line) => line.startsWith('  ')).map((line) => line.trim().split(' ')[0]),
    namesOf(program),
  );
});

test('the JSON form has the same operations, 64-bit numbers as digits', () => {
  const parsed = JSON.parse(programToJson(program));
  assert.equal(namesOf(parsed), namesOf(program));
  const limit = parsed.start.find(({ op }: { op: string }) => op === 'setRlimit');
  assert.equal(limit, { op: 'setRlimit', resource: 7, soft: '1024', hard: '1024' });
});

test("text that could move the reader's terminal is quoted", () => {
  const exec = { ...program.start.at(-1), name: 'a\u001b[2J\nb' } as (typeof program.start)[number];
  const text = formatProgram({ stage: [], create: [], start: [exec] });
  assert.not.match(text, '\u001b');
  assert.is(text.split('\n').filter((line) => line.includes('exec')).length, 1);
});

test.run();
