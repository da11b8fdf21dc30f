import type { LinuxResources } from '../../spec/types.js';
import type { Cgroup, CgroupLocation } from '../cgroup.js';
import { readControl, unlessGone, writeControl } from '../control-files.js';
import { createCgroups, frozen, notEmpty } from '../create.js';
import { type Limit, writeLimits } from '../limits.js';
import { removeCgroups } from '../remove.js';
import { type CgroupNative, killProcesses, SIGKILL, signalProcesses } from '../signals.js';
import { processesBelow } from '../tree.js';
import { cpusetLimits } from '../v1/cpuset.js';
import { pidsLimits } from '../v1/pids.js';
import { enableControllers, requireController } from './controllers.js';
import { cpuLimits } from './cpu.js';
import { ruleDevices } from './devices.js';
import { isFrozen, readEvents } from './freezer.js';
import { memoryLimits } from './memory.js';

/** A container's cgroup in the one hierarchy of cgroup v2. */
export class CgroupV2 implements Cgroup {
  readonly location: CgroupLocation;
  readonly #native: CgroupNative;
  readonly #directory: string;

  constructor(location: CgroupLocation, native: CgroupNative) {
    this.location = location;
    this.#native = native;
    this.#directory = location.directories['unified'] ?? '';
  }

  create(): void {
    createCgroups([this.#directory], (directory) => {
      const events = readEvents(directory);
      if (events.populated) throw notEmpty(directory);
      if (events.frozen) throw frozen(directory);
      enableControllers(directory);
    });
  }

  apply({ memory, cpu, pids, devices }: LinuxResources): void {
    if (memory) this.#write('memory', 'memory', (read) => memoryLimits(memory, read));
    if (cpu) {
      this.#write('cpu', 'cpu', (read) => cpuLimits(cpu, read));
      this.#write('cpuset', 'cpu', () => cpusetLimits(cpu));
    }
    if (pids) this.#write('pids', 'pids', () => pidsLimits(pids));
    if (devices?.length) ruleDevices(this.#directory, devices, this.#native);
  }

  readonly joinFiles = [];

  get birthplace(): string {
    return this.#directory;
  }

  processes(): number[] {
    return processesBelow(this.#directory);
  }

  isFrozen(): boolean {
    return isFrozen(this.#directory);
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

  #write(
    controller: string,
    section: string,
    plan: (read: (file: string) => string) => Limit[],
  ): void {
    const directory = this.#directory;
    const limits = plan((file) => {
      requireController(directory, controller, section);
      return readControl(directory, file);
    });
    const [first] = limits;
    if (first === undefined) return;
    requireController(directory, controller, first.name);
    writeLimits(directory, limits);
  }
}
