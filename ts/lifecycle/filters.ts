import type { CompiledFilters } from '../native/encode.js';
import type { Native, SeccompPolicy } from '../native/native.js';
import type { Program } from '../plan/operations.js';

/** Compiles the seccomp policies of a Program. */
export async function compileFilters(native: Native, program: Program): Promise<CompiledFilters> {
  const filters = new Map<SeccompPolicy, Uint8Array>();
  for (const operation of program.start) {
    if (operation.op !== 'loadSeccomp') continue;
    filters.set(operation.filter, await native.compileSeccomp(operation.filter));
  }
  return filters;
}
