/** Numbers of the kernel's interface that more than one part of planning needs. */

/** CLONE_NEW* flags by the specification's namespace types. */
export const CLONE_FLAGS = {
  mount: 0x0002_0000,
  cgroup: 0x0200_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  user: 0x1000_0000,
  pid: 0x2000_0000,
  network: 0x4000_0000,
  time: 0x0000_0080,
} as const;

export const MS_REC = 0x4000;
export const MS_I_VERSION = 1 << 23;
export const MS_UNBINDABLE = 1 << 17;
export const MS_PRIVATE = 1 << 18;
export const MS_SLAVE = 1 << 19;
export const MS_SHARED = 1 << 20;

/** MOUNT_ATTR_* of mount_setattr(2). */
export const MOUNT_ATTR = {
  rdonly: 0x1n,
  nosuid: 0x2n,
  nodev: 0x4n,
  noexec: 0x8n,
  /** The bits of the three access time modes; relatime is none of them. */
  atime: 0x70n,
  noatime: 0x10n,
  strictatime: 0x20n,
  nodiratime: 0x80n,
  nosymfollow: 0x20_0000n,
} as const;

export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFBLK = 0o060000;
