import { TsruncError } from '../errors.js';

/** One flag of a command: what it takes, and what the help says of it. The key in its table is its long name. */
export interface Flag {
  readonly type: 'bool' | 'string' | 'int' | 'string[]';
  /** One letter. */
  readonly alias?: string;
  /** How the help calls the value: `PATH`. */
  readonly value?: string;
  /** A path as the caller sees it. */
  readonly path?: true;
  readonly choices?: readonly string[];
  readonly default?: string | number;
  /** Bounds of an `int`, both inclusive. */
  readonly min?: number;
  readonly max?: number;
  readonly help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** What parsing gives for one flag. Only a bool, a list and a flag with a default always have a value. */
export type FlagValue<F extends Flag> = F['type'] extends 'bool'
  ? boolean
  : F['type'] extends 'string[]'
    ? readonly string[]
    :
        | (F['type'] extends 'int'
            ? number
            : F extends { choices: readonly (infer C)[] }
              ? C
              : string)
        | (F extends { default: string | number } ? never : undefined);

export type FlagValues<T extends Flags> = { readonly [Name in keyof T]: FlagValue<T[Name]> };

export interface ParsedArguments<T extends Flags> {
  readonly flags: FlagValues<T>;
  /** What isn't a flag or a flag's value. */
  readonly operands: readonly string[];
  /** `--help` or `-h` was given; what follows it wasn't looked at. */
  readonly help: boolean;
}

export interface ParseOptions {
  /** The command as the user calls it (`tsrunc create`), for error messages. */
  readonly name: string;
  /** Flags end at the first operand: what follows belongs to somebody else. */
  readonly stopAtOperand?: boolean;
}

type Value = boolean | string | number | string[];

const booleans: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
};

/**
 * Reads flags in the habit of Go's `flag` package, since the callers of a runtime are written
 * for it: one dash or two, `--flag=value` or `--flag value`, a bool takes a value only after `=`,
 * the last of several wins, `--` ends the flags.
 *
 * @throws TsruncError INVALID_ARGUMENT for an unknown flag or a value that doesn't fit.
 */
export function parseArguments<T extends Flags>(
  table: T,
  args: readonly string[],
  options: ParseOptions,
): ParsedArguments<T> {
  const values: Record<string, Value | undefined> = {};
  for (const [name, flag] of Object.entries(table)) values[name] = initial(flag);
  const done = (operands: readonly string[], help: boolean): ParsedArguments<T> => ({
    flags: values as FlagValues<T>,
    operands,
    help,
  });

  const operands: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (arg === '--') return done([...operands, ...args.slice(index + 1)], false);
    if (!arg.startsWith('-') || arg === '-') {
      if (options.stopAtOperand) return done(args.slice(index), false);
      operands.push(arg);
      continue;
    }
    const [given, inline] = split(arg);
    const name = find(table, given);
    const flag = name === undefined ? undefined : table[name];
    if (name === undefined || flag === undefined) {
      if (given === 'help' || given === 'h') return done(operands, true);
      throw new TsruncError(
        `there is no flag ${arg.split('=', 1)[0]}${hint(table, given)}: \`${options.name} --help\` lists them`,
        {
          code: 'INVALID_ARGUMENT',
        },
      );
    }
    const text = inline ?? (flag.type === 'bool' ? 'true' : args[++index]);
    const value = convert(name, flag, text);
    const list = values[name];
    if (Array.isArray(list)) list.push(value as string);
    else values[name] = value;
  }
  return done(operands, false);
}

function initial(flag: Flag): Value | undefined {
  if (flag.type === 'bool') return false;
  return flag.type === 'string[]' ? [] : flag.default;
}

/** `--name=value` → `['name', 'value']`. */
function split(arg: string): [name: string, value: string | undefined] {
  const start = arg.startsWith('--') ? 2 : 1;
  const equals = arg.indexOf('=', start);
  return equals < 0
    ? [arg.slice(start), undefined]
    : [arg.slice(start, equals), arg.slice(equals + 1)];
}

/** A flag's long name; never one that only Object's prototype has. */
function find(table: Flags, given: string): string | undefined {
  if (Object.hasOwn(table, given)) return given;
  return Object.keys(table).find((name) => table[name]?.alias === given);
}

function convert(name: string, flag: Flag, text: string | undefined): Exclude<Value, string[]> {
  const refuse = (why: string): never => {
    throw new TsruncError(`flag --${name} ${why}`, { code: 'INVALID_ARGUMENT' });
  };
  if (text === undefined) return refuse(`needs a value: --${name} ${flag.value ?? 'VALUE'}`);
  if (flag.type === 'bool') {
    return Object.hasOwn(booleans, text)
      ? booleans[text] === true
      : refuse(`takes true or false, not "${text}"`);
  }
  // An empty value is an unset variable of the caller's script: going on with the default hides that.
  if (text === '' && flag.type !== 'string[]')
    return refuse('needs a value, and the one given is empty');
  if (flag.type === 'int')
    return integer(text, flag) ?? refuse(`takes a whole number${range(flag)}, not "${text}"`);
  if (flag.choices && !flag.choices.includes(text))
    refuse(`takes ${either(flag.choices)}, not "${text}"`);
  return text;
}

/** Decimal only: no sign but `-`, no leading zero (Go reads that as octal), nothing above 2^53. */
function integer(
  text: string,
  { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: Flag,
): number | undefined {
  const value = /^(0|-?[1-9][0-9]*)$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}

function range({ min, max }: Flag): string {
  if (min === undefined && max === undefined) return '';
  return max === undefined ? ` from ${min} up` : ` from ${min ?? 'any'} to ${max}`;
}

export function either(choices: readonly string[]): string {
  return choices.length < 2
    ? choices.join()
    : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}

/** The flag that was probably meant: it begins the same way, or one letter is off. */
function hint(table: Flags, given: string): string {
  const near = closest(Object.keys(table), given);
  return near === undefined ? '' : ` (did you mean --${near}?)`;
}

/** The name that begins as `given` does, or comes closest to it by letters in common at both ends. */
export function closest(names: readonly string[], given: string): string | undefined {
  const shared = (name: string): number => {
    const length = Math.min(name.length, given.length);
    let front = 0;
    while (front < length && name[front] === given[front]) front++;
    let back = 0;
    while (back < length - front && name.at(-1 - back) === given.at(-1 - back)) back++;
    return (front + back) / Math.max(name.length, given.length);
  };
  const ranked = names
    .map((name) => ({ name, score: shared(name) }))
    .sort((a, b) => b.score - a.score);
  return ranked[0] !== undefined && ranked[0].score >= 0.5 ? ranked[0].name : undefined;
}
