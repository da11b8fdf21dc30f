import type { Shape } from './operations.js';

/**
 * What init says. The diagram of the exchange stands at the top of ts/lifecycle/conversation.ts.
 * Order gives the code on the wire, from 1.
 */
export const messages = {
  /** From the stage: it is in its new user namespace and waits for its id maps. */
  needIdMaps: {},
  /** From the stage: it waits for its cgroup. */
  cgroupDue: {},
  /** From the stage: init's pid as the parent sees it; its pidfd is attached. */
  cloned: { pid: 'u32' },
  /** The network namespace is there; the devices that it gets are due. */
  netDevicesDue: {},
  /** The terminal's master is attached. */
  console: {},
  /** The container is set up; the parent's hooks are due. */
  hooksDue: {},
  created: {},
  /** Nothing but the load of a filter and the exec is left: the end of the socket then is its success. */
  executing: {},
  /** The descriptor of a filter's notifications is attached. Init waits for `proceed`: the agent having it. */
  listener: {},
  /** It is over. `index` is the operation's in the Program, `code` its place in `operations` from 1; `errno` 0 when `detail` says it all. */
  failed: {
    index: 'u32',
    code: 'u32',
    errno: 'u32',
    syscall: 'string',
    path: 'string',
    detail: 'string',
  },
} as const satisfies Readonly<Record<string, Shape>>;

/** What the parent says: one byte, with a memfd of the state attached where hooks follow. */
export const replies = {
  /** Go on. */
  proceed: {},
  /** To `created`: the state is on disk; wait for `start` on the listening socket. */
  commit: {},
  /** Run the startContainer hooks and exec. */
  start: {},
} as const satisfies Readonly<Record<string, Shape>>;

export type MessageName = keyof typeof messages;
export type ReplyName = keyof typeof replies;
