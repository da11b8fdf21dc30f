/** Pods through CRI-O: `npm run daemons -- --newest`, since Debian doesn't have it. */
import { Bed } from './bed.js';
import { Crio, crioPrograms } from './crio.js';
import { checkPods } from './pods.js';

const bed = new Bed(crioPrograms);
checkPods(bed, new Crio(bed));
bed.finish();
