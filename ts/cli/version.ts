import packageJson from '../../package.json' with { type: 'json' };
import { specVersion } from '../lifecycle/features.js';
import { print } from './output.js';

const { version } = packageJson;

/**
 * Prints what go-runc, Docker and CRI-O parse. go-runc wants `runc version ` first and, in its older
 * versions, exactly three lines with one separator each; callers that compare versions want
 * semantic versioning, in which what follows the `+` doesn't count: this is a runc that knows
 * specification 1.3.
 */
export function printVersion(): void {
  print(
    `runc version ${specVersion}+tsrunc.${version}\ncommit: tsrunc-${version}\nspec: ${specVersion}\n`,
  );
}
