import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { isSystemError, TsruncError } from '../errors.js';
import type { Native } from '../native/native.js';

type ProxyNative = Pick<
  Native,
  'bindDatagram' | 'connect' | 'send' | 'receive' | 'socketPair' | 'close'
>;

/** The service manager's own limit. */
const LONGEST_MESSAGE = 4096;
/** From one message to the next, in milliseconds. The socket's queue is short, so who floods it waits for us, and costs us next to nothing. */
const PACE = 10;
/** How many messages are read that may have been sent before the container ended. */
const LAST_MESSAGES = 64;
/** How long the service manager may take to say that it has heard us, in milliseconds: it may not know the question. */
const BARRIER_PATIENCE = 30_000;

/**
 * Stands between a container that speaks sd_notify(3) and the service manager of the host, which must not
 * hear the container itself: it could name any process as the service's main one, or store descriptors there. Only that
 * it is ready is passed on, with the pid that is its main one on the host, as runc does.
 */
export class NotifyProxy {
  readonly #native: ProxyNative;
  readonly #host: number;
  readonly #socket: number;
  #closed = false;

  /**
   * Must be called before the container's program runs.
   *
   * @param path where the container finds its socket
   * @param host the service manager's: $NOTIFY_SOCKET
   */
  constructor(native: ProxyNative, path: string, host: string) {
    this.#native = native;
    this.#host = connect(native, host);
    try {
      this.#socket = native.bindDatagram(path);
    } catch (error) {
      native.close(this.#host);
      throw error;
    }
  }

  /**
   * Waits until the container is ready and the service manager knows. False when it ended before that.
   *
   * @param gone resolves when the container's first process has ended
   */
  async untilReady(gone: Promise<unknown>, mainPid: number): Promise<boolean> {
    for await (const _ of this.#readyMessages(gone)) {
      this.#tell(mainPid);
      await this.#barrier();
      return true;
    }
    return false;
  }

  /** Passes on whenever the container says that it is ready, as long as it lives. */
  async always(gone: Promise<unknown>, mainPid: number): Promise<void> {
    for await (const _ of this.#readyMessages(gone)) this.#tell(mainPid);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#native.close(this.#socket);
    this.#native.close(this.#host);
  }

  async *#readyMessages(gone: Promise<unknown>): AsyncGenerator<void> {
    let over = false;
    const ended = gone
      .catch(() => {})
      .then(() => {
        over = true;
      });
    for (let left = LAST_MESSAGES; left > 0; left -= over ? 1 : 0) {
      // What it sent with its last breath is in the queue, and the event loop sees it within two turns.
      const silence = ended.then(() => turn()).then(() => turn());
      const message = await Promise.race([this.#next(), silence]);
      if (message === undefined || this.#closed) return;
      if (message.split('\n').includes('READY=1')) yield;
      await pause(PACE);
    }
  }

  /** The next message. One that nobody should have sent is empty. */
  async #next(): Promise<string> {
    try {
      const { data, fds } = (await this.#native.receive(this.#socket)) ?? nothing;
      // A barrier's: its sender waits until nobody has it open, so that all it has said before was read.
      for (const fd of fds) this.#native.close(fd);
      return data.length > LONGEST_MESSAGE ? '' : Buffer.from(data).toString();
    } catch {
      // Longer than can be received, or with more descriptors than this process may open.
      return '';
    }
  }

  #tell(mainPid: number): void {
    try {
      this.#native.send(this.#host, Buffer.from(`READY=1\nMAINPID=${mainPid}\n`));
    } catch (error) {
      throw unusable(error, 'the service manager');
    }
  }

  /** Until then the service manager may still take this process, which is about to end, for the main one. */
  async #barrier(): Promise<void> {
    const [ours, theirs] = this.#native.socketPair();
    const timer = new AbortController();
    try {
      this.#native.send(this.#host, Buffer.from('BARRIER=1'), [theirs]);
      this.#native.close(theirs);
      const late = pause(BARRIER_PATIENCE, undefined, { signal: timer.signal }).catch(() => {});
      await Promise.race([this.#native.receive(ours), late]);
    } finally {
      timer.abort();
      this.#native.close(ours);
    }
  }
}

const nothing: { readonly data: Uint8Array; readonly fds: readonly number[] } = {
  data: new Uint8Array(),
  fds: [],
};

function connect(native: ProxyNative, host: string): number {
  try {
    return native.connect(host, 'datagram');
  } catch (error) {
    throw unusable(error, host);
  }
}

function unusable(error: unknown, what: string): unknown {
  if (!isSystemError(error)) return error;
  return new TsruncError(
    `$NOTIFY_SOCKET: ${what} can't be told that the container is ready: ${error.message}`,
    { code: error.code, errno: -error.errno, stage: 'start', cause: error },
  );
}
