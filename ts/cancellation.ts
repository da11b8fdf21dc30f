/**
 * As much of an AbortSignal as tsrunc asks of one. A command has a `Canceller`'s: what Node's own takes to load and to use
 * for the first time is a tenth of what `run` takes above Node's start.
 */
export interface Cancellation {
  readonly aborted: boolean;
  /** What the caller throws. */
  readonly reason: unknown;
  throwIfAborted(): void;
  /** `listener` is called once at most. */
  addEventListener(type: 'abort', listener: () => void, options: { readonly once: true }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Fires once, as an AbortController does. */
export class Canceller implements Cancellation {
  aborted = false;
  reason: unknown;
  readonly #listeners = new Set<() => void>();

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.#listeners) {
      this.#listeners.delete(listener);
      listener();
    }
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }
}
