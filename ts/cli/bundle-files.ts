import { readFileSync } from 'node:fs';

/** The command's code: an expression that is a function of `require` and its own file name. */
export function readBundle(folder: string): { readonly file: string; readonly source: string } {
  const file = `${folder}/cli.cjs`;
  // The bundler writes ASCII, which is fastest to read as what it is.
  return { file, source: readFileSync(file, 'latin1') };
}

/** Where its compiled form is: one for each V8, since none takes another's. */
export function cacheFile(folder: string): string {
  return `${folder}/cli.${process.versions.v8}-${process.arch}.cache`;
}
