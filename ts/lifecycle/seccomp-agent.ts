import { resolve } from 'node:path';
import { sendDescriptor } from '../console/socket.js';
import { TsruncError } from '../errors.js';
import type { Native } from '../native/native.js';
import { hasNotifications } from '../spec/rules/seccomp.js';
import type { Spec } from '../spec/types.js';
import type { SeccompAgent, State } from '../state/state.js';
import { specVersion } from './features.js';

/** Who is to be asked about the system calls of this container, if anybody is. */
export function agentOf({ linux }: Spec): SeccompAgent | undefined {
  const seccomp = linux?.seccomp;
  if (seccomp?.listenerPath === undefined || !hasNotifications(seccomp)) return undefined;
  const { listenerPath, listenerMetadata } = seccomp;
  return {
    path: resolve(listenerPath),
    ...(listenerMetadata === undefined ? {} : { metadata: listenerMetadata }),
  };
}

/**
 * config-linux.md, "The Container Process State": gives the agent the descriptor of the notifications of
 * process `pid`'s filter.
 * Throws TsruncError with the errno's name.
 */
export function tellAgent(
  native: Native,
  agent: SeccompAgent | undefined,
  state: State,
  pid: number,
  listener: number,
): void {
  if (agent === undefined) {
    throw new TsruncError("the container's init has notifications that nobody asked for", {
      code: 'INIT_FAILED',
      stage: 'start',
    });
  }
  const { path, metadata } = agent;
  const processState = {
    ociVersion: specVersion,
    fds: ['seccompFd'],
    pid,
    ...(metadata === undefined ? {} : { metadata }),
    state,
  };
  sendDescriptor(native, {
    path,
    what: 'linux.seccomp.listenerPath',
    payload: JSON.stringify(processState),
    descriptor: listener,
    stage: 'start',
  });
}
