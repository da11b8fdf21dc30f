import type { Flags } from './arguments.js';

const number = { type: 'string', value: 'N' } as const;
const size = { type: 'string', value: 'BYTES' } as const;

/** `update`'s, one for each limit. */
export const limitFlags = () =>
  ({
    'blkio-weight': { ...number, help: 'block I/O weight, 10 to 1000' },
    'cpu-period': { ...number, help: 'CPU period in microseconds' },
    'cpu-quota': { ...number, help: 'CPU time in each period, in microseconds; -1 for no limit' },
    'cpu-burst': { ...number, help: 'CPU time saved up for later periods, in microseconds' },
    'cpu-share': { ...number, help: 'CPU shares, relative to other containers' },
    'cpu-rt-period': { ...number, help: 'period of real-time processes in microseconds' },
    'cpu-rt-runtime': { ...number, help: 'time of real-time processes in each of them' },
    'cpu-idle': { ...number, help: '1: run only when nobody else wants to; 0: not so' },
    'cpuset-cpus': { type: 'string', value: 'LIST', help: 'CPUs to run on, as in 0-2,7' },
    'cpuset-mems': { type: 'string', value: 'LIST', help: 'memory nodes to use' },
    memory: { ...size, help: 'memory limit; k, m, g may follow the number; -1 for no limit' },
    'memory-reservation': { ...size, help: 'memory that is kept for it' },
    'memory-swap': { ...size, help: 'memory and swap together; -1 for no limit' },
    'kernel-memory': {
      ...size,
      help: 'accepted for callers of runc; the kernel has no such limit any more',
    },
    'kernel-memory-tcp': { ...size, help: 'the same' },
    'pids-limit': { ...number, help: 'number of processes; -1 for no limit' },
    'l3-cache-schema': {
      type: 'string',
      value: 'SCHEMA',
      help: 'L3 cache of its class of service, as in L3:0=ff (Intel RDT)',
    },
    'mem-bw-schema': {
      type: 'string',
      value: 'SCHEMA',
      help: 'memory bandwidth of its class of service, as in MB:0=20',
    },
  }) as const satisfies Flags;
