import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatLine, oneLine } from '../../../ts/cli/log.js';
import { program, tsrunc } from './command.js';

interface Context {
  folder: string;
}
const test = suite<Context>('log');

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'tsrunc-log-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

const time = new Date('2026-01-02T03:04:05.678Z');
const nasty = 'a "quoted" \\ line\nand another\u0007';

test('a JSON line is one object, with the time in RFC 3339', () => {
  const line = formatLine('json', 'error', nasty, time);
  assert.not.match(line, /\n/);
  assert.equal(JSON.parse(line), { level: 'error', msg: nasty, time: '2026-01-02T03:04:05.678Z' });
});

test('a text line has the same three, quoted', () => {
  assert.is(
    formatLine('text', 'warning', 'it "broke"\nbadly', time),
    'time="2026-01-02T03:04:05.678Z" level=warning msg="it \\"broke\\"\\nbadly"',
  );
});

test('what goes to stderr is one line', () =>
  assert.is(oneLine('one\n  two \r\n\nthree\n'), 'one two three'));

test('errors are appended to the file and go to stderr too', ({ folder }) => {
  const file = join(folder, 'log.json');
  writeFileSync(file, 'there before\n');
  for (const flag of ['--nope', '--nay']) {
    const { status, stderr, stdout } = tsrunc([
      '--log',
      file,
      '--log-format',
      'json',
      'create',
      flag,
    ]);
    assert.is(status, 1);
    assert.is(stdout, '');
    assert.is(
      stderr,
      `tsrunc create: there is no flag ${flag}: \`tsrunc create --help\` lists them\n`,
    );
  }
  const [first, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.is(first, 'there before');
  assert.equal(
    lines.map((line) => (JSON.parse(line) as { msg: string }).msg.split(':')[0]),
    ['there is no flag --nope', 'there is no flag --nay'],
  );
  const parsed = JSON.parse(lines[0] ?? '') as { level: string; time: string };
  assert.is(parsed.level, 'error');
  assert.match(parsed.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
});

test('the log file is made at once, and text is its format', ({ folder }) => {
  const file = join(folder, 'log');
  assert.is(tsrunc(['-log', file, '--version']).status, 0);
  assert.is(statSync(file).size, 0);
  tsrunc(['-log', file, 'restore', 'x']);
  assert.match(
    readFileSync(file, 'utf8'),
    /^time="[^"]+" level=error msg="restore is not supported: [^"\n]+"\n$/,
  );
});

test("a log file that can't be written is an error", ({ folder }) => {
  const file = join(folder, 'none', 'log');
  const { status, stderr } = tsrunc(['--log', file, 'state', 'x']);
  assert.is(status, 1);
  assert.is(
    stderr,
    `tsrunc state: the log file ${file} can't be written (ENOENT): correct --log, or make its folder\n`,
  );
});

test('a stderr that nobody reads is no crash', () => {
  const script = 'exec 2>&-; exec "$@"';
  const { status } = spawnSync('sh', [
    '-c',
    script,
    'sh',
    process.execPath,
    program,
    'create',
    '--nope',
  ]);
  assert.is(status, 1);
});

test.run();
