import type { NotifyProxy } from '../console/notify-proxy.js';
import { TsruncError } from '../errors.js';
import type { DeviceMover } from '../network/devices.js';
import type { ResctrlPlan } from '../resctrl/group.js';
import type { Linux, Spec } from '../spec/types.js';
import type { ContainerFolder } from '../state/folder.js';
import type { StoredState } from '../state/state.js';
import type { Undo } from '../undo.js';
import type { Context } from './context.js';
import { makeNotifyFolder, openNotifyProxy, withNotifySocket } from './notify.js';
import type { CreateOptions } from './options.js';

/**
 * What only some containers get from the host: network devices, a class of service (RDT), a notification
 * socket. What does the work is loaded for those alone.
 */
export class Provisions {
  /** The bundle's configuration, and what the call adds to it. */
  readonly spec: Spec;
  readonly #context: Context;
  readonly #linux: Linux;
  readonly #notifySocket: string | undefined;
  #mover: DeviceMover | undefined;
  #resctrl: ResctrlPlan | undefined;
  #proxy: NotifyProxy | undefined;

  constructor(context: Context, id: string, spec: Spec, { notifySocket }: CreateOptions) {
    this.#context = context;
    this.#linux = spec.linux ?? {};
    this.#notifySocket = notifySocket;
    const directory = `${context.store.root}/${id}`;
    this.spec = notifySocket === undefined ? spec : withNotifySocket(spec, directory);
  }

  /** What passes on that the container is ready, when it is started at once. */
  get proxy(): NotifyProxy | undefined {
    return this.#proxy;
  }

  /** Finds what is wrong or missing before anything is made. Returns what is to be written down of it. */
  async check(id: string): Promise<Pick<StoredState, 'resctrl'>> {
    const { netDevices = {}, intelRdt } = this.#linux;
    if (Object.keys(netDevices).length > 0) {
      const { DeviceMover, requireDevices } = await import('../network/devices.js');
      await requireDevices(this.#context.native, netDevices);
      this.#mover = new DeviceMover(this.#context.native);
    }
    if (intelRdt === undefined) return {};
    const { ResctrlPlan, resctrlRoot } = await import('../resctrl/index.js');
    this.#resctrl = new ResctrlPlan(resctrlRoot(), id, intelRdt);
    return { resctrl: this.#resctrl.groups };
  }

  /** Makes what has to be there before init. `startNow`: the program runs in this very call. */
  async make(folder: ContainerFolder, startNow: boolean, undo: Undo): Promise<void> {
    this.#resctrl?.create(undo);
    if (this.#notifySocket === undefined) return;
    makeNotifyFolder(folder);
    if (startNow) await this.#openProxy(folder, this.#notifySocket, undo);
  }

  /** Before init does anything that could leave a process elsewhere. */
  cloned(pid: number): void {
    this.#resctrl?.join(pid);
  }

  async moveNetDevices(pid: number, undo: Undo): Promise<void> {
    await this.#mover?.move(pid, this.#linux.netDevices ?? {}, undo);
  }

  /** To be called when neither the container nor its undoing needs this any more. */
  close(): void {
    this.#mover?.close();
  }

  /** Nobody waits for a container in the foreground to be ready: that nobody can be told doesn't stop it, as under runc. */
  async #openProxy(folder: ContainerFolder, host: string, undo: Undo): Promise<void> {
    const { native, warn } = this.#context;
    try {
      this.#proxy = await openNotifyProxy(native, folder, host);
      undo.add('close the notification socket', () => this.#proxy?.close());
    } catch (error) {
      if (!(error instanceof TsruncError)) throw error;
      warn(error.message);
    }
  }
}
