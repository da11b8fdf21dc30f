import type { CompiledFilters } from '../native/encode.js';
import type { CompiledSeccomp, Native, SeccompPolicy } from '../native/native.js';
import type { Program } from '../plan/operations.js';
import { lenientActions } from '../plan/seccomp.js';
import { Recent } from '../recent.js';
import { FilterCache } from '../state/filter-cache.js';
import type { Context } from './context.js';

/**
 * What this process found or made last, by key: most containers of one program have one of few profiles, and an entry on
 * disk is read and hashed each time.
 */
const recent = new Recent<CompiledSeccomp>(16);
/** The same by the policy, as long as somebody has that: its key is the hash of a long text. */
const compiledOf = new WeakMap<SeccompPolicy, CompiledSeccomp>();

/** The compiled form of each filter in a Program: kept from an earlier container, or made now and kept. */
export async function compileFilters(
  { native, store, warn }: Context,
  { start }: Program,
): Promise<CompiledFilters> {
  const filters = new Map<SeccompPolicy, Uint8Array>();
  for (const operation of start) {
    if (operation.op !== 'loadSeccomp') continue;
    const policy = operation.filter;
    const compiled =
      compiledOf.get(policy) ??
      (await compileOrFind(native, new FilterCache(store.root, native), policy));
    compiledOf.set(policy, compiled);
    const missed = missedNames(policy, compiled.unknown);
    if (missed.length > 0)
      warn(
        `linux.seccomp: nobody here knows these system calls, so no rule for them: ${missed.join(', ')}`,
      );
    filters.set(policy, compiled.filter);
  }
  return filters;
}

async function compileOrFind(
  native: Native,
  cache: FilterCache,
  policy: SeccompPolicy,
): Promise<CompiledSeccomp> {
  const compiler = native.seccompCompiler();
  if (compiler === undefined) return native.compileSeccomp(policy);
  const key = keyOf(native, compiler, policy);
  let compiled = recent.get(key) ?? cache.find(key);
  if (compiled === undefined) {
    compiled = await native.compileSeccomp(policy);
    cache.keep(key, compiled);
  }
  recent.keep(key, compiled);
  return compiled;
}

/** All that the result depends on. The kernel's release stands for what libseccomp finds out about it. */
function keyOf(native: Native, compiler: string, { rules, ...others }: SeccompPolicy): string {
  // By hand what JSON can't say, since JSON.stringify is slow with a function that sees each of the many names.
  const plain = rules.map(({ args, ...rule }) => ({
    ...rule,
    args: args.map(({ value, valueTwo, ...arg }) => ({ ...arg, values: `${value} ${valueTwo}` })),
  }));
  const source = JSON.stringify([compiler, native.kernelRelease(), others, plain]);
  return Buffer.from(native.sha256(Buffer.from(source))).toString('hex');
}

/**
 * config-linux.md has names that the runtime doesn't know left out. Profiles name calls of all machines
 * and of kernels to come, and to leave out what would only have allowed them makes nothing weaker.
 */
function missedNames({ rules }: SeccompPolicy, unknown: readonly string[]): string[] {
  if (unknown.length === 0) return [];
  const restricted = new Set(
    rules.filter(({ action }) => !lenientActions.has(action)).flatMap(({ names }) => names),
  );
  return unknown.filter((name) => restricted.has(name));
}
