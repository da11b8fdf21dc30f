/** tsrunc as a library: the OCI runtime in this process. */
export type { Cancellation } from './cancellation.js';
export { type ErrorCode, TsruncError } from './errors.js';
export type { PressureTrigger } from './events/pressure.js';
export type * from './events/stats.js';
export type { ContainerEvent, EventOptions } from './events/stream.js';
export type {
  CreateOptions,
  DeleteOptions,
  ExecOptions,
  KillOptions,
  RunningContainer,
  RunningProcess,
  RunOptions,
  RuntimeOptions,
  Stdio,
} from './lifecycle/options.js';
export { Runtime } from './lifecycle/runtime.js';
export type { Schemata } from './lifecycle/update.js';
export type { ExitStatus } from './native/native.js';
export type { Operation, Program } from './plan/operations.js';
export { defaultSpec, rootlessSpec } from './spec/default.js';
export type { LinuxResources, Spec } from './spec/types.js';
export type { State, Status } from './state/state.js';
