/**
 * Creations and removals that run at the same time take turns: each is some milliseconds of work, in a few pieces, and the
 * event loop is the caller's, too. Many containers may end in the same moment. Who is alone waits for nothing.
 */
let running = 0;
let isHandingOn = false;
const waiting: (() => void)[] = [];

/** Runs `act`, which begins in a turn of the event loop in which no other has begun. */
export async function inTurn<T>(act: () => Promise<T>): Promise<T> {
  ++running;
  try {
    if (running > 1) await nextTurn();
    return await act();
  } finally {
    --running;
  }
}

/** Between two pieces of such work: lets the others go on, if there are any. */
export async function passTurn(): Promise<void> {
  if (running > 1) await nextTurn();
}

function nextTurn(): Promise<void> {
  if (!isHandingOn) setImmediate(handOn);
  isHandingOn = true;
  return new Promise((resolve) => waiting.push(resolve));
}

function handOn(): void {
  waiting.shift()?.();
  isHandingOn = waiting.length > 0;
  if (isHandingOn) setImmediate(handOn);
}
