import type { Report } from '../schema.js';
import type { LinuxMemoryPolicy, Spec } from '../types.js';

/** Whether a mode is about nodes; MPOL_PREFERRED may be without, and then prefers the local one. */
const takesNodes: Readonly<Record<string, 'must' | 'may' | 'never'>> = {
  MPOL_DEFAULT: 'never',
  MPOL_LOCAL: 'never',
  MPOL_PREFERRED: 'may',
  MPOL_BIND: 'must',
  MPOL_INTERLEAVE: 'must',
  MPOL_WEIGHTED_INTERLEAVE: 'must',
  MPOL_PREFERRED_MANY: 'must',
};

/** config-linux.md, "Memory policy", and what the kernel refuses in any case (set_mempolicy(2)). */
export function checkMemoryPolicy({ linux }: Spec, report: Report): void {
  if (!linux?.memoryPolicy) return;
  const { mode, nodes = '', flags = [] }: LinuxMemoryPolicy = linux.memoryPolicy;
  const path = 'linux.memoryPolicy';
  const hasNodes = nodes.trim() !== '';
  if (hasNodes && takesNodes[mode] === 'never')
    report(`${path}.nodes`, `must be empty for ${mode}`);
  if (!hasNodes && takesNodes[mode] === 'must')
    report(`${path}.nodes`, `must name a memory node for ${mode}`);
  const relative = flags.includes('MPOL_F_RELATIVE_NODES');
  const fixed = flags.includes('MPOL_F_STATIC_NODES');
  if (relative && fixed)
    report(`${path}.flags`, 'must not have both MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES');
  if ((relative || fixed) && !hasNodes)
    report(`${path}.flags`, 'are about nodes, but none is named');
  if (
    flags.includes('MPOL_F_NUMA_BALANCING') &&
    mode !== 'MPOL_BIND' &&
    mode !== 'MPOL_PREFERRED_MANY'
  )
    report(
      `${path}.flags`,
      `MPOL_F_NUMA_BALANCING is only for MPOL_BIND and MPOL_PREFERRED_MANY, not for ${mode}`,
    );
}
