/** Where the `tsrunc` command begins. */
import { carryOut } from './carry-out.js';
import { ownProcess } from './command-caller.js';
import { endProcess } from './exit.js';

// Until it is known better: a promise that never settles would let Node end with 0.
process.exitCode = 1;
void carryOut(process.argv.slice(2), ownProcess).then(endProcess);
