/** The machine's disk: Debian from its packages, with a kernel, an initrd and the host's Node. Kept under .cache/vm. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { executable } from '../requirements.mjs';
import { root, run, StepError, step } from '../steps.mjs';

export const cache = join(root, '.cache', 'vm');

const suite = 'bookworm';
/** What runs in the machine, and what the tests call. */
const packages = [
  ...['systemd', 'systemd-sysv', 'dbus', 'dbus-user-session', 'libpam-systemd', 'kmod', 'cpio'],
  ...['apparmor', 'uidmap', 'iproute2', 'procps', 'python3', 'strace', 'attr', 'e2fsprogs'],
  // The tests' own programs are compiled there.
  ...['busybox-static', 'binutils', 'gcc', 'libc6-dev', 'libasan8', 'libubsan1'],
  ...['runc', 'crun'],
];

/** The programs of the host that this takes, and the packages that bring them. */
const tools = {
  mmdebstrap: 'mmdebstrap',
  'mkfs.ext4': 'e2fsprogs',
  'qemu-system-x86_64': 'qemu-system-x86',
  setpriv: 'util-linux',
};

/** Between Debian's kernel and the disk stand these, each after those that it needs. */
const modules = [
  ...['virtio_ring', 'virtio', 'virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio_pci'],
  ...['virtio_blk', 'crc32c_generic', 'libcrc32c', 'crc16', 'mbcache', 'jbd2', 'ext4'],
];

const initScript = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for module in ${modules.join(' ')}; do test ! -f /$module.ko || /bin/busybox insmod /$module.ko; done
for try in $(/bin/busybox seq 600); do
  /bin/busybox mount -t ext4 -o noatime /dev/vda /root && break
  /bin/busybox sleep 0.1
done
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
`;

/**
 * The job's output and the end of it go through the second serial port: the first one is the console. The project is a
 * tar archive written to the second disk as it is.
 */
const service = `[Unit]
Description=The job that this machine was started for
After=multi-user.target systemd-user-sessions.service apparmor.service

[Service]
# Not oneshot: the boot is to end, and the system to be running, while the job goes on.
Type=exec
ExecStart=/bin/sh -c 'stty -F /dev/ttyS1 raw -echo; mkdir -p /tsrunc; cd /tsrunc; tar xf /dev/vdb; exec sh scripts/vm/job.sh'
ExecStopPost=/bin/sh -c 'sync; systemctl poweroff --force --force'
StandardInput=null
StandardOutput=file:/dev/ttyS1
StandardError=inherit
TasksMax=infinity
Delegate=yes
Environment=HOME=/root LANG=C.UTF-8

[Install]
WantedBy=graphical.target
`;

const files = {
  'etc/systemd/system/tsrunc-job.service': service,
  'etc/hostname': 'tsrunc-vm\n',
  'etc/hosts': '127.0.0.1 localhost tsrunc-vm\n',
  'etc/fstab': '',
  'etc/machine-id': '',
};

function checkTools() {
  const missing = Object.keys(tools).filter((name) => executable(name) === undefined);
  if (missing.length === 0 && process.getuid() === 0) return;
  const names = missing.map((name) => tools[name]).join(' ');
  throw new StepError(
    missing.length > 0
      ? `The virtual machine takes programs that are not here: apt-get install ${names}`
      : 'Making the disk of the virtual machine takes root.',
  );
}

const recipe = () =>
  createHash('sha256')
    .update(process.version)
    .update(readFileSync(new URL(import.meta.url)))
    .digest('hex')
    .slice(0, 16);

async function debootstrap(tree) {
  const env = { ...process.env, TMPDIR: cache };
  await run(
    'vm-debian',
    'nice',
    [
      'mmdebstrap',
      '--variant=minbase',
      `--include=${packages.join(',')}`,
      '--aptopt=Acquire::Retries "3"',
      // The kernel's package would make an initrd of its own, with much that isn't needed.
      '--customize-hook=mkdir "$1/kernel" && chroot "$1" sh -c \'cd /kernel && apt-get download "$(apt-cache depends linux-image-amd64 | sed -n "s/.*Depends: \\(linux-image-6.*\\)/\\1/p")"\'',
      suite,
      tree,
    ],
    { env },
  );
}

async function installKernel(tree) {
  const [archive = ''] = readdirSync(join(tree, 'kernel'));
  // Not over the root itself: the archive's folder `lib` would take the place of the link.
  const unpack = `dpkg-deb -x /kernel/${archive} /kernel && cp -a /kernel/lib/modules /lib/ && cp /kernel/boot/* /boot`;
  await run('vm-kernel', 'chroot', [tree, 'sh', '-c', unpack]);
  rmSync(join(tree, 'kernel'), { recursive: true });
  const [version = ''] = readdirSync(join(tree, 'lib/modules'));
  await run('vm-depmod', 'chroot', [tree, 'depmod', version]);
  const initrd = join(tree, 'initrd');
  for (const folder of ['bin', 'dev', 'root']) mkdirSync(join(initrd, folder), { recursive: true });
  copyFileSync(join(tree, 'bin/busybox'), join(initrd, 'bin/busybox'));
  const all = readdirSync(join(tree, 'lib/modules', version), { recursive: true });
  for (const name of modules) {
    const file = all.find((path) => basename(path) === `${name}.ko`);
    // What isn't there is built in.
    if (file !== undefined)
      copyFileSync(join(tree, 'lib/modules', version, file), join(initrd, `${name}.ko`));
  }
  writeFileSync(join(initrd, 'init'), initScript, { mode: 0o755 });
  chmodSync(join(initrd, 'bin/busybox'), 0o755);
  const pack = 'cd /initrd && find . | cpio --quiet -o -H newc | gzip > /boot/initrd.img';
  await run('vm-initrd', 'chroot', [tree, 'sh', '-c', pack]);
  rmSync(initrd, { recursive: true });
  return version;
}

/** Node as the host has it, with its libraries that Debian's base lacks. */
async function configure(tree) {
  copyFileSync(process.execPath, join(tree, 'usr/bin/node'));
  chmodSync(join(tree, 'usr/bin/node'), 0o755);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(tree, name), content);
  const setup = [
    'systemctl enable tsrunc-job.service',
    'systemctl set-default graphical.target',
    // Nothing that runs by itself while tests measure.
    'systemctl mask serial-getty@ttyS0.service serial-getty@ttyS1.service getty@tty1.service ' +
      'apt-daily.timer apt-daily-upgrade.timer systemd-timesyncd.service e2scrub_all.timer fstrim.timer',
    'rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /usr/share/doc /usr/share/locale /usr/share/man',
    'useradd -m -s /bin/sh tester',
    'node --version',
  ];
  await run('vm-configure', 'chroot', [tree, 'sh', '-ec', setup.join('\n')]);
}

/** The folder with vmlinuz, initrd.img and root.ext4; made if the recipe has changed. */
export async function image() {
  const folder = join(cache, recipe());
  if (existsSync(folder)) return folder;
  checkTools();
  mkdirSync(cache, { recursive: true });
  const half = join(cache, `half-${process.pid}`);
  const tree = join(half, 'tree');
  mkdirSync(half);
  try {
    await step('installing Debian for the virtual machine', () => debootstrap(tree));
    await step('making its disk', async () => {
      const version = await installKernel(tree);
      await configure(tree);
      copyFileSync(join(tree, 'boot', `vmlinuz-${version}`), join(half, 'vmlinuz'));
      copyFileSync(join(tree, 'boot/initrd.img'), join(half, 'initrd.img'));
      rmSync(join(tree, 'boot'), { recursive: true });
      mkdirSync(join(tree, 'boot'));
      const options = [
        '-q',
        '-F',
        '-L',
        'tsrunc',
        '-E',
        'lazy_itable_init=1',
        '-O',
        '^has_journal',
      ];
      const disk = join(half, 'root.ext4');
      await run('vm-mkfs', 'mkfs.ext4', [...options, '-d', tree, disk, '6G']);
    });
    rmSync(tree, { recursive: true });
    for (const old of readdirSync(cache)) {
      if (/^[0-9a-f]{16}$/.test(old)) rmSync(join(cache, old), { recursive: true });
    }
    renameSync(half, folder);
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
  return folder;
}
