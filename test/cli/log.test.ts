import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab } from '../support/lab.js';

const lab = new Lab();
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

test('--log-format json: one object a line, appended, and the error on stderr too', () => {
  const log = join(lab.folder, 'log.json');
  for (const id of ['one', 'two']) {
    const line = lab.fails(['--log', log, '--log-format', 'json', 'state', id]);
    assert.match(line, /^tsrunc state: container does not exist/);
  }
  const entries = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.is(entries.length, 2);
  for (const [index, entry] of entries.entries()) {
    assert.equal(Object.keys(entry), ['level', 'msg', 'time']);
    assert.is(entry.level, 'error');
    assert.is(entry.msg, `container does not exist: "${['one', 'two'][index]}"`);
    assert.match(entry.time, rfc3339);
  }
});

test('--log in text', () => {
  const log = join(lab.folder, 'log.txt');
  lab.fails(['--log', log, 'state', 'one']);
  const [, time = '', rest] = /^time="([^"]+)" (.*)\n$/.exec(readFileSync(log, 'utf8')) ?? [];
  assert.match(time, rfc3339);
  assert.is(rest, 'level=error msg="container does not exist: \\"one\\""');
});

test('--debug says where in the code it happened, in the log alone', () => {
  const log = join(lab.folder, 'debug.json');
  lab.fails(['--debug', '--log', log, '--log-format', 'json', 'state', 'one']);
  const levels = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).level);
  assert.equal(levels, ['error', 'debug']);
});

lab.finish(test);
