import type { Rule } from '../rule.js';
import * as blockIo from './block-io.js';
import * as cgroups from './cgroups.js';
import * as config from './config.js';
import * as devices from './devices.js';
import * as features from './features.js';
import * as hooks from './hooks.js';
import * as kernel from './kernel.js';
import * as lifecycle from './lifecycle.js';
import * as mountOptions from './mount-options.js';
import * as mounts from './mounts.js';
import * as namespaces from './namespaces.js';
import * as networkDevices from './network-devices.js';
import * as process_ from './process.js';
import * as rdt from './rdt.js';
import * as resources from './resources.js';
import * as scheduling from './scheduling.js';
import * as seccomp from './seccomp.js';
import * as seccompAgent from './seccomp-agent.js';
import * as state from './state.js';
import * as user from './user.js';

/** In the order of the specification's documents: runtime, bundle, config, config-linux, features. */
const files = [
  ...[lifecycle, state, config, mounts, mountOptions, process_, user, scheduling, hooks],
  ...[
    namespaces,
    devices,
    networkDevices,
    cgroups,
    resources,
    blockIo,
    rdt,
    kernel,
    seccomp,
    seccompAgent,
    features,
  ],
];

export const allRules: readonly Rule[] = files.flatMap(({ sections }) =>
  sections.flatMap(({ rules }) => rules),
);
