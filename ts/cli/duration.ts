import { TsruncError } from '../errors.js';

/** Milliseconds of each of the units of Go's time.ParseDuration. */
const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** `5s`, `1m30s`, `1.5h` as milliseconds. Throws INVALID_ARGUMENT, for what isn't longer than nothing too. */
export function parseDuration(flag: string, text: string): number {
  const part = /([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)/gy;
  let sum = 0;
  let end = 0;
  for (const [matched, count, unit = ''] of text.matchAll(part)) {
    sum += Number(count) * (units[unit] ?? Number.NaN);
    end += matched.length;
  }
  if (end === text.length && sum > 0) return sum;
  throw new TsruncError(
    `${flag}: "${text}" is no duration greater than 0: give one such as 500ms, 5s or 1m30s`,
    { code: 'INVALID_ARGUMENT' },
  );
}
