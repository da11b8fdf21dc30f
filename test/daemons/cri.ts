/** The kubelet's side of the Container Runtime Interface (k8s.io/cri-api, runtime/v1), by the numbers of its fields. */
import { GrpcClient, type Message, type Reply } from './grpc.js';

export interface Pod {
  readonly id: string;
  readonly config: Message;
}

export interface PodOptions {
  /** The runtime handler, which a RuntimeClass names. */
  readonly handler: string;
  readonly logs: string;
  readonly sysctls?: Readonly<Record<string, string>>;
}

export interface ContainerOptions {
  readonly image: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly mounts?: readonly { readonly from: string; readonly to: string }[];
  readonly memory?: number;
  readonly user?: number;
  readonly readonlyRootfs?: boolean;
  readonly dropAll?: boolean;
}

export const states = ['created', 'running', 'exited', 'unknown'] as const;

export class Cri {
  readonly #grpc: GrpcClient;
  #count = 0;

  constructor(socket: string) {
    this.#grpc = new GrpcClient(socket);
  }

  close(): void {
    this.#grpc.close();
  }

  #runtime(method: string, message: Message): Promise<Reply> {
    return this.#grpc.call(`/runtime.v1.RuntimeService/${method}`, message);
  }

  async version(): Promise<string> {
    const reply = await this.#runtime('Version', { 1: 'v1' });
    return `${reply.text(2)} ${reply.text(3)}`;
  }

  /** What the server says of each handler, from its `features`. Before containerd 2.0 there is none. */
  async handlers(): Promise<
    ReadonlyMap<string, { readonlyMounts: boolean; userNamespaces: boolean }>
  > {
    const reply = await this.#runtime('Status', {});
    const entries = reply.messages(3).map((handler) => {
      const features = handler.message(2);
      const flags = {
        readonlyMounts: features.number(1) === 1,
        userNamespaces: features.number(2) === 1,
      };
      return [handler.text(1), flags] as const;
    });
    return new Map(entries);
  }

  async hasImage(name: string): Promise<boolean> {
    const reply = await this.#grpc.call('/runtime.v1.ImageService/ImageStatus', { 1: { 1: name } });
    return reply.message(1).text(1) !== '';
  }

  async runPod({ handler, logs, sysctls = {} }: PodOptions): Promise<Pod> {
    const name = `pod${++this.#count}`;
    const config = {
      1: { 1: name, 2: `uid-${name}`, 3: 'default' },
      2: name,
      3: logs,
      8: { 2: { 1: ownPids }, 3: pairs(sysctls) },
    };
    const reply = await this.#runtime('RunPodSandbox', { 1: config, 2: handler });
    return { id: reply.text(1), config };
  }

  /** Creates a container in a pod. Its output goes to NAME.log in the pod's folder. */
  async create(
    pod: Pod,
    name: string,
    args: readonly string[],
    options: ContainerOptions,
  ): Promise<string> {
    const { image, env = {}, mounts = [], memory, user, readonlyRootfs, dropAll } = options;
    const security = {
      1: dropAll ? { 2: ['ALL'] } : undefined,
      3: ownPids,
      5: user === undefined ? undefined : { 1: user },
      7: readonlyRootfs,
    };
    const config = {
      1: { 1: name },
      // As it is pulled, and as the pod has it.
      2: { 1: image, 18: image },
      3: args,
      6: pairs(env),
      7: mounts.map(({ from, to }) => ({ 1: to, 2: from })),
      11: `${name}.log`,
      15: { 1: memory === undefined ? undefined : { 4: memory }, 2: security },
    };
    const reply = await this.#runtime('CreateContainer', { 1: pod.id, 2: config, 3: pod.config });
    return reply.text(1);
  }

  async start(id: string): Promise<void> {
    await this.#runtime('StartContainer', { 1: id });
  }

  async exec(
    id: string,
    command: readonly string[],
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const reply = await this.#runtime('ExecSync', { 1: id, 2: command, 3: 120 });
    return { code: reply.number(3), stdout: reply.text(1), stderr: reply.text(2) };
  }

  async status(id: string): Promise<{ state: string; code: number; reason: string }> {
    const status = (await this.#runtime('ContainerStatus', { 1: id })).message(1);
    const state = states[status.number(3)] ?? 'unknown';
    return { state, code: status.number(7), reason: status.text(10) };
  }

  async stats(id: string): Promise<{ cpuNanoseconds: number; memoryBytes: number }> {
    const stats = (await this.#runtime('ContainerStats', { 1: id })).message(1);
    return {
      cpuNanoseconds: stats.message(2).message(2).number(1),
      memoryBytes: stats.message(3).message(2).number(1),
    };
  }

  async update(id: string, memory: number): Promise<void> {
    await this.#runtime('UpdateContainerResources', { 1: id, 2: { 4: memory } });
  }

  async stop(id: string, seconds: number): Promise<void> {
    await this.#runtime('StopContainer', { 1: id, 2: seconds });
  }

  async remove(id: string): Promise<void> {
    await this.#runtime('RemoveContainer', { 1: id });
  }

  /** The ids of all containers and pods. */
  async all(): Promise<string[]> {
    const lists = await Promise.all(
      ['ListContainers', 'ListPodSandbox'].map((method) => this.#runtime(method, {})),
    );
    return lists.flatMap((list) => list.messages(1).map((each) => each.text(1)));
  }

  async removePod({ id }: Pod): Promise<void> {
    await this.#runtime('StopPodSandbox', { 1: id });
    await this.#runtime('RemovePodSandbox', { 1: id });
  }
}

/** As the kubelet has it unless a pod asks for shareProcessNamespace. */
const ownPids = { 2: 1 };

const pairs = (map: Readonly<Record<string, string>>): Message[] =>
  Object.entries(map).map(([key, value]) => ({ 1: key, 2: value }));
