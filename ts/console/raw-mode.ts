import type { Native } from '../native/native.js';

/** The caller's terminal, as long as its keys go to the container uninterpreted. */
export interface RawMode {
  /** Sets it again, after somebody else may have changed it. */
  enterAgain(): void;
  leave(): void;
}

/**
 * Puts the terminal on stdin into raw mode, if it is one: keys such as ^C then reach the container's
 * terminal, which interprets them. Node itself restores the mode on every way out
 * that doesn't come by `leave`, uncaught errors included.
 */
export function enterRawMode(native: Pick<Native, 'passOutput'>): RawMode | undefined {
  const { stdin } = process;
  if (!stdin.isTTY) return undefined;
  const enter = (): void => {
    stdin.setRawMode(true);
    // Node's raw mode still makes "\r\n" of each "\n" on the way out. The container's terminal has done
    // that already, and a full-screen program that sends a bare "\n" means just that.
    native.passOutput(0);
  };
  enter();
  return {
    enterAgain: () => {
      // It remembers what it set and does nothing when asked for the same again.
      stdin.setRawMode(false);
      enter();
    },
    leave: () => stdin.setRawMode(false),
  };
}
