/**
 * A world (world.mjs) in which systemd is process 1, with a bus and nothing else of the host's services: all of the
 * host's files are read-only there but what lies in /run, /tmp and /var, which begin empty.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { noWorld, World } from './world.mjs';

const systemd = '/lib/systemd/systemd';

/** All units that there are: systemd's own would start the host's services, and clean its /tmp. */
const units = {
  'tsrunc.target': '[Unit]\nRequires=dbus.service\nAfter=dbus.service\n',
  'sysinit.target': '[Unit]\nDefaultDependencies=no\n',
  'basic.target': '[Unit]\nDefaultDependencies=no\n',
  'shutdown.target': '[Unit]\nDefaultDependencies=no\n',
  'dbus.socket':
    '[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n',
  'dbus.service':
    '[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n[Service]\nType=notify\nNotifyAccess=main\n' +
    'ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation\n',
};

/** Why there can't be one here, or undefined. */
export function noSystemdWorld() {
  for (const program of [systemd, '/usr/bin/dbus-daemon', '/usr/bin/systemd-run'])
    if (!existsSync(program)) return `${program} (Debian's packages systemd and dbus)`;
  return noWorld();
}

export class SystemdWorld {
  #world;
  #child;
  #pid = '';

  /** @param folders of the host's that are there and can be written to */
  constructor(...folders) {
    this.#world = new World();
    const files = Object.entries(units).map(
      ([name, text]) => `printf '%s' '${text}' > /run/units/${name}`,
    );
    const script = [
      // Nothing of the host's may be within reach of what a booting systemd does to files.
      ...folders.map(
        (folder, index) => `mkdir /run/kept${index}; mount --bind '${folder}' /run/kept${index}`,
      ),
      'mount -o remount,bind,ro /',
      'for each in /tmp /var; do mount -t tmpfs tmpfs $each; done',
      ...folders.map(
        (folder, index) => `mkdir -p '${folder}'; mount --move /run/kept${index} '${folder}'`,
      ),
      'mkdir -p /run/units /run/dbus /var/lib /var/tmp; umount /dev/null || true',
      ...files,
      'echo booted > /run/tsrunc-world',
      `exec env -i container=tsrunc PATH="$PATH" SYSTEMD_UNIT_PATH=/run/systemd/system.control:/run/systemd/transient:/run/units ${systemd} --unit=tsrunc.target --log-target=console`,
    ];
    const [command, ...args] = this.#world.enter(['sh', '-ec', script.join('\n')]);
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Resolves when systemd has started all that there is. */
  async booted() {
    let log = '';
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        log += text;
      });
    let over = false;
    this.#child.once('exit', () => {
      over = true;
    });
    for (;;) {
      if (over) throw new Error(`systemd did not start: ${log}`);
      this.#pid = this.#first();
      if (this.#pid !== '' && this.#run(['systemctl', 'is-active', 'tsrunc.target']).status === 0)
        return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The first process of the world's pid namespace: unshare(1)'s child. */
  #first() {
    const children = `/proc/${this.#child.pid}/task/${this.#child.pid}/children`;
    return existsSync(children) ? readFileSync(children, 'utf8').trim() : '';
  }

  #run(command) {
    const [program, ...args] = this.enter(command);
    return spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** The command line that runs another one in this world, outside of all units. */
  enter(command) {
    return ['nsenter', '--target', this.#pid, '--all', ...command];
  }

  /** The command line that runs another one as a service of this world, with the caller's descriptors 0, 1 and 2. */
  service(command, env = {}) {
    const variables = Object.entries(env).map(([name, value]) => `--setenv=${name}=${value}`);
    const flags = ['--quiet', '--wait', '--pipe', '--collect', '--property=Delegate=yes'];
    return this.enter(['systemd-run', ...flags, ...variables, '--', ...command]);
  }

  /** Ends everything in it. Returns the cgroups that containers have left. */
  async remove() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      // unshare(1) ends with the first process of its pid namespace, and all others with that.
      if (this.#pid !== '') process.kill(Number(this.#pid), 'SIGKILL');
      else this.#child.kill('SIGKILL');
      await ended;
    }
    return this.#world.remove();
  }
}
