import { join } from 'node:path';
import { isSystemError, TsruncError } from '../../errors.js';
import type { LinuxResources } from '../../spec/types.js';
import type { CgroupLocation } from '../cgroup.js';
import { unlessGone, writeControl } from '../control-files.js';
import { createCgroups, frozen, notEmpty } from '../create.js';
import { mayRuleDevices, resolveDeviceRules } from '../device-rules.js';
import { applyWrites, type Limit, writeLimits } from '../limits.js';
import { removeCgroups } from '../remove.js';
import { type CgroupNative, killProcesses, SIGKILL, signalProcesses } from '../signals.js';
import type { PlannedCgroup } from '../systemd/cgroup.js';
import { processesBelow } from '../tree.js';
import { fillCpuset } from './cpuset.js';
import { deviceLimits } from './devices.js';
import { freeze, isFrozen, thaw } from './freezer.js';
import { hierarchyWith, planV1, refuseV1, withoutHierarchy } from './plan.js';

/** A container's cgroup in each of the v1 hierarchies and, on a hybrid host, in the cgroup2 one beside them. */
export class CgroupV1 implements PlannedCgroup {
  readonly location: CgroupLocation;
  readonly #native: CgroupNative;
  readonly #directories: readonly string[];
  readonly #unified: string | undefined;
  readonly #freezer: string | undefined;
  /** The one that is asked for the processes. It's killed first: cgroup2 does that at one stroke. */
  readonly #main: string;

  constructor(location: CgroupLocation, native: CgroupNative) {
    this.location = location;
    this.#native = native;
    this.#unified = location.directories['unified'];
    this.#freezer = this.#find('freezer');
    const directories = Object.values(location.directories);
    this.#main = this.#unified ?? this.#freezer ?? directories[0] ?? '';
    this.#directories = [
      this.#main,
      ...directories.filter((directory) => directory !== this.#main),
    ];
  }

  refuse(resources: LinuxResources): void {
    refuseV1(this.location, resources);
    this.#deviceLimits(resources);
  }

  create(): void {
    const cpuset = this.#find('cpuset');
    createCgroups(this.#directories, (directory, made) => {
      if (
        this.location.systemd === undefined &&
        made.length === 0 &&
        processesBelow(directory).length > 0
      )
        throw notEmpty(directory);
      if (directory === cpuset) fillCpuset(directory);
      if (directory === this.#freezer && isFrozen(directory)) throw frozen(directory);
    });
  }

  limits(resources: LinuxResources): Limit[] {
    return planV1(this.location, resources).flatMap(({ limits }) => limits);
  }

  apply(resources: LinuxResources): void {
    const rules = this.#deviceLimits(resources);
    applyWrites(planV1(this.location, resources));
    const directory = this.#find('devices');
    if (directory !== undefined) writeDevices(directory, rules);
  }

  delegate(): void {}

  get joinFiles(): readonly string[] {
    const hierarchies = this.#directories.filter((directory) => directory !== this.#unified);
    return hierarchies.map((directory) => join(directory, 'tasks'));
  }

  get birthplace(): string | undefined {
    return this.#unified;
  }

  processes(): number[] {
    return processesBelow(this.#main);
  }

  signalAll(signal: number): void {
    if (signal === SIGKILL) this.#strike(this.#main);
    else signalProcesses(this.#native, () => this.processes(), signal);
  }

  kill(): Promise<void> {
    return this.#kill(this.#main);
  }

  remove(): Promise<void> {
    return removeCgroups(this.#directories, (directory) => this.#kill(directory));
  }

  #kill(directory: string): Promise<void> {
    const list = (): number[] => processesBelow(directory);
    return killProcesses(this.#native, list, () => this.#strike(directory));
  }

  /**
   * SIGKILL to all. While the freezer holds them they can't fork, and the signal is the first thing they find when
   * it lets go. The freezer may have held them before, too, and then nothing but letting go ends them.
   */
  #strike(directory: string): void {
    if (directory === this.#unified) {
      unlessGone(() => writeControl(directory, 'cgroup.kill', '1'));
      if (this.#freezer !== undefined) thaw(this.#freezer);
      return;
    }
    if (this.#freezer !== undefined) freeze(this.#freezer);
    try {
      signalProcesses(this.#native, () => processesBelow(directory), SIGKILL);
    } finally {
      if (this.#freezer !== undefined) thaw(this.#freezer);
    }
  }

  #deviceLimits({ devices }: LinuxResources): Limit[] {
    const limits = devices?.length ? deviceLimits(resolveDeviceRules(devices)) : [];
    if (limits.length > 0 && this.#find('devices') === undefined)
      throw withoutHierarchy('devices', 'devices');
    return limits;
  }

  #find(controller: string): string | undefined {
    return hierarchyWith(this.location, controller);
  }
}

function writeDevices(directory: string, limits: readonly Limit[]): void {
  try {
    writeLimits(directory, limits);
  } catch (error) {
    if (!(error instanceof TsruncError) || !isRefusal(error.cause) || mayRuleDevices()) throw error;
  }
}

function isRefusal(error: unknown): boolean {
  return isSystemError(error) && (error.code === 'EPERM' || error.code === 'EACCES');
}
