import type { LinuxRdma } from '../spec/types.js';
import type { Limit } from './limits.js';

/** config-linux.md, "RDMA", for both versions of cgroups. What isn't given of a device stays as it is. */
export function rdmaLimits(rdma: Readonly<Record<string, LinuxRdma>>): Limit[] {
  return Object.entries(rdma).flatMap(([device, { hcaHandles, hcaObjects }]) => {
    const values = [
      ...(hcaHandles == null ? [] : [`hca_handle=${hcaHandles}`]),
      ...(hcaObjects == null ? [] : [`hca_object=${hcaObjects}`]),
    ];
    if (values.length === 0) return [];
    const value = [device, ...values].join(' ');
    return [{ name: `rdma[${JSON.stringify(device)}]`, file: 'rdma.max', value }];
  });
}
