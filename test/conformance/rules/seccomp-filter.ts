import type { Config } from '../config.js';

export interface Filter {
  readonly defaultAction?: string;
  readonly syscalls?: readonly object[];
  readonly [name: string]: unknown;
}

/** Gives a container a filter; what it doesn't say is allowed. */
export const filter =
  (wanted: Filter) =>
  (config: Config): void => {
    config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', ...wanted };
  };

/** A rule for getpriority, which nobody else calls on the way and which doesn't fail. */
export const rule = (action: string, more: object = {}): Filter => ({
  syscalls: [{ names: ['getpriority'], action, ...more }],
});
