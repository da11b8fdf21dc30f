/** A step back that failed. */
export interface UndoFailure {
  readonly what: string;
  readonly error: unknown;
}

/**
 * How to take back what was done so far. Each step adds its undoing as soon as it has
 * succeeded; then either `commit` forgets them all or `run` does them, last first.
 */
export class Undo {
  #steps: { readonly what: string; readonly act: () => void | Promise<void> }[] = [];

  /** `what` completes "could not …": `remove the cgroup`. */
  add(what: string, act: () => void | Promise<void>): void {
    this.#steps.push({ what, act });
  }

  /** It is done for good. */
  commit(): void {
    this.#steps = [];
  }

  /** Takes everything back, and goes on where a step fails. Never throws; returns the failures. */
  async run(): Promise<UndoFailure[]> {
    const failures: UndoFailure[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.act();
      } catch (error) {
        failures.push({ what: step.what, error });
      }
    }
    return failures;
  }
}
