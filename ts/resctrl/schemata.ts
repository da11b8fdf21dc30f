import type { LinuxIntelRdt } from '../spec/types.js';

/** What is written to a group's `schemata`, a write each: the kernel takes a resource only once in one. */
export function schemataWrites({ l3CacheSchema, memBwSchema, schemata }: LinuxIntelRdt): string[] {
  const writes = [l3CacheSchema ?? '', memBwSchema ?? '', (schemata ?? []).join('\n')];
  return writes.filter((text) => text.trim() !== '').map((text) => `${text.trimEnd()}\n`);
}

/** The first line of `l3CacheSchema` or `memBwSchema` that a group of somebody else's doesn't have. */
export function findMismatch(
  { l3CacheSchema = '', memBwSchema = '' }: LinuxIntelRdt,
  schemata: string,
): string | undefined {
  const there = new Map(schemata.split('\n').map(parse));
  const wanted = `${l3CacheSchema}\n${memBwSchema}`
    .split('\n')
    .filter((line) => line.trim() !== '');
  return wanted.find((line) => {
    const [resource, domains] = parse(line);
    const found = there.get(resource);
    return [...domains].some(([domain, value]) => found?.get(domain) !== value);
  });
}

/** `  L3:0=0ff;1=C0` → L3, {0: ff, 1: c0}: the kernel pads and writes lower case. */
function parse(line: string): [resource: string, domains: ReadonlyMap<string, string>] {
  const colon = line.indexOf(':');
  const domains = line.slice(colon + 1).split(';');
  const pairs = domains.map((pair): [string, string] => {
    const [domain = '', value = ''] = pair.split('=');
    return [normal(domain), normal(value)];
  });
  return [line.slice(0, Math.max(colon, 0)).trim(), new Map(pairs)];
}

const normal = (number: string): string =>
  number
    .trim()
    .toLowerCase()
    .replace(/^0+(?=.)/, '');
