import { TsruncError } from '../errors.js';

/** NAME_MAX: an ID is the name of a folder. */
const longest = 255;

/** Whether `id` may name a container: `[A-Za-z0-9_+.-]+`, neither `.` nor `..`, at most 255 characters. */
export function isId(id: string): boolean {
  return id.length <= longest && /^[A-Za-z0-9_+.-]+$/.test(id) && id !== '.' && id !== '..';
}

/** Throws INVALID_ARGUMENT for what can't be a container's ID (see `isId`). */
export function checkId(id: string): void {
  if (isId(id)) return;
  const shown = JSON.stringify(id.length > 64 ? `${id.slice(0, 64)}…` : id);
  throw new TsruncError(
    `invalid container ID ${shown}: use 1 to ${longest} of the characters A-Z a-z 0-9 _ + . - (and neither "." nor "..")`,
    { code: 'INVALID_ARGUMENT', stage: 'state' },
  );
}
