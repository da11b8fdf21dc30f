/** One line of /proc/PID/mountinfo (proc(5)). */
export interface MountInfo {
  readonly target: string;
  /** Of the mount: `ro`, `nosuid` … */
  readonly options: readonly string[];
  /** The optional fields: `shared:1`, `master:2`; empty for a private mount. */
  readonly propagation: string;
  readonly type: string;
  /** Of the file system. */
  readonly superOptions: readonly string[];
}

/** The mounts by their targets; of several on one, the last. */
export function parseMountInfo(text: string): ReadonlyMap<string, MountInfo> {
  const mounts = new Map<string, MountInfo>();
  for (const line of text.trim().split('\n')) {
    const fields = line.split(' ');
    const dash = fields.indexOf('-', 6);
    const target = fields[4] ?? '';
    mounts.set(target, {
      target,
      options: fields[5]?.split(',') ?? [],
      propagation: fields.slice(6, dash).join(' '),
      type: fields[dash + 1] ?? '',
      superOptions: fields[dash + 3]?.split(',') ?? [],
    });
  }
  return mounts;
}
