import type { Flag, Flags } from './arguments.js';
import type { Palette } from './colors.js';
import { absentCommands, type CommandName, commands, globalFlags } from './commands.js';

const helpFlag: Flags = { help: { type: 'bool', alias: 'h', help: 'print this help' } };

/** The help of one command, or of tsrunc as a whole, made from the same tables that the parser reads. */
export function formatHelp(name: CommandName | undefined, palette: Palette): string {
  return name === undefined ? general(palette) : ofCommand(name, palette);
}

function general(palette: Palette): string {
  const rows = Object.entries(commands).map(([name, { summary }]): [string, string] => [
    `  ${name}`,
    summary,
  ]);
  return [
    'tsrunc runs containers from OCI bundles. It takes the calls that runc takes.',
    '',
    `${palette.heading('Usage:')} tsrunc [global flags] COMMAND [flags] [arguments]`,
    '',
    palette.heading('Commands:'),
    ...columns(rows, palette),
    '',
    `Of runc's commands these are not supported: ${Object.keys(absentCommands).join(', ')}.`,
    '',
    palette.heading('Global flags:'),
    ...columns(flagRows({ ...globalFlags, ...helpFlag }), palette),
    '',
    '`tsrunc COMMAND --help` tells more of one command.',
    '',
  ].join('\n');
}

function ofCommand(name: CommandName, palette: Palette): string {
  const { summary, operands, flags } = commands[name];
  return [
    `tsrunc ${name}: ${summary}`,
    '',
    `${palette.heading('Usage:')} ${['tsrunc', '[global flags]', name, '[flags]', ...operands].join(' ')}`,
    '',
    palette.heading('Flags:'),
    ...columns(flagRows({ ...flags, ...helpFlag }), palette),
    '',
  ].join('\n');
}

function flagRows(flags: Flags): [string, string][] {
  return Object.entries(flags).map(([name, flag]) => [
    `  ${flag.alias === undefined ? '    ' : `-${flag.alias}, `}--${name}${flag.value === undefined ? '' : ` ${flag.value}`}`,
    flag.help + defaultOf(flag),
  ]);
}

function defaultOf(flag: Flag): string {
  return flag.default === undefined ? '' : ` (default: ${flag.default})`;
}

function columns(rows: readonly [string, string][], palette: Palette): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${palette.name(left.padEnd(width))}  ${right}`);
}
