import type { Callback, Test } from 'uvu';

/** Whether the addon and init are those of scripts/sanitized.mjs, which take more memory, handle signals, and so on. */
export const isSanitized = process.env['TSRUNC_SANITIZED'] !== undefined;

/**
 * For tests that need something of the machine. `skipUnless(isRoot, 'root')(test)(name, body)` adds
 * the test, or skips it with a line that `npm test` counts and repeats at its end.
 *
 * @param condition whether the machine has it
 * @param wants what the test needs, as a noun: `root`, `cgroup v2 with a memory controller`
 */
export function skipUnless(
  condition: boolean,
  wants: string,
): <T>(suite: Test<T>) => (name: string, body: Callback<T>) => void {
  return (suite) => (name, body) => {
    if (condition) {
      suite(name, body);
    } else {
      suite.skip(name);
      console.log(`# skipped: ${name}: wants ${wants}`);
    }
  };
}
