import type { Rule } from '../rule.js';
import * as lifecycle from './lifecycle.js';
import * as state from './state.js';

/** Every file's sections. */
export const allRules: readonly Rule[] = [lifecycle, state].flatMap(({ sections }) =>
  sections.flatMap(({ rules }) => rules),
);
