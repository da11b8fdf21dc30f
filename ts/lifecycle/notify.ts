/** The container's side of sd_notify(3): where its socket is, on the host and inside. */
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import type { NotifyProxy } from '../console/notify-proxy.js';
import type { Native } from '../native/native.js';
import type { Spec } from '../spec/types.js';
import type { ContainerFolder } from '../state/folder.js';

/** In the container's folder on the host: a folder of its own, since a socket that is bound later can be mounted only so. */
const FOLDER = 'notify';
const SOCKET = 'notify.sock';
/** Where that folder is in the container; runc's. */
const INSIDE = '/run/notify';

/** The configuration of a container that can say that it is ready. `directory`: the container's folder on the host. */
export function withNotifySocket(spec: Spec, directory: string): Spec {
  if (spec.process === undefined) return spec;
  const others = (spec.process.env ?? []).filter((one) => !one.startsWith('NOTIFY_SOCKET='));
  const mount = {
    destination: INSIDE,
    type: 'bind',
    source: `${directory}/${FOLDER}`,
    options: ['bind', 'nosuid', 'noexec', 'nodev', 'ro'],
  };
  return {
    ...spec,
    process: { ...spec.process, env: [...others, `NOTIFY_SOCKET=${INSIDE}/${SOCKET}`] },
    mounts: [...(spec.mounts ?? []), mount],
  };
}

/** Makes the folder for the socket, which every user in the container may enter. */
export function makeNotifyFolder(folder: ContainerFolder): void {
  mkdirSync(folder.path(FOLDER));
  chmodSync(folder.path(FOLDER), 0o755);
}

/** The proxy for a container that was made for one, else undefined. */
export async function openNotifyProxy(
  native: Native,
  folder: ContainerFolder,
  host: string,
): Promise<NotifyProxy | undefined> {
  if (!existsSync(folder.path(FOLDER))) return undefined;
  const { NotifyProxy } = await import('../console/notify-proxy.js');
  const path = folder.path(`${FOLDER}/${SOCKET}`);
  // Of a start that failed.
  rmSync(path, { force: true });
  return new NotifyProxy(native, path, host);
}
