import { loadNative } from './addon.js';

/**
 * Acts on files that are done at once, with Node's errors. Node's own functions for them are long ones, which a command compiles
 * when it first calls them: together they took a tenth of what `run` takes above Node's start.
 */
export interface Files {
  /** open(2) with `O_*` of node:fs's `constants`. Close-on-exec. */
  open(path: string, flags: number, mode?: number): number;
  /** A whole file, or what is left of an open one, `most` bytes of it: UTF-8. */
  readText(file: string | number, most?: number): string;
  /** What is left of an open file. */
  readBytes(fd: number): Buffer;
  /** Writes all of it, by one write(2) where the kernel takes it so. */
  write(fd: number, text: string): void;
  stat(path: string): FileStatus;
  /** Of a symbolic link itself. */
  lstat(path: string): FileStatus;
  fstat(fd: number): FileStatus;
  exists(path: string): boolean;
  /** Absolute, without links. */
  realpath(path: string): string;
  /** The names in a directory, in no order. */
  readdir(path: string): string[];
  mkdir(path: string, mode: number): void;
  rmdir(path: string): void;
  unlink(path: string): void;
  rename(from: string, to: string): void;
}

/** What of a file's status is asked for; see inode(7). */
export interface FileStatus {
  readonly mode: number;
  readonly uid: number;
  /** Bytes. */
  readonly size: number;
  readonly device: bigint;
  readonly inode: bigint;
}

/** Opens a file with `flags`, writes `text` to it and closes it. */
export function writeFile(path: string, flags: number, mode: number, text: string): void {
  const native = loadNative();
  const fd = native.open(path, flags, mode);
  try {
    native.write(fd, text);
  } finally {
    native.close(fd);
  }
}

const S_IFMT = 0o170000;

export const isFile = ({ mode }: FileStatus): boolean => (mode & S_IFMT) === 0o100000;
export const isDirectory = ({ mode }: FileStatus): boolean => (mode & S_IFMT) === 0o040000;
export const isLink = ({ mode }: FileStatus): boolean => (mode & S_IFMT) === 0o120000;
