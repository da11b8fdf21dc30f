import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bed, executable, image, ok } from './bed.js';
import { makeNetworkPlugins } from './network-plugins.js';

/** Podman brings the image into the storage that both share. */
export const crioPrograms = { crio: 'cri-o', pinns: 'cri-o', conmon: 'conmon', podman: 'podman' };

/** CRI-O with its own folders and sockets, and the image. */
export class Crio {
  readonly #bed: Bed;
  readonly #folder: string;

  constructor(bed: Bed) {
    this.#bed = bed;
    this.#folder = join(bed.folder, 'crio');
  }

  get socket(): string {
    return join(this.#folder, 's');
  }

  async start(): Promise<void> {
    mkdirSync(join(this.#folder, 'none'), { recursive: true });
    this.#addImage();
    const policy = join(this.#folder, 'policy.json');
    writeFileSync(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
    const config = join(this.#folder, 'crio.conf');
    writeFileSync(config, this.#configuration(policy));
    const command = ['--config', config, '--config-dir', join(this.#folder, 'none')];
    await this.#bed.daemon(['crio', ...command], /Registered SIGHUP reload watcher/);
  }

  /** docs/integrations.md, "CRI-O", and what a machine without AppArmor, and a test, need. */
  #configuration(policy: string): string {
    const folder = this.#folder;
    return `[crio]
root = "${folder}/root"
runroot = "${folder}/runroot"
storage_driver = "overlay"
log_dir = "${folder}/log"
version_file = "${folder}/version"
clean_shutdown_file = "${folder}/clean.shutdown"
[crio.api]
listen = "${this.socket}"
[crio.runtime]
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
default_runtime = "under-test"
apparmor_profile = "unconfined"
namespaces_dir = "${folder}/namespaces"
container_exits_dir = "${folder}/exits"
container_attach_socket_dir = "${folder}/attach"
hooks_dir = []
cdi_spec_dirs = []
pinns_path = "${executable('pinns')}"
[crio.runtime.runtimes.under-test]
runtime_path = "${this.#bed.runtime}"
runtime_type = "oci"
runtime_root = "${folder}/state"
monitor_path = "${executable('conmon')}"
monitor_cgroup = "pod"
[crio.image]
pause_image = "${image}"
pause_command = ""
signature_policy = "${policy}"
[crio.network]
network_dir = "${folder}/cni"
plugin_dirs = ["${makeNetworkPlugins(join(folder, 'cni'))}"]
[crio.nri]
enable_nri = false
`;
  }

  #addImage(): void {
    const storage = [
      '--root',
      join(this.#folder, 'root'),
      '--runroot',
      join(this.#folder, 'runroot'),
    ];
    const podman = (...args: string[]): string =>
      ok('podman', this.#bed.call('podman', [...storage, '--storage-driver', 'overlay', ...args]));
    const id = podman('pull', '--quiet', `oci-archive:${this.#bed.image('oci')}`).trim();
    podman('tag', id, image);
  }
}
