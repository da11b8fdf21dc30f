/** What building and testing needs from the machine, how to see it, and what each packager calls it. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

const has = (file) => existsSync(file);

export function executable(name) {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    try {
      const file = join(folder || '.', name);
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** The library folders of Debian's, Fedora's and Alpine's kind. */
function libraryFolders() {
  const multiarch = readdirSync('/usr/lib').filter((name) => name.endsWith('-linux-gnu'));
  return [
    '/usr/local/lib',
    '/usr/lib64',
    '/usr/lib',
    ...multiarch.map((name) => `/usr/lib/${name}`),
  ];
}

/** The first statically linked busybox: a dynamic one can't run in a root file system of its own. */
export function staticBusybox() {
  const places = [
    executable('busybox'),
    '/bin/busybox.static',
    '/usr/sbin/busybox',
    '/bin/busybox',
  ];
  return places.find((file) => file !== undefined && has(file) && isStatic(file));
}

function isStatic(file) {
  const header = Buffer.alloc(4096);
  const fd = openSync(file, 'r');
  const size = readSync(fd, header, 0, header.length, 0);
  closeSync(fd);
  if (size < 64 || header.toString('latin1', 0, 4) !== '\x7fELF' || header[4] !== 2) return false;
  const table = Number(header.readBigUInt64LE(32));
  const entrySize = header.readUInt16LE(54);
  const entries = header.readUInt16LE(56);
  const PT_INTERP = 3;
  for (let i = 0; i < entries && table + (i + 1) * entrySize <= size; ++i) {
    if (header.readUInt32LE(table + i * entrySize) === PT_INTERP) return false;
  }
  return true;
}

/** `names`: the packages that bring it, for apt-get, dnf and apk. */
export const requirements = [
  {
    what: 'a C++ compiler',
    present: () => executable('g++') !== undefined || executable('c++') !== undefined,
    names: {
      'apt-get': ['g++'],
      dnf: ['gcc-c++', 'libstdc++-static', 'libasan', 'libubsan'],
      apk: ['build-base', 'linux-headers'],
    },
  },
  {
    what: 'make',
    present: () => executable('make') !== undefined,
    names: { 'apt-get': ['make'], dnf: ['make'], apk: ['make'] },
  },
  {
    what: 'cmake',
    present: () => executable('cmake') !== undefined,
    names: { 'apt-get': ['cmake'], dnf: ['cmake'], apk: ['cmake'] },
  },
  {
    what: 'python3 (node-gyp runs on it)',
    present: () => executable('python3') !== undefined,
    names: { 'apt-get': ['python3'], dnf: ['python3'], apk: ['python3'] },
  },
  {
    what: 'the headers of libseccomp',
    present: () => has('/usr/include/seccomp.h') || has('/usr/local/include/seccomp.h'),
    names: { 'apt-get': ['libseccomp-dev'], dnf: ['libseccomp-devel'], apk: ['libseccomp-dev'] },
  },
  {
    what: 'the static library of libseccomp',
    present: () => libraryFolders().some((folder) => has(join(folder, 'libseccomp.a'))),
    names: {
      'apt-get': ['libseccomp-dev'],
      dnf: ['libseccomp-static'],
      apk: ['libseccomp-static'],
    },
  },
  {
    what: 'a static busybox (the containers of the demo and the tests)',
    present: () => staticBusybox() !== undefined,
    names: { 'apt-get': ['busybox-static'], dnf: ['busybox'], apk: ['busybox-static'] },
  },
];

/** The package manager of this machine, as a key of `names`. */
export function packageManager() {
  return ['apt-get', 'dnf', 'apk'].find((name) => executable(name) !== undefined);
}

/** The prefix whose include/node has the headers of the running Node, or undefined. */
export function nodePrefix() {
  const prefix = dirname(dirname(process.execPath));
  return has(join(prefix, 'include', 'node', 'node_api.h')) ? prefix : undefined;
}
