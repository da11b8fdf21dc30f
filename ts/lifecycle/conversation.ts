/**
 * What tsrunc and init say to each other, over one SOCK_SEQPACKET socketpair (table: ts/plan/messages.ts).
 *
 *      tsrunc                                         stage                    init
 *        │ ──── spawn: socket, Program ────────────────▶│
 *        │ ◀──────────────────────────────── cgroupDue ─┤ (systemd's cgroups only)
 *        │ ──── proceed, its cgroups being there ──────▶│ (unless they were before)
 *        │ ◀─────────────────────────────── needIdMaps ─┤ (new user namespace only)
 *        │ ──── proceed, the maps being written ───────▶│
 *        │ ◀──────────────────── cloned: pid, (pidfd) ──┤ ── clone ──▶│
 *        │                                              ┴             │
 *        │ ◀─────────────────────────────────── netDevicesDue ────────┤ (network devices only)
 *        │ ──── proceed, the devices having been moved ──────────────▶│
 *        │ ◀──────────────────────────────── console: (terminal) ─────┤ (terminal only)
 *        │ ◀──────────────────────────────────────── hooksDue ────────┤ (hooks only)
 *        │ ──── proceed: (state), hooks having run ──────────────────▶│
 *        │ ◀──────────────────────────────────────── created ─────────┤
 *        │ ──── commit: wait for `tsrunc start` on the other socket ─▶│
 *        │  or  start: (state), begin at once ───────────────────────▶│
 *        │ ◀─────────────────────────────────────── executing ────────┤
 *        │ ◀───────────────────────── listener: (notifications) ──────┤ (seccomp agent only; before
 *        │ ──── proceed: the agent has them ─────────────────────────▶│  `executing` without no_new_privs)
 *        │ ◀──────────────────────────────────── end of file ─────────┴ exec
 *
 * The stage's end comes as a word of tsrunc's own (STAGE_ENDED), which is awaited like `cloned` and `created`.
 * (…) are attached descriptors. `failed` may come at any time and is the last word. Since the stage and init
 * share a socket, `cloned` may come after init's first words: what needs to know init waits for it. The end of the peer ends every wait: init reads
 * the end of file when tsrunc dies, tsrunc when init does. A hook's timeout bounds the rest.
 */
import { isSystemError, TsruncError } from '../errors.js';
import { carriers, decodeMessage, encodeReply, type InitMessage } from '../native/messages.js';
import type { Native } from '../native/native.js';
import type { ReplyName } from '../plan/messages.js';
import { pidInContainer } from '../state/process.js';
import type { State } from '../state/state.js';

/**
 * What tsrunc tells itself, by the stage's end of the socket, when the stage has ended: it comes after all that the stage
 * has sent. A stage that was killed just after the clone leaves an init that holds the socket open and is never heard of.
 */
export const STAGE_ENDED = Uint8Array.of(0);

/** What the parent does when init asks; what isn't there it has no reason to ask for. */
export interface Parent {
  /** Has the stage put into its cgroup by systemd, which also makes that for a new container. */
  cgroupDue?(): Promise<void>;
  needIdMaps?(): Promise<void>;
  /** Takes over the pidfd. */
  cloned(pid: number, pidfd: number): void;
  /** Moves devices of the host's into the container's network namespace. */
  netDevicesDue?(): Promise<void>;
  /** Takes over the terminal's master. */
  console(master: number): void;
  /** Runs the hooks; resolves with the state that the container's own hooks get. */
  hooksDue?(): Promise<State>;
}

/** Listens to init until it is created. Throws what init reports, and what `parent` throws. */
export async function awaitCreated(
  native: Native,
  socket: number,
  parent: Parent,
  fail: FailureOf,
): Promise<void> {
  let cloned = false;
  let created = false;
  // Awaited as well: a socket that is closed with something unread in it breaks its peer's.
  let stageEnded = false;
  let due: DueMessage | undefined;
  while (!(cloned && created && stageEnded)) {
    const { message, fds } = await hear(native, socket, fail);
    const [attached] = fds;
    switch (message.name) {
      case 'needIdMaps':
        if (parent.needIdMaps === undefined) throw protocolError();
        await parent.needIdMaps();
        reply(native, socket, 'proceed');
        break;
      case 'cgroupDue':
        if (parent.cgroupDue === undefined) throw protocolError();
        await parent.cgroupDue();
        reply(native, socket, 'proceed');
        break;
      case 'cloned':
        cloned = true;
        parent.cloned(message.pid, required(attached));
        break;
      case 'console':
        parent.console(required(attached));
        break;
      case 'netDevicesDue':
      case 'hooksDue':
        due = message.name;
        break;
      case 'created':
        created = true;
        break;
      case 'stageEnded':
        if (!cloned) throw await fail.silent();
        stageEnded = true;
        break;
      case 'failed':
        throw fail.reported(message);
      default:
        throw protocolError();
    }
    if (!cloned || due === undefined) continue;
    await answerDue(native, socket, parent, due);
    due = undefined;
  }
}

/** After these init says nothing until it is answered. */
type DueMessage = 'netDevicesDue' | 'hooksDue';

async function answerDue(
  native: Native,
  socket: number,
  parent: Parent,
  due: DueMessage,
): Promise<void> {
  if (due === 'hooksDue' && parent.hooksDue !== undefined) {
    replyWithState(native, socket, 'proceed', await parent.hooksDue());
  } else if (due === 'netDevicesDue' && parent.netDevicesDue !== undefined) {
    await parent.netDevicesDue();
    reply(native, socket, 'proceed');
  } else {
    throw protocolError();
  }
}

/** Makes the errors of a conversation. */
export interface FailureOf {
  reported(message: InitMessage & { name: 'failed' }): TsruncError;
  /** init is gone without a word. */
  silent(): Promise<TsruncError>;
}

/**
 * After `start`: the end of file is the exec, if it was announced; else init was ended before it.
 * `deliver` passes the descriptor of a filter's notifications on to the agent, and doesn't keep it.
 */
export async function awaitExec(
  native: Native,
  socket: number,
  fail: FailureOf,
  deliver: (listener: number) => void,
): Promise<void> {
  const heard = new Set<string>();
  for (;;) {
    const said = await hearOrEnd(native, socket);
    if (said === undefined && heard.has('executing')) return;
    if (said === undefined) throw await fail.silent();
    const { message, fds } = said;
    if (message.name === 'failed') throw fail.reported(message);
    try {
      const expected = message.name === 'executing' || message.name === 'listener';
      if (!expected || heard.has(message.name)) throw protocolError();
      heard.add(message.name);
      if (message.name !== 'listener') continue;
      deliver(required(fds[0]));
    } finally {
      for (const fd of fds) native.close(fd);
    }
    reply(native, socket, 'proceed');
  }
}

/** Who has ended meanwhile is told of by what comes next, its last word or the end of file, and why. */
export function reply(
  native: Native,
  socket: number,
  name: ReplyName,
  fds: readonly number[] = [],
): void {
  try {
    native.send(socket, encodeReply(name), fds);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/**
 * To a created one: wait for the start on what it was given. Nothing comes after it that would tell of an init that has
 * ended, so that is thrown here.
 */
export async function commit(native: Native, socket: number, fail: FailureOf): Promise<void> {
  try {
    native.send(socket, encodeReply('commit'));
  } catch (error) {
    if (!isGone(error)) throw error;
    throw await fail.silent();
  }
}

const isGone = (error: unknown): boolean => isSystemError(error) && error.code === 'EPIPE';

/**
 * The state travels as a sealed memfd: hooks get it as their standard input. Those that init runs are the
 * container's, where the pid is the one that the container sees (runtime.md, "State").
 */
export function replyWithState(
  native: Native,
  socket: number,
  name: ReplyName,
  state: State,
): void {
  const text = JSON.stringify({ ...state, pid: pidInContainer(state.pid) });
  const memfd = native.memfd('tsrunc-state', Buffer.from(text));
  try {
    reply(native, socket, name, [memfd]);
  } finally {
    native.close(memfd);
  }
}

interface Said {
  readonly message: InitMessage | { readonly name: 'stageEnded' };
  readonly fds: readonly number[];
}

async function hear(native: Native, socket: number, fail: FailureOf): Promise<Said> {
  const said = await hearOrEnd(native, socket);
  if (said === undefined) throw await fail.silent();
  return said;
}

async function hearOrEnd(native: Native, socket: number): Promise<Said | undefined> {
  const received = await native.receive(socket);
  if (received === undefined) return undefined;
  if (received.data.length === 1 && received.data[0] === STAGE_ENDED[0])
    return { message: { name: 'stageEnded' }, fds: received.fds };
  const message = decodeMessage(received.data);
  if (message !== undefined && received.fds.length === (carriers.has(message.name) ? 1 : 0)) {
    return { message, fds: received.fds };
  }
  for (const fd of received.fds) native.close(fd);
  throw protocolError();
}

function required(fd: number | undefined): number {
  if (fd === undefined) throw protocolError();
  return fd;
}

function protocolError(): TsruncError {
  return new TsruncError(
    "the container's init sent something that is not a message: it is not trusted any more",
    {
      code: 'INIT_FAILED',
      stage: 'create',
    },
  );
}
