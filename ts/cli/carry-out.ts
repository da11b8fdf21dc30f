/**
 * One call of the command, from its arguments to its exit code.
 *
 * Starting Node is most of what a call costs, so nothing is loaded or evaluated up here that
 * not every command needs: commands, help and colours come by `import()`, which the bundler
 * turns into functions that are run on first use.
 */
import { TsruncError } from '../errors.js';
import { Declined } from '../native/caller.js';
import { closest, type FlagValues, parseArguments } from './arguments.js';
import { fromCaller } from './caller-paths.js';
import type { CommandCaller } from './command-caller.js';
import {
  type Action,
  absentCommands,
  type Call,
  type CommandName,
  commands,
  globalFlags,
} from './commands.js';
import { failureCode } from './exit.js';
import { Log } from './log.js';

/** What a host carries out for a launcher. */
const hosted: readonly string[] = ['state', 'create', 'start', 'kill', 'delete', 'run', 'exec'];

const actions: {
  readonly [Name in CommandName]: () => Promise<{ readonly action: Action<Name> }>;
} = {
  create: () => import('./create.js'),
  start: () => import('./start.js'),
  run: () => import('./run.js'),
  exec: () => import('./exec.js'),
  state: () => import('./state.js'),
  pause: () => import('./pause.js'),
  resume: () => import('./resume.js'),
  ps: () => import('./ps.js'),
  update: () => import('./update.js'),
  events: () => import('./events.js'),
  kill: () => import('./kill.js'),
  delete: () => import('./delete.js'),
  list: () => import('./list.js'),
  spec: () => import('./spec.js'),
  plan: () => import('./plan.js'),
  features: () => import('./features.js'),
  host: () => import('./host.js'),
};

/** Carries out one command line and resolves with the exit code. Rejects with Declined alone. */
export async function carryOut(args: readonly string[], caller: CommandCaller): Promise<number> {
  const log = new Log(caller.write);
  let command: string | undefined;
  try {
    const { flags, operands, help } = parseArguments(globalFlags, args, {
      name: 'tsrunc',
      stopAtOperand: true,
    });
    command = operands[0];
    if (command !== undefined) log.name = `tsrunc ${command}`;
    if (help || flags.version || command === undefined || !hosted.includes(command))
      caller.alone('this command');
    const globals = fromCaller(caller, globalFlags, flags);
    openLog(log, globals);
    if (globals.version) return await version();
    if (help || command === undefined) return await showHelp(undefined);
    if (command === 'help' || command === 'h') return await showHelp(operands[1]);
    return await dispatch(known(command), { globals, log, caller }, operands.slice(1));
  } catch (error) {
    if (error instanceof Declined) throw error;
    log.error(error instanceof Error ? error.message : String(error));
    if (error instanceof Error && error.stack !== undefined) log.debug(error.stack);
    return failureCode(command);
  } finally {
    log.close();
  }
}

function openLog(log: Log, globals: FlagValues<typeof globalFlags>): void {
  const named = globals['log-level'] === 'warn' ? 'warning' : globals['log-level'];
  log.open({
    file: globals.log,
    format: globals['log-format'],
    level: globals.debug ? 'debug' : named,
  });
}

async function dispatch<Name extends CommandName>(
  name: Name,
  common: Pick<Call<Name>, 'globals' | 'log' | 'caller'>,
  args: readonly string[],
): Promise<number> {
  const table = commands[name].flags;
  const {
    flags: given,
    operands,
    help,
  } = parseArguments(table, args, {
    name: `tsrunc ${name}`,
    // What follows the container's ID is another program's command line.
    stopAtOperand: name === 'exec' || name === 'ps',
  });
  if (help) common.caller.alone('help');
  if (help) return showHelp(name);
  checkOperands(name, operands);
  const flags = fromCaller(common.caller, table, given);
  const { action } = await actions[name]();
  const again = carryOut;
  return (await action({ ...common, flags, operands, again } as unknown as Call<Name>)) ?? 0;
}

/** @throws TsruncError for a command that isn't one, or not one of tsrunc. */
function known(name: string): CommandName {
  if (Object.hasOwn(commands, name)) return name as CommandName;
  const absent = Object.hasOwn(absentCommands, name) ? absentCommands[name] : undefined;
  if (absent !== undefined) throw new TsruncError(absent, { code: 'UNSUPPORTED' });
  const near = closest(Object.keys(commands), name);
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`;
  throw new TsruncError(`there is no command ${name}${hint}: \`tsrunc --help\` lists them`, {
    code: 'INVALID_ARGUMENT',
  });
}

function checkOperands(name: CommandName, given: readonly string[]): void {
  const wanted: readonly string[] = commands[name].operands;
  const missing = wanted.find(
    (operand, index) => !operand.startsWith('[') && given[index] === undefined,
  );
  const surplus = wanted.at(-1)?.endsWith('...]') ? undefined : given[wanted.length];
  if (missing === undefined && surplus === undefined) return;
  const why =
    missing === undefined ? `"${surplus}" is one argument too many` : `${missing} is missing`;
  throw new TsruncError(
    `${why}: the form is \`${['tsrunc', name, '[flags]', ...wanted].join(' ')}\``,
    { code: 'INVALID_ARGUMENT' },
  );
}

async function version(): Promise<number> {
  const { printVersion } = await import('./version.js');
  printVersion();
  return 0;
}

async function showHelp(name: string | undefined): Promise<number> {
  const [{ formatHelp }, { paletteFor }, { print }] = await Promise.all([
    import('./help.js'),
    import('./colors.js'),
    import('./output.js'),
  ]);
  print(formatHelp(name === undefined ? undefined : known(name), await paletteFor(1)));
  return 0;
}
