/** A configuration as anything may come out of JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the tests break the types on purpose
export type Broken = any;

export const mapping = { containerID: 0, hostID: 1000, size: 10 };

/** Takes one of the default namespaces away. */
export function withoutNamespace(spec: Broken, unwanted: string): void {
  spec.linux.namespaces = spec.linux.namespaces.filter(({ type }: Broken) => type !== unwanted);
}

/** Adds a new time namespace with these offsets. */
export function withTime(spec: Broken, timeOffsets: object): void {
  spec.linux.namespaces.push({ type: 'time' });
  spec.linux.timeOffsets = timeOffsets;
}

/** Adds a new user namespace; `mappings` replaces what it maps. */
export function withUser(spec: Broken, mappings: object): void {
  spec.linux.namespaces.push({ type: 'user' });
  Object.assign(spec.linux, { uidMappings: [mapping], gidMappings: [mapping] }, mappings);
}

/** `count` mappings of one id each. */
export function range(count: number): object[] {
  return Array.from({ length: count }, (_, index) => ({
    containerID: index,
    hostID: index + 1000,
    size: 1,
  }));
}
