import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { absentCommands } from '../../../ts/cli/commands.js';
import { tsrunc } from './command.js';

test('--version is what the parsers of go-runc and Docker expect', () => {
  for (const flag of ['--version', '-v']) {
    const { status, stdout, stderr } = tsrunc([flag]);
    assert.is(status, 0);
    assert.is(stderr, '');
    const lines = stdout.trimEnd().split('\n');
    assert.is(lines.length, 3);
    assert.match(lines[0] ?? '', /^runc version 1\.3\.0\+tsrunc\.\d+\.\d+\.\d+$/);
    assert.match(lines[1] ?? '', /^commit: \S+$/);
    assert.is(lines[2], 'spec: 1.3.0');
    // Docker takes the last line with this word in it for the version.
    assert.is(stdout.split('version').length, 2);
  }
});

test('help goes to stdout, without colours when that is no terminal', () => {
  const general = tsrunc(['--help']);
  assert.is(general.status, 0);
  assert.is(general.stderr, '');
  assert.match(general.stdout, /^ {2}create {4}make a container/m);
  assert.not.ok(general.stdout.includes('\u001b'));
  for (const args of [[], ['help'], ['-h']]) assert.equal(tsrunc(args), general);
  const create = tsrunc(['create', '--help']);
  assert.is(create.status, 0);
  assert.match(create.stdout, /^tsrunc create: .*--console-socket PATH/s);
  assert.equal(tsrunc(['help', 'create']), create);
  assert.equal(tsrunc(['--debug', 'create', 'x', '-h']), create);
});

const refused: readonly [args: string[], stderr: string][] = [
  [
    ['lsit'],
    'tsrunc lsit: there is no command lsit (did you mean list?): `tsrunc --help` lists them\n',
  ],
  [['toString'], 'tsrunc toString: there is no command toString: `tsrunc --help` lists them\n'],
  [['--nope', 'list'], 'tsrunc: there is no flag --nope: `tsrunc --help` lists them\n'],
  [['create'], 'tsrunc create: ID is missing: the form is `tsrunc create [flags] ID`\n'],
  [
    ['state', 'a', 'b'],
    'tsrunc state: "b" is one argument too many: the form is `tsrunc state [flags] ID`\n',
  ],
  [
    ['kill', 'a', 'TERM', 'c'],
    'tsrunc kill: "c" is one argument too many: the form is `tsrunc kill [flags] ID [SIGNAL]`\n',
  ],
  [['help', 'restore'], `tsrunc help: ${absentCommands['restore']}\n`],
];
for (const [args, expected] of refused) {
  test(`refuses in one sentence: ${args.join(' ')}`, () => {
    const { status, stdout, stderr } = tsrunc(args);
    assert.is(stderr, expected);
    assert.is(stdout, '');
    assert.is(status, 1);
  });
}

for (const [name, sentence] of Object.entries(absentCommands)) {
  // Podman takes an exit code of 0 of `checkpoint --help` for support.
  test(`${name} is refused by name, with --help too`, () => {
    for (const args of [['--help'], ['--image-path', '/nowhere', 'x'], []]) {
      const { status, stdout, stderr } = tsrunc([name, ...args]);
      assert.is(stderr, `tsrunc ${name}: ${sentence}\n`);
      assert.is(stdout, '');
      assert.is(status, 1);
    }
  });
}

// CRI-O and Podman look for these words to tell whether a runtime restores into a pod.
test('restore --lsm-mount-context: no word of a flag that wants an argument', () => {
  const { status, stdout, stderr } = tsrunc(['restore', '--lsm-mount-context']);
  assert.is(status, 1);
  assert.not.match(stdout + stderr, /flag needs an argument|requires an argument/);
});

test.run();
