import type { Cancellation } from '../cancellation.js';
import type { CgroupLocation } from '../cgroup/cgroup.js';
import { type Notice, type NoticeNative, watchOom } from './oom.js';
import { type PressureTrigger, watchPressure } from './pressure.js';
import type { Stats } from './stats.js';

export type ContainerEvent =
  | { readonly type: 'stats'; readonly id: string; readonly data: Stats }
  /** The container ran out of memory: a process was killed, or waits for memory where that is disabled. */
  | { readonly type: 'oom'; readonly id: string }
  | { readonly type: 'pressure'; readonly id: string; readonly data: PressureTrigger };

export interface EventOptions {
  /** Milliseconds between statistics. Without it there are none. */
  readonly interval?: number;
  readonly pressure?: readonly PressureTrigger[];
  /** Ends the iteration, which then rejects with the signal's reason. */
  readonly signal?: Cancellation;
}

export interface EventSource {
  readonly id: string;
  readonly location: CgroupLocation;
  /** Of the container's first process, with which the events end. Closed with the stream. */
  readonly pidfd: number;
  readonly stats: () => Promise<Stats>;
}

/**
 * A container's events until it ends, for `for await`. What isn't taken in time is kept once of each kind, so a slow
 * reader costs no memory. Everything is let go at the end, at `return` and when the signal fires.
 */
export class EventStream implements AsyncIterableIterator<ContainerEvent> {
  readonly #source: EventSource;
  readonly #native: NoticeNative;
  readonly #notices: Notice[] = [];
  readonly #signal: Cancellation | undefined;
  readonly #abort = (): void => this.#finish();
  readonly #due = new Set<'oom' | 'stats' | PressureTrigger>();
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #changed: Promise<void> | undefined;
  #isOver = false;

  constructor(native: NoticeNative, source: EventSource, options: EventOptions) {
    this.#native = native;
    this.#source = source;
    this.#signal = options.signal;
    try {
      const { location } = source;
      this.#notices.push(watchOom(native, location, () => this.#tell('oom')));
      for (const trigger of options.pressure ?? [])
        this.#notices.push(watchPressure(native, location, trigger, () => this.#tell(trigger)));
    } catch (error) {
      this.#close();
      throw error;
    }
    if (options.interval !== undefined)
      this.#timer = setInterval(() => this.#tell('stats'), options.interval);
    this.#signal?.addEventListener('abort', this.#abort, { once: true });
    void this.#watchEnd();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ContainerEvent, undefined>> {
    for (;;) {
      this.#signal?.throwIfAborted();
      const [due] = this.#due;
      if (due !== undefined) {
        this.#due.delete(due);
        return { done: false, value: await this.#eventOf(due) };
      }
      if (this.#isOver) return { done: true, value: undefined };
      this.#changed ??= new Promise((resolve) => {
        this.#wake = resolve;
      });
      await this.#changed;
    }
  }

  async return(): Promise<IteratorResult<ContainerEvent, undefined>> {
    this.#due.clear();
    this.#finish();
    return { done: true, value: undefined };
  }

  async #eventOf(due: 'oom' | 'stats' | PressureTrigger): Promise<ContainerEvent> {
    const { id } = this.#source;
    if (due === 'oom') return { type: 'oom', id };
    if (due === 'stats') return { type: 'stats', id, data: await this.#source.stats() };
    return { type: 'pressure', id, data: due };
  }

  async #watchEnd(): Promise<void> {
    await this.#native.waitGone(this.#source.pidfd).catch(() => {});
    if (this.#isOver) return;
    // What was told before the end is heard in this round of the loop, perhaps after the end itself.
    await new Promise(setImmediate);
    if (this.#isOver) return;
    for (const notice of this.#notices) notice.look();
    this.#due.delete('stats');
    this.#finish();
  }

  #tell(what: 'oom' | 'stats' | PressureTrigger): void {
    if (this.#isOver) return;
    this.#due.add(what);
    this.#notify();
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
    this.#changed = undefined;
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#close();
    this.#notify();
  }

  #close(): void {
    clearInterval(this.#timer);
    this.#signal?.removeEventListener('abort', this.#abort);
    for (const notice of this.#notices) notice.close();
    this.#native.close(this.#source.pidfd);
  }
}
