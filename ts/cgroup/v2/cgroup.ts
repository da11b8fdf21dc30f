import type { LinuxResources } from '../../spec/types.js';
import type { CgroupLocation } from '../cgroup.js';
import { readControl, unlessGone, writeControl } from '../control-files.js';
import { createCgroups, frozen, notEmpty, threaded } from '../create.js';
import { applyWrites, type Limit } from '../limits.js';
import { removeCgroups } from '../remove.js';
import { type CgroupNative, killProcesses, SIGKILL, signalProcesses } from '../signals.js';
import type { PlannedCgroup } from '../systemd/cgroup.js';
import { processesBelow } from '../tree.js';
import { enableControllers } from './controllers.js';
import { delegate } from './delegate.js';
import { ruleDevices } from './devices.js';
import { readEvents } from './freezer.js';
import { planV2, refuseV2 } from './plan.js';

/** A container's cgroup in the one hierarchy of cgroup v2. */
export class CgroupV2 implements PlannedCgroup {
  readonly location: CgroupLocation;
  readonly #native: CgroupNative;
  readonly #directory: string;

  constructor(location: CgroupLocation, native: CgroupNative) {
    this.location = location;
    this.#native = native;
    this.#directory = location.directories['unified'] ?? '';
  }

  refuse(resources: LinuxResources): void {
    refuseV2(this.#directory, resources);
  }

  create(): void {
    createCgroups([this.#directory], (directory) => {
      refuseThreaded(directory);
      const events = readEvents(directory);
      // systemd has put its first process into it by then.
      if (this.location.systemd === undefined && events.populated) throw notEmpty(directory);
      if (events.frozen) throw frozen(directory);
      enableControllers(directory);
    });
  }

  limits(resources: LinuxResources): Limit[] {
    return planV2(this.#directory, resources).flatMap(({ limits }) => limits);
  }

  apply(resources: LinuxResources): void {
    applyWrites(planV2(this.#directory, resources));
    const { devices } = resources;
    if (devices?.length) ruleDevices(this.#directory, devices, this.#native);
  }

  delegate(uid: number): void {
    delegate(this.#directory, uid);
  }

  readonly joinFiles = [];

  get birthplace(): string {
    return this.#directory;
  }

  processes(): number[] {
    return processesBelow(this.#directory);
  }

  signalAll(signal: number): void {
    if (signal === SIGKILL) this.#strike();
    else signalProcesses(this.#native, () => this.processes(), signal);
  }

  kill(): Promise<void> {
    return killProcesses(
      this.#native,
      () => this.processes(),
      () => this.#strike(),
    );
  }

  remove(): Promise<void> {
    return removeCgroups([this.#directory], () => this.kill());
  }

  /** SIGKILL to all at one stroke: the kernel sees to processes that are being forked, and to frozen ones. */
  #strike(): void {
    unlessGone(() => writeControl(this.#directory, 'cgroup.kill', '1'));
  }
}

function refuseThreaded(directory: string): void {
  const type = unlessGone(() => readControl(directory, 'cgroup.type')) ?? 'domain';
  if (type === 'threaded' || type === 'domain invalid') throw threaded(directory, type);
}
