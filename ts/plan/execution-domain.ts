import type { memoryPolicyFlags, memoryPolicyModes, personalityDomains } from '../spec/names.js';
import { MOST_NODES, parseNumberList } from '../spec/number-list.js';
import type { Linux } from '../spec/types.js';
import type { Operation } from './operations.js';

/** MPOL_* of linux/mempolicy.h. */
const modes: Readonly<Record<(typeof memoryPolicyModes)[number], number>> = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
};

const modeFlags: Readonly<Record<(typeof memoryPolicyFlags)[number], number>> = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
};

/** PER_LINUX and PER_LINUX32 of linux/personality.h. */
const personalities: Readonly<Record<(typeof personalityDomains)[number], number>> = {
  LINUX: 0,
  LINUX32: 8,
};

/**
 * What all of the container's processes inherit from init. Properties of `linux`, so they are there when it is
 * created; after its own hooks, which are the runtime's.
 */
export function planExecutionDomain({ memoryPolicy, personality }: Linux = {}): Operation[] {
  const operations: Operation[] = [];
  if (memoryPolicy) {
    const { mode, nodes = '', flags = [] } = memoryPolicy;
    const bits = flags.map((flag) => modeFlags[flag as keyof typeof modeFlags]);
    operations.push({
      op: 'setMemoryPolicy',
      mode: bits.reduce((all, bit) => all | bit, modes[mode as keyof typeof modes]),
      nodes: parseNumberList(nodes, MOST_NODES) ?? [],
    });
  }
  if (personality) {
    const persona = personalities[personality.domain as keyof typeof personalities];
    operations.push({ op: 'setPersonality', persona });
  }
  return operations;
}
