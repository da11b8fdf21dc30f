import { TsruncError } from '../errors.js';
import { loadNative } from '../native/addon.js';
import { type FileStatus, isDirectory, isLink } from '../native/files.js';
import { failedWith, systemFailure } from './failure.js';

/**
 * State is acted on with the caller's rights: it names processes to kill and cgroups to
 * remove. So nothing is read from a place where another user could have put it.
 * Throws UNTRUSTED_STATE; `what` is how a sentence begins: `the state folder /tmp/x`.
 */
export function refuseUntrusted(what: string, path: string, status: FileStatus): void {
  const uid = process.geteuid?.() ?? 0;
  if (status.uid !== uid) {
    throw untrusted(
      path,
      `${what} belongs to user ${status.uid}, not to user ${uid} who runs tsrunc`,
    );
  }
  if ((status.mode & 0o022) !== 0) {
    throw untrusted(
      path,
      `${what} can be written by other users; run "chmod go-w" on it if it is yours`,
    );
  }
}

/** Throws UNTRUSTED_STATE unless `path` is a folder (no link to one) of the caller's own. False when there is nothing. */
export function isOwnFolder(what: string, path: string): boolean {
  let status: FileStatus;
  try {
    status = loadNative().lstat(path);
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return false;
    throw systemFailure(`cannot look at ${path}`, error);
  }
  if (!isDirectory(status)) throw untrusted(path, `${what} is not a folder`);
  refuseUntrusted(what, path, status);
  return true;
}

/**
 * The same for the root of all state, which may be a symbolic link if root or the caller
 * made it: in /tmp, a link of somebody else would lead into any folder of the caller's.
 */
export function isOwnRoot(path: string): boolean {
  const what = `the state folder ${path}`;
  try {
    const { lstat, stat } = loadNative();
    const link = lstat(path);
    if (!isLink(link)) return isOwnFolder(what, path);
    if (link.uid !== 0 && link.uid !== process.geteuid?.()) {
      throw untrusted(path, `${what} is a link made by user ${link.uid}`);
    }
    const target = stat(path);
    if (!isDirectory(target)) throw untrusted(path, `${what} is not a folder`);
    refuseUntrusted(what, path, target);
    return true;
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) return false;
    throw systemFailure(`cannot look at ${what}`, error);
  }
}

/** The error for state that somebody else may have made or changed. */
export function untrusted(path: string, message: string): TsruncError {
  return new TsruncError(message, { code: 'UNTRUSTED_STATE', stage: 'state', path });
}
