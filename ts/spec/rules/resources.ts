import type { Report } from '../schema.js';
import type { LinuxCPU, LinuxMemory, LinuxResources, Spec } from '../types.js';

/** config-linux.md, "Control groups": what connects limits with each other. */
export function checkResources({ linux }: Spec, report: Report): void {
  const { memory, cpu, blockIO, rdma }: LinuxResources = linux?.resources ?? {};
  const path = 'linux.resources';
  if (memory) checkMemory(memory, `${path}.memory`, report);
  if (cpu) checkCpu(cpu, `${path}.cpu`, report);
  for (const [index, { weight, leafWeight }] of (blockIO?.weightDevice ?? []).entries()) {
    if (weight === undefined && leafWeight === undefined)
      report(`${path}.blockIO.weightDevice[${index}]`, 'must have a weight or a leafWeight');
  }
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(rdma ?? {})) {
    if (hcaHandles === undefined && hcaObjects === undefined)
      report(`${path}.rdma[${JSON.stringify(device)}]`, 'must have hcaHandles or hcaObjects');
  }
}

/** A reservation may be above the limit: it is in the specification's own example. */
function checkMemory({ limit = 0, swap = 0 }: LinuxMemory, path: string, report: Report): void {
  if (limit <= 0 || swap <= 0 || swap >= limit) return;
  report(
    `${path}.swap`,
    `is memory and swap together: must not be below the limit ${limit}, is ${swap}`,
  );
}

function checkCpu({ quota = 0, burst = 0 }: LinuxCPU, path: string, report: Report): void {
  if (quota <= 0 || burst <= quota) return;
  report(`${path}.burst`, `must not be above the quota ${quota}, is ${burst}`);
}
