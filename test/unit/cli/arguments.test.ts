import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closest, type Flags, parseArguments } from '../../../ts/cli/arguments.js';

const table = {
  bundle: { type: 'string', alias: 'b', help: '' },
  format: { type: 'string', alias: 'f', choices: ['table', 'json'], default: 'table', help: '' },
  keep: { type: 'bool', help: '' },
  detach: { type: 'bool', alias: 'd', help: '' },
  'preserve-fds': { type: 'int', min: 0, max: 100, default: 0, help: '' },
  shift: { type: 'int', help: '' },
  env: { type: 'string[]', alias: 'e', help: '' },
} as const satisfies Flags;

const parse = (...args: string[]) => parseArguments(table, args, { name: 'tsrunc test' });
const message = (...args: string[]): string => {
  try {
    parse(...args);
  } catch (error) {
    assert.is((error as { code?: string }).code, 'INVALID_ARGUMENT');
    return (error as Error).message;
  }
  throw new Error(`${args.join(' ')} was accepted`);
};

const accepted: readonly [args: string[], expected: Record<string, unknown>][] = [
  [
    [],
    {
      bundle: undefined,
      format: 'table',
      keep: false,
      'preserve-fds': 0,
      shift: undefined,
      env: [],
    },
  ],
  [['--bundle', '/b'], { bundle: '/b' }],
  [['--bundle=/b'], { bundle: '/b' }],
  [['-bundle', '/b'], { bundle: '/b' }],
  [['-bundle=/b'], { bundle: '/b' }],
  [['-b', '/b'], { bundle: '/b' }],
  [['-b=/b'], { bundle: '/b' }],
  [['--b', '/b'], { bundle: '/b' }],
  [['--bundle=a=b'], { bundle: 'a=b' }],
  [['--bundle', '--keep'], { bundle: '--keep', keep: false }],
  [['--bundle', '-'], { bundle: '-' }],
  [['--bundle', 'a', '--bundle', 'b'], { bundle: 'b' }],
  [['--keep'], { keep: true }],
  [['-keep'], { keep: true }],
  [['-d'], { detach: true }],
  [['--keep=true'], { keep: true }],
  [['--keep=1'], { keep: true }],
  [['--keep=t'], { keep: true }],
  [['--keep=T'], { keep: true }],
  [['--keep=false'], { keep: false }],
  [['--keep=0'], { keep: false }],
  [['--keep=f'], { keep: false }],
  [['--keep', '--keep=false'], { keep: false }],
  [['--preserve-fds', '7'], { 'preserve-fds': 7 }],
  [['--preserve-fds=0'], { 'preserve-fds': 0 }],
  [['--shift', '-3'], { shift: -3 }],
  [['-e', 'A=1', '--env=B=2', '-e', ''], { env: ['A=1', 'B=2', ''] }],
  [['--format', 'json'], { format: 'json' }],
];

for (const [args, expected] of accepted) {
  test(`accepts: ${args.join(' ') || '(nothing)'}`, () => {
    const { flags, operands, help } = parse(...args);
    assert.equal(operands, []);
    assert.is(help, false);
    for (const [name, value] of Object.entries(expected)) {
      assert.equal(flags[name as keyof typeof flags], value, name);
    }
  });
}

const refused: readonly [args: string[], says: RegExp][] = [
  [['--nope'], /^there is no flag --nope: `tsrunc test --help` lists them$/],
  [['--bundel', 'x'], /no flag --bundel \(did you mean --bundle\?\)/],
  [['--nope=secret'], /^there is no flag --nope:/],
  [['-x'], /no flag -x:/],
  [['--'.concat('-keep')], /no flag ---keep/],
  [['--=x'], /no flag --/],
  [['--constructor'], /no flag --constructor/],
  [['--__proto__=1'], /no flag --__proto__/],
  [['--toString'], /no flag --toString/],
  [['-df'], /no flag -df/],
  [['--bundle'], /--bundle needs a value/],
  [['-b'], /--bundle needs a value/],
  [['--bundle='], /--bundle needs a value, and the one given is empty/],
  [['--keep=yes'], /--keep takes true or false, not "yes"/],
  [['--keep='], /--keep takes true or false, not ""/],
  [['--format', 'xml'], /--format takes table or json, not "xml"/],
  ...[
    'x',
    '1.5',
    '0x10',
    '010',
    '+1',
    '1e3',
    ' 1',
    '1 ',
    '-0',
    '-1',
    '101',
    '9007199254740993',
  ].map((number): [string[], RegExp] => [
    [`--preserve-fds=${number}`],
    /--preserve-fds takes a whole number from 0 to 100, not "/,
  ]),
  [['--shift', '9007199254740993'], /--shift takes a whole number, not "9007199254740993"/],
];

for (const [args, says] of refused) {
  test(`refuses: ${args.join(' ')}`, () => assert.match(message(...args), says));
}

test('flags may follow operands', () => {
  const { flags, operands } = parse('id', '--keep', 'TERM');
  assert.is(flags.keep, true);
  assert.equal(operands, ['id', 'TERM']);
});

test('-- ends the flags', () => {
  const { flags, operands } = parse('--keep', 'id', '--', '--detach', '--');
  assert.is(flags.keep, true);
  assert.is(flags.detach, false);
  assert.equal(operands, ['id', '--detach', '--']);
});

test('a bool takes no value after a space', () => {
  const { flags, operands } = parse('--keep', 'false');
  assert.is(flags.keep, true);
  assert.equal(operands, ['false']);
});

test('a lone dash is an operand', () => assert.equal(parse('-').operands, ['-']));

test('where a command line follows, flags end at the first operand', () => {
  const { flags, operands } = parseArguments(table, ['-d', 'id', '--keep', '--nope'], {
    name: 't',
    stopAtOperand: true,
  });
  assert.is(flags.detach, true);
  assert.is(flags.keep, false);
  assert.equal(operands, ['id', '--keep', '--nope']);
});

for (const flag of ['--help', '-help', '-h']) {
  test(`${flag} wins over what follows it`, () => assert.is(parse(flag, '--nope').help, true));
}

test('a flag that is spelled almost right is recognised', () => {
  const names = ['console-socket', 'pid-file', 'no-pivot', 'bundle'];
  assert.is(closest(names, 'consol-socket'), 'console-socket');
  assert.is(closest(names, 'pidfile'), 'pid-file');
  assert.is(closest(names, 'no-pivots'), 'no-pivot');
  assert.is(closest(names, 'memory'), undefined);
  assert.is(closest([], 'x'), undefined);
});

const operand = fc.string().filter((text) => text === '-' || !text.startsWith('-'));

test('property: values come through unchanged, in each of the four forms', () => {
  const form = fc.constantFrom<(value: string) => string[]>(
    (value) => ['--bundle', value],
    (value) => ['-bundle', value],
    (value) => [`--bundle=${value}`],
    (value) => [`-b=${value}`],
  );
  fc.assert(
    fc.property(form, fc.string({ minLength: 1 }), fc.array(operand), (spell, value, operands) => {
      const parsed = parse(...spell(value), ...operands);
      assert.is(parsed.flags.bundle, value);
      assert.equal(parsed.operands, operands);
    }),
  );
});

test('property: any arguments are parsed or refused with one sentence', () => {
  const token = fc.oneof(
    fc.string(),
    fc.constantFrom('--', '-b', '--keep', '--preserve-fds', '--env=', '=', '-='),
  );
  fc.assert(
    fc.property(fc.array(token), (args) => {
      try {
        const parsed = parse(...args);
        assert.ok(parsed.operands.every((text) => args.includes(text)));
      } catch (error) {
        assert.is((error as { code?: string }).code, 'INVALID_ARGUMENT');
      }
    }),
  );
});

test('property: what follows -- is never looked at', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (args) => assert.equal(parse('--', ...args).operands, args)),
  );
});

test.run();
