import { readFileSync } from 'node:fs';
import type { ResctrlGroups } from './group.js';

/** The schemata of a container's class of service and of the root's, each as one line: `L3:0=ff`. */
export interface RdtStats {
  readonly l3_cache_schema_root?: string;
  readonly l3_cache_schema?: string;
  readonly mem_bw_schema_root?: string;
  readonly mem_bw_schema?: string;
}

export function readRdtStats(root: string, { joined }: ResctrlGroups): RdtStats {
  const [group] = joined;
  return {
    ...schemataOf(root, '_root'),
    ...(group === undefined || group === root ? {} : schemataOf(group, '')),
  };
}

function schemataOf(group: string, suffix: '' | '_root'): RdtStats {
  const line = (resource: string): string | undefined =>
    new RegExp(`^\\s*(${resource}:.*)$`, 'm').exec(textOf(group))?.[1];
  const [cache, bandwidth] = [line('L3'), line('MB')];
  return {
    ...(cache && { [`l3_cache_schema${suffix}`]: cache }),
    ...(bandwidth && { [`mem_bw_schema${suffix}`]: bandwidth }),
  };
}

/** A group that was removed meanwhile says nothing. */
function textOf(group: string): string {
  try {
    return readFileSync(`${group}/schemata`, 'utf8');
  } catch {
    return '';
  }
}
