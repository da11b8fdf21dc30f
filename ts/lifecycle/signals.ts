import { TsruncError } from '../errors.js';

/** The names of signals 1 to 31, as x86_64 and aarch64 number them. Node's own table costs a module to load. */
const names: readonly string[] = (
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT ' +
  'CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'
).split(' ');

/** Those that a program may use, as glibc counts them: it keeps 32 and 33 for itself. */
const realtime = { first: 34, last: 64 };

/** Other names for the same. */
const aliases: Readonly<Record<string, string>> = {
  CLD: 'CHLD',
  IOT: 'ABRT',
  POLL: 'IO',
};

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
  const name = text.replace(/^SIG/, '');
  const number = names.indexOf(aliases[name] ?? name) + 1;
  if (number > 0) return number;
  const [, end, offset = '0'] =
    /^RT(MIN(?=\+|$)|MAX(?=-|$))(?:[+-]([0-9]{1,2}))?$/.exec(name) ?? [];
  if (end === undefined) return undefined;
  const realtimeNumber =
    end === 'MIN' ? realtime.first + Number(offset) : realtime.last - Number(offset);
  return realtimeNumber >= realtime.first && realtimeNumber <= realtime.last
    ? realtimeNumber
    : undefined;
}
