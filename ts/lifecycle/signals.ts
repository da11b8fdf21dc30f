import { constants } from 'node:os';
import { TsruncError } from '../errors.js';

/** Those that a program may use, as glibc counts them: it keeps 32 and 33 for itself. */
const realtime = { first: 34, last: 64 };

/** Old names, which callers still send and Node doesn't know. */
const aliases: Readonly<Record<string, number>> = { SIGCLD: constants.signals.SIGCHLD };

/** The number of a signal given as either; see `parseSignal`. */
export function signalNumber(signal: string | number): number {
  return parseSignal(String(signal));
}

/**
 * The number of a signal that is given as a number or as a name in any case, with or without `SIG`:
 * `9`, `KILL`, `sigkill`, `RTMIN+3`. 0 only asks whether the process is there.
 *
 * @throws TsruncError INVALID_ARGUMENT for one that Linux doesn't have.
 */
function parseSignal(text: string): number {
  const signal = /^[0-9]+$/.test(text) ? fromNumber(text) : fromName(text.toUpperCase());
  if (signal === undefined) {
    throw new TsruncError(
      `there is no signal "${text}": give a number up to ${realtime.last} or a name such as SIGTERM or RTMIN+3`,
      {
        code: 'INVALID_ARGUMENT',
      },
    );
  }
  return signal;
}

function fromNumber(text: string): number | undefined {
  const number = Number(text);
  return number <= realtime.last ? number : undefined;
}

function fromName(text: string): number | undefined {
  const name = text.startsWith('SIG') ? text : `SIG${text}`;
  if (Object.hasOwn(aliases, name)) return aliases[name];
  if (Object.hasOwn(constants.signals, name)) return constants.signals[name as NodeJS.Signals];
  const [, end, offset = '0'] =
    /^SIGRT(MIN(?=\+|$)|MAX(?=-|$))(?:[+-]([0-9]{1,2}))?$/.exec(name) ?? [];
  if (end === undefined) return undefined;
  const number = end === 'MIN' ? realtime.first + Number(offset) : realtime.last - Number(offset);
  return number >= realtime.first && number <= realtime.last ? number : undefined;
}
