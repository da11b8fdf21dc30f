import type { LinuxResources } from '../../spec/types.js';
import type { Cgroup, CgroupLocation, ScopeRequest, SystemdUnit } from '../cgroup.js';
import type { Limit } from '../limits.js';
import type { BusNative, Manager } from './bus.js';

/** A cgroup that one of the drivers writes to, which says beforehand what. */
export interface PlannedCgroup extends Cgroup {
  apply(resources: LinuxResources): void;
  limits(resources: LinuxResources): Limit[];
}

/**
 * The cgroup of a scope: systemd makes it and ends it, and is told of the limits that it knows. They are written to
 * the files too, all of them: systemd has no property for many, and rounds some.
 */
export class SystemdCgroup implements Cgroup {
  readonly #inner: PlannedCgroup;
  readonly #native: BusNative;
  readonly #unit: SystemdUnit;

  constructor(inner: PlannedCgroup, unit: SystemdUnit, native: BusNative) {
    this.#inner = inner;
    this.#unit = unit;
    this.#native = native;
  }

  get location(): CgroupLocation {
    return this.#inner.location;
  }

  refuse(resources: LinuxResources): void {
    this.#inner.refuse(resources);
  }

  async begin({ id, pid, annotations, devices }: ScopeRequest): Promise<void> {
    const { scopeProperties, deviceProperties } = await import('./properties.js');
    const { annotatedProperties } = await import('./annotations.js');
    const manager = await this.#manager();
    await manager.startScope(this.#unit.unit, [
      ...scopeProperties(id, this.#unit.slice, pid, this.#version),
      ...(devices?.length ? deviceProperties(devices) : []),
      ...annotatedProperties(annotations),
    ]);
  }

  /** What systemd doesn't make: hierarchies of v1 that it doesn't manage. */
  create(): void {
    this.#inner.create();
  }

  async apply(resources: LinuxResources): Promise<void> {
    const { limitProperties, deviceProperties } = await import('./properties.js');
    const properties = [
      ...limitProperties(this.#inner.limits(resources), this.#version),
      ...(resources.devices?.length ? deviceProperties(resources.devices) : []),
    ];
    if (properties.length > 0)
      await (await this.#manager()).setProperties(this.#unit.unit, properties);
    this.#inner.apply(resources);
  }

  delegate(uid: number): void {
    this.#inner.delegate(uid);
  }

  get joinFiles(): readonly string[] {
    return this.#inner.joinFiles;
  }

  get birthplace(): string | undefined {
    return this.#inner.birthplace;
  }

  processes(): number[] {
    return this.#inner.processes();
  }

  signalAll(signal: number): void {
    this.#inner.signalAll(signal);
  }

  kill(): Promise<void> {
    return this.#inner.kill();
  }

  async remove(): Promise<void> {
    await this.#inner.kill();
    await (await this.#manager()).stopUnit(this.#unit.unit);
    await this.#inner.remove();
  }

  /** Which of its properties systemd uses: on a hybrid host those of v1. */
  get #version(): 'v1' | 'v2' {
    return this.location.version === 'v2' ? 'v2' : 'v1';
  }

  async #manager(): Promise<Manager> {
    const { Manager } = await import('./bus.js');
    return new Manager(this.#native, this.#unit.user);
  }
}
