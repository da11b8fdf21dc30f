import { Recent } from '../recent.js';
import { parseSpec } from './parse.js';
import type { Spec } from './types.js';

/** What was parsed last, by its text. */
const recent = new Recent<Spec>(16);
const LONGEST = 256 * 1024;

/**
 * The same as `parseSpec`, but what was parsed a while ago is not parsed again: many containers of one program have one
 * configuration, and all that is executed in a container has its. Nobody changes what this returns.
 */
export function recallSpec(text: string): Spec {
  const spec = recent.get(text) ?? parseSpec(text);
  if (text.length <= LONGEST) recent.keep(text, spec);
  return spec;
}
