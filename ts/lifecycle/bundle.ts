import { constants } from 'node:fs';
import { resolve } from 'node:path';
import { isSystemError, TsruncError } from '../errors.js';
import { loadNative } from '../native/addon.js';
import { isDirectory, isFile } from '../native/files.js';
import { recallSpec } from '../spec/recall.js';
import type { Spec } from '../spec/types.js';
import { findUnsupported } from '../spec/unsupported.js';
import type { Violation } from '../spec/violation.js';

/** A bundle that was read and checked, once: what changes in it later has no effect. */
export interface Bundle {
  /** Absolute. */
  readonly path: string;
  readonly spec: Spec;
  /** config.json as it was. */
  readonly text: string;
  /** Absolute, without links. */
  readonly rootfs: string;
}

/** No configuration is that large; a device or a sparse file may be. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Reads BUNDLE/config.json (bundle.md) and finds every fault in it before anything is changed. */
export function loadBundle(folder: string): Bundle {
  const path = resolve(folder);
  const text = readConfig(path);
  const spec = recallSpec(text);
  refuse(findUnsupported(spec));
  return { path, spec, text, rootfs: findRootfs(path, spec) };
}

function refuse(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  const list = violations.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new TsruncError(`config.json: ${list}`, { code: 'UNSUPPORTED', stage: 'config' });
}

function readConfig(bundle: string): string {
  const file = `${bundle}/config.json`;
  try {
    const native = loadNative();
    // O_NONBLOCK: opening a FIFO would wait for its writer.
    const fd = native.open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const status = native.fstat(fd);
      if (!isFile(status)) throw unreadable(file, 'it is not a regular file');
      if (status.size > MOST_BYTES) throw unreadable(file, `it is larger than ${MOST_BYTES} bytes`);
      return native.readText(fd, status.size);
    } finally {
      native.close(fd);
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const why = error.code === 'ENOENT' ? "no such file: is this the bundle's folder?" : error.code;
    throw new TsruncError(`config.json: cannot read ${file}: ${why}`, {
      code: error.code,
      errno: -error.errno,
      syscall: error.syscall,
      path: file,
      stage: 'config',
      cause: error,
    });
  }
}

function unreadable(file: string, why: string): TsruncError {
  return new TsruncError(`config.json: cannot read ${file}: ${why}`, {
    code: 'INVALID_CONFIG',
    path: file,
    stage: 'config',
  });
}

function findRootfs(bundle: string, spec: Spec): string {
  const path = resolve(bundle, spec.root?.path ?? '');
  try {
    const { realpath, stat } = loadNative();
    const real = realpath(path);
    if (isDirectory(stat(real))) return real;
    throw rootfsError(path, 'it is not a directory', 'INVALID_CONFIG');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw rootfsError(
      path,
      error.code === 'ENOENT' ? 'no such directory' : error.code,
      error.code,
      error,
    );
  }
}

function rootfsError(path: string, why: string, code: string, cause?: unknown): TsruncError {
  return new TsruncError(
    `config.json: root.path: cannot use ${path} as the root file system: ${why}`,
    {
      code,
      path,
      stage: 'config',
      cause,
    },
  );
}
