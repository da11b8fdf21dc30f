import { type Report, show } from '../schema.js';
import type { Spec } from '../types.js';

/** SemVer 2.0.0, of the grammar at semver.org. */
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-((0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;

/** config.md, "Specification version". A minor version above ours only adds properties, which are ignored. */
export function checkVersion({ ociVersion }: Spec, report: Report): void {
  const major = SEMVER.exec(ociVersion)?.[1];
  if (major === undefined)
    report('ociVersion', `must be a version as SemVer 2.0.0 has it, is ${show(ociVersion)}`);
  else if (major !== '1') report('ociVersion', `must be a version 1, is ${show(ociVersion)}`);
}
