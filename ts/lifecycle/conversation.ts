/**
 * What tsrunc and init say to each other, over one SOCK_SEQPACKET socketpair (tables: ts/plan/operations.ts).
 *
 *      tsrunc                                         stage                    init
 *        │ ──── spawn: socket, Program ────────────────▶│
 *        │ ◀─────────────────────────────── needIdMaps ─┤ (new user namespace only)
 *        │ ──── proceed, the maps being written ───────▶│
 *        │ ◀──────────────────── cloned: pid, (pidfd) ──┤ ── clone ──▶│
 *        │                                              ┴             │
 *        │ ◀──────────────────────────────── console: (terminal) ─────┤ (terminal only)
 *        │ ◀──────────────────────────────────────── hooksDue ────────┤ (hooks only)
 *        │ ──── proceed: (state), hooks having run ──────────────────▶│
 *        │ ◀──────────────────────────────────────── created ─────────┤
 *        │ ──── commit: wait for `tsrunc start` on the other socket ─▶│
 *        │  or  start: (state), begin at once ───────────────────────▶│
 *        │ ◀─────────────────────────────────────── executing ────────┤
 *        │ ◀──────────────────────────────────── end of file ─────────┴ exec
 *
 * (…) are attached descriptors. `failed` may come at any time and is the last word. Since the stage and init
 * share a socket, `cloned` may come after init's first words. The end of the peer ends every wait: init reads
 * the end of file when tsrunc dies, tsrunc when init does. A hook's timeout bounds the rest.
 */
import { TsruncError } from '../errors.js';
import { decodeMessage, encodeReply, type InitMessage } from '../native/messages.js';
import type { Native } from '../native/native.js';
import type { ReplyName } from '../plan/operations.js';
import { pidInContainer } from '../state/process.js';
import type { State } from '../state/state.js';

/** What the parent does when init asks. */
export interface Parent {
  needIdMaps(): Promise<void>;
  /** Takes over the pidfd. */
  cloned(pid: number, pidfd: number): void;
  /** Takes over the terminal's master. */
  console(master: number): void;
  /** Runs the hooks; resolves with the state that the container's own hooks get. */
  hooksDue(): Promise<State>;
}

/** Listens to init until it is created. Throws what init reports, and what `parent` throws. */
export async function awaitCreated(
  native: Native,
  socket: number,
  parent: Parent,
  fail: FailureOf,
): Promise<void> {
  let cloned = false;
  let hooksDue = false;
  let created = false;
  while (!(cloned && created)) {
    const { message, fds } = await hear(native, socket, fail);
    const [attached] = fds;
    switch (message.name) {
      case 'needIdMaps':
        await parent.needIdMaps();
        reply(native, socket, 'proceed');
        break;
      case 'cloned':
        cloned = true;
        parent.cloned(message.pid, required(attached));
        break;
      case 'console':
        parent.console(required(attached));
        break;
      case 'hooksDue':
        hooksDue = true;
        break;
      case 'created':
        created = true;
        break;
      case 'failed':
        throw fail.reported(message);
      default:
        throw protocolError();
    }
    // The hooks are told init's pid, which the stage may say after init's own word.
    if (!(hooksDue && cloned)) continue;
    hooksDue = false;
    replyWithState(native, socket, 'proceed', await parent.hooksDue());
  }
}

/** Makes the errors of a conversation. */
export interface FailureOf {
  reported(message: InitMessage & { name: 'failed' }): TsruncError;
  /** init is gone without a word. */
  silent(): Promise<TsruncError>;
}

/** After `start`: the end of file is the exec, if it was announced; else init was ended before it. */
export async function awaitExec(native: Native, socket: number, fail: FailureOf): Promise<void> {
  for (let announced = false; ; announced = true) {
    const received = await native.receive(socket);
    if (received === undefined && announced) return;
    if (received === undefined) throw await fail.silent();
    const message = decodeMessage(received.data);
    for (const fd of received.fds) native.close(fd);
    if (message?.name === 'failed') throw fail.reported(message);
    if (message?.name !== 'executing' || announced) throw protocolError();
  }
}

export function reply(native: Native, socket: number, name: ReplyName): void {
  native.send(socket, encodeReply(name));
}

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
    native.send(socket, encodeReply(name), [memfd]);
  } finally {
    native.close(memfd);
  }
}

async function hear(
  native: Native,
  socket: number,
  fail: FailureOf,
): Promise<{ message: InitMessage; fds: readonly number[] }> {
  const received = await native.receive(socket);
  if (received === undefined) throw await fail.silent();
  const message = decodeMessage(received.data);
  if (
    message !== undefined &&
    received.fds.length === (message.name === 'cloned' || message.name === 'console' ? 1 : 0)
  ) {
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
