import type { Rule } from '../rule.js';
import * as config from './config.js';
import * as hooks from './hooks.js';
import * as lifecycle from './lifecycle.js';
import * as mountOptions from './mount-options.js';
import * as mounts from './mounts.js';
import * as process_ from './process.js';
import * as state from './state.js';
import * as user from './user.js';

/** In the order of the specification's documents. */
const files = [lifecycle, state, config, mounts, mountOptions, process_, user, hooks];

export const allRules: readonly Rule[] = files.flatMap(({ sections }) =>
  sections.flatMap(({ rules }) => rules),
);
