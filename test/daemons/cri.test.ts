/** Pods through containerd's Container Runtime Interface. */
import { Bed } from './bed.js';
import { Containerd, containerdPrograms } from './containerd.js';
import { checkPods } from './pods.js';

const bed = new Bed(containerdPrograms);
const containerd = new Containerd(bed);
checkPods(bed, { socket: containerd.socket, start: () => containerd.start({ cri: true }) });
bed.finish();
