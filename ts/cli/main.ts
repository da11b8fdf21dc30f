/** Where the `tsrunc` command begins. */
import { carryOut } from './carry-out.js';
import { ownProcess } from './command-caller.js';

// Until it is known better: a promise that never settles would let Node end with 0.
process.exitCode = 1;
// Everything was awaited and written by then, so Node's own dismantling, some 3 ms, isn't waited for.
void carryOut(process.argv.slice(2), ownProcess).then((code) => process.exit(code));
