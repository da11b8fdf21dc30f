import { Context, type Place } from './context.js';
import { type Rule, Skip } from './rule.js';
import type { Runtime } from './runtime.js';

export interface Result {
  readonly rule: Rule;
  readonly runtime: string;
  readonly status: 'pass' | 'FAIL' | 'skip';
  /** Why it failed or was skipped. */
  readonly why: string;
  readonly seconds: number;
}

export interface RunOptions {
  /** How many tests run at a time. */
  readonly jobs: number;
  /** Seconds for one test. */
  readonly patience: number;
  /** Called after each; true ends the run. */
  readonly onResult?: (result: Result) => boolean | undefined;
}

/** Runs each rule against each runtime. The results are in the order of the rules. */
export async function runRules(
  rules: readonly Rule[],
  runtimes: readonly Runtime[],
  place: Place,
  { jobs, patience, onResult }: RunOptions,
): Promise<Result[]> {
  const work = rules.flatMap((rule) => runtimes.map((runtime) => ({ rule, runtime })));
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < work.length; index = next++) {
      const { rule, runtime } = work[index] ?? {};
      if (!rule || !runtime) return;
      const result = await runOne(rule, runtime, place, patience);
      results[index] = result;
      if (onResult?.(result)) next = work.length;
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results.filter((result) => result !== undefined);
}

async function runOne(
  rule: Rule,
  runtime: Runtime,
  place: Place,
  patience: number,
): Promise<Result> {
  const t = new Context(runtime, place);
  const since = Date.now();
  const end = (status: Result['status'], why = ''): Result => ({
    rule,
    runtime: runtime.name,
    status,
    why,
    seconds: (Date.now() - since) / 1000,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`took longer than ${patience} s`)),
        patience * 1000,
      );
    });
    await Promise.race([rule.test(t), late]);
    return end('pass');
  } catch (error) {
    const why = (error as Error).message.replaceAll(place.folder, '…');
    return error instanceof Skip ? end('skip', why) : end('FAIL', why);
  } finally {
    clearTimeout(timer);
    await t.close().catch((error: Error) => console.error(`${rule.id}: ${error.message}`));
  }
}
