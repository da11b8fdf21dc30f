/** The command's code: an expression that is a function of `require`, its own file name and the addon. */
export function readBundle(
  folder: string,
  read: (path: string) => string,
): { readonly file: string; readonly source: string } {
  const file = `${folder}/cli.cjs`;
  return { file, source: read(file) };
}

/** Given by the bundler: the hash of cli.cjs. V8 itself compares no more of a text than its length. */
declare const BUNDLE_HASH: string;

/** Where its compiled form is: one for each text and V8, since none takes another's. */
export function cacheFile(folder: string, part: string): string {
  return `${folder}/${part}.${BUNDLE_HASH}.${process.versions.v8}-${process.arch}.cache`;
}

/** All that any call may need. */
export const WHOLE = 'cli';
