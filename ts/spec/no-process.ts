import type { Process } from './types.js';

/** In place of `process`, which a container needs no sooner than `start` (config.md, "Process"). */
export const noProcess: Process = { cwd: '/', user: { uid: 0, gid: 0 } };
