import { constants } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { loadNative } from '../native/addon.js';
import type { Native } from '../native/native.js';
import type { Stdio } from './options.js';

/** Descriptors 0 to 2 of a container, and this process's ends of what is piped. */
export interface PreparedStdio {
  /** What becomes 0, 1 and 2. */
  readonly fds: readonly [number, number, number];
  /** Ours, in the same order, where there is a pipe. */
  readonly ends: readonly [number | undefined, number | undefined, number | undefined];
  /** Closes what was opened for the container: it has its own duplicates once it is spawned. */
  closeTheirs(): void;
  /** Closes all that is still open, when nothing came of it. */
  close(): void;
}

const INHERIT: readonly [Stdio, Stdio, Stdio] = ['inherit', 'inherit', 'inherit'];

export function prepareStdio(
  native: Native,
  stdio: readonly [Stdio, Stdio, Stdio] = INHERIT,
): PreparedStdio {
  const theirs: number[] = [];
  const ours: (number | undefined)[] = [];
  const close = (fds: (number | undefined)[]): void => {
    for (const fd of fds.splice(0)) if (fd !== undefined) native.close(fd);
  };
  const open = (kind: Stdio, index: number): number => {
    if (typeof kind === 'number') return kind;
    if (kind === 'inherit') return index;
    if (kind === 'ignore') {
      const fd = loadNative().open('/dev/null', constants.O_RDWR);
      theirs.push(fd);
      return fd;
    }
    const [read, write] = native.pipe();
    theirs.push(index === 0 ? read : write);
    ours[index] = index === 0 ? write : read;
    return index === 0 ? read : write;
  };
  try {
    const fds = stdio.map(open) as [number, number, number];
    return {
      fds,
      ends: [ours[0], ours[1], ours[2]],
      closeTheirs: () => close(theirs),
      close: () => {
        close(theirs);
        close(ours);
      },
    };
  } catch (error) {
    close(theirs);
    close(ours);
    throw error;
  }
}

/** This process's ends as streams, each of which closes its own. */
export async function openStreams({ ends }: PreparedStdio): Promise<Streams> {
  if (ends.every((end) => end === undefined)) return { stdin: null, stdout: null, stderr: null };
  // Loaded here: the command line has no use for it, and pays 2 ms at every start.
  const { Socket } = await import('node:net');
  const [stdin, stdout, stderr] = ends;
  const read = (fd: number): Readable => new Socket({ fd, readable: true, writable: false });
  return {
    stdin: stdin === undefined ? null : new Socket({ fd: stdin, readable: false, writable: true }),
    stdout: stdout === undefined ? null : read(stdout),
    stderr: stderr === undefined ? null : read(stderr),
  };
}

export interface Streams {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}
