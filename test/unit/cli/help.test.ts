import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { plain } from '../../../ts/cli/colors.js';
import { type CommandName, commands, globalFlags } from '../../../ts/cli/commands.js';
import { formatHelp } from '../../../ts/cli/help.js';

test('the help of a command', () => {
  assert.is(
    formatHelp('kill', plain),
    `tsrunc kill: send a signal (default: SIGTERM) to the first process of a container

Usage: tsrunc [global flags] kill [flags] ID [SIGNAL]

Flags:
  -a, --all   send it to every process of the container
  -h, --help  print this help
`,
  );
});

test('values, choices and defaults are shown', () => {
  assert.match(
    formatHelp('list', plain),
    /^ {2}-f, --format FORMAT {2}table or json \(default: table\)$/m,
  );
  assert.match(formatHelp('run', plain), /^ {6}--preserve-fds N +.* \(default: 0\)$/m);
});

test('every command and every flag is told of', () => {
  const general = formatHelp(undefined, plain);
  for (const name of Object.keys(globalFlags)) assert.ok(general.includes(`--${name}`), name);
  for (const [name, { flags, summary }] of Object.entries(commands)) {
    assert.ok(general.includes(`  ${name} `) && general.includes(summary), name);
    const own = formatHelp(name as CommandName, plain);
    for (const flag of Object.keys(flags))
      assert.ok(own.includes(`--${flag}`), `${name} --${flag}`);
  }
});

test('headings and names can be set off', () => {
  const text = formatHelp('start', { heading: (part) => `<${part}>`, name: (part) => `[${part}]` });
  assert.match(text, /<Usage:> tsrunc/);
  assert.match(text, /^\[ {2}-h, --help\] {2}print this help$/m);
});

test.run();
