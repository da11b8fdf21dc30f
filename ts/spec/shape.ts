/** config.json's properties, their types and which are required (config.md, config-linux.md of 1.3). */
import {
  hookKinds,
  ioPriorityClasses,
  memoryPolicyFlags,
  memoryPolicyModes,
  namespaceTypes,
  personalityDomains,
  propagations,
  rlimitTypes,
  schedulerFlags,
  schedulerPolicies,
  seccompActions,
  seccompArchitectures,
  seccompFlags,
  seccompOperators,
} from './names.js';
import { MOST_CPUS, MOST_NODES, parseNumberList } from './number-list.js';
import {
  absolutePath,
  type Check,
  filled,
  flag,
  id,
  int32,
  int64,
  integer,
  later,
  list,
  map,
  matching,
  oneOf,
  record,
  show,
  text,
  uint16,
  uint32,
  uint64,
} from './schema.js';

/** CPUs or memory nodes, all below `end`. */
const numberList =
  (end: number): Check =>
  (value, path, report) => {
    text(value, path, report);
    if (typeof value === 'string' && parseNumberList(value, end) === undefined) {
      const expected = `a list of numbers below ${end} and ranges such as 0-2,7`;
      report(path, `must be ${expected}, is ${show(value)}`);
    }
  };
const cpuList = numberList(MOST_CPUS);
const nodeList = numberList(MOST_NODES);

/** A name that is one component of a path, so that nothing outside of its folder can be meant. */
const fileName = matching(/^(?!\.{1,2}$)[^/]+$/, 'the name of a file, without a slash');

/** The kernel's rule for network interfaces (dev_valid_name): of bytes, among which it takes 0xa0 for a space too. */
const interfaceName: Check = (value, path, report) => {
  text(value, path, report);
  if (typeof value !== 'string') return;
  const bytes = new TextEncoder().encode(value);
  const wrong = (byte: number): boolean =>
    (byte >= 9 && byte <= 13) || byte === 32 || byte === 0xa0 || byte === 47 || byte === 58;
  if (value === '.' || value === '..' || bytes.length < 1 || bytes.length > 15 || bytes.some(wrong))
    report(
      path,
      `must be a network interface's name (1 to 15 bytes, no space, "/" or ":"), is ${show(value)}`,
    );
};

/** The same, or a template with one %d, for which the kernel's next free number is put in. */
const newInterfaceName: Check = (value, path, report) => {
  // Go's empty one, as none: it keeps its own.
  if (value === '') return;
  interfaceName(value, path, report);
  if (typeof value === 'string' && value.replace('%d', '').includes('%'))
    report(path, `may have a "%" only as one "%d", is ${show(value)}`);
};

const line = matching(/^[^\n]*$/, 'one line');

const idMappings = later(() =>
  list(
    record(
      { containerID: id, hostID: id, size: integer(1, 0xffff_ffff) },
      'containerID',
      'hostID',
      'size',
    ),
  ),
);

const mount = record(
  {
    destination: filled,
    type: text,
    source: text,
    options: list(text),
    uidMappings: idMappings,
    gidMappings: idMappings,
  },
  'destination',
);

// A name that nobody knows is no error: it is left out with a warning (config.md, "capabilities").
const capabilitySet = list(text);

/** config.md, "Process". */
export const processShape = record(
  {
    terminal: flag,
    consoleSize: later(() => record({ height: uint16, width: uint16 }, 'height', 'width')),
    cwd: absolutePath,
    env: list(text),
    args: list(text),
    user: record(
      { uid: id, gid: id, umask: integer(0, 0o777), additionalGids: list(id) },
      'uid',
      'gid',
    ),
    capabilities: record({
      effective: capabilitySet,
      bounding: capabilitySet,
      inheritable: capabilitySet,
      permitted: capabilitySet,
      ambient: capabilitySet,
    }),
    rlimits: list(
      record({ type: oneOf(rlimitTypes), soft: uint64, hard: uint64 }, 'type', 'soft', 'hard'),
    ),
    noNewPrivileges: flag,
    oomScoreAdj: integer(-1000, 1000),
    apparmorProfile: text,
    selinuxLabel: text,
    scheduler: later(() =>
      record(
        {
          policy: oneOf(schedulerPolicies),
          nice: integer(-20, 19),
          priority: int32,
          flags: list(oneOf(schedulerFlags)),
          runtime: uint64,
          deadline: uint64,
          period: uint64,
        },
        'policy',
      ),
    ),
    ioPriority: later(() =>
      record({ class: oneOf(ioPriorityClasses), priority: integer(0, 7) }, 'class', 'priority'),
    ),
    execCPUAffinity: later(() => record({ initial: cpuList, final: cpuList })),
  },
  'cwd',
  'user',
);

const hooks = later(() =>
  list(
    record(
      { path: absolutePath, args: list(text), env: list(text), timeout: integer(1, 0x7fff_ffff) },
      'path',
    ),
  ),
);

// The kernel returns 16 bits with an action (seccomp(2), SECCOMP_RET_DATA).
const errno = uint16;

const seccomp = later(() =>
  record(
    {
      defaultAction: oneOf(seccompActions),
      defaultErrnoRet: errno,
      architectures: list(oneOf(seccompArchitectures)),
      flags: list(oneOf(seccompFlags)),
      listenerPath: text,
      listenerMetadata: text,
      syscalls: list(
        record(
          {
            names: list(filled),
            action: oneOf(seccompActions),
            errnoRet: errno,
            args: list(
              record(
                {
                  index: integer(0, 5),
                  value: uint64,
                  valueTwo: uint64,
                  op: oneOf(seccompOperators),
                },
                'index',
                'value',
                'op',
              ),
            ),
          },
          'names',
          'action',
        ),
      ),
    },
    'defaultAction',
  ),
);

const deviceNumbers = { major: int64, minor: int64 };
const throttle = list(record({ ...deviceNumbers, rate: uint64 }, 'major', 'minor', 'rate'));

/** config-linux.md, "Control groups". */
export const resourcesShape = record({
  devices: list(
    record(
      {
        allow: flag,
        type: oneOf(['a', 'b', 'c']),
        ...deviceNumbers,
        access: matching(/^[rwm]*$/, 'made of r, w and m'),
      },
      'allow',
    ),
  ),
  memory: record({
    limit: int64,
    reservation: int64,
    swap: int64,
    kernel: int64,
    kernelTCP: int64,
    swappiness: integer(0, 100),
    disableOOMKiller: flag,
    useHierarchy: flag,
    checkBeforeUpdate: flag,
  }),
  cpu: record({
    shares: uint64,
    quota: int64,
    burst: uint64,
    period: uint64,
    realtimeRuntime: int64,
    realtimePeriod: uint64,
    cpus: cpuList,
    mems: nodeList,
    idle: int64,
  }),
  pids: record({ limit: int64 }),
  blockIO: later(() =>
    record({
      weight: uint16,
      leafWeight: uint16,
      weightDevice: list(
        record({ ...deviceNumbers, weight: uint16, leafWeight: uint16 }, 'major', 'minor'),
      ),
      throttleReadBpsDevice: throttle,
      throttleWriteBpsDevice: throttle,
      throttleReadIOPSDevice: throttle,
      throttleWriteIOPSDevice: throttle,
    }),
  ),
  hugepageLimits: later(() =>
    list(
      record(
        {
          pageSize: matching(/^[1-9]\d*[KMGT]B$/, 'a size such as 64KB, 2MB or 1GB'),
          limit: uint64,
        },
        'pageSize',
        'limit',
      ),
    ),
  ),
  network: later(() =>
    record({
      classID: uint32,
      priorities: list(record({ name: interfaceName, priority: uint32 }, 'name', 'priority')),
    }),
  ),
  rdma: later(() => map(record({ hcaHandles: uint32, hcaObjects: uint32 }))),
  unified: map(text, fileName),
});

const linux = record({
  namespaces: list(record({ type: oneOf(namespaceTypes), path: text }, 'type')),
  uidMappings: idMappings,
  gidMappings: idMappings,
  timeOffsets: later(() =>
    map(
      record({ secs: int64, nanosecs: integer(0, 999_999_999) }),
      oneOf(['monotonic', 'boottime']),
    ),
  ),
  devices: later(() =>
    list(
      record(
        {
          type: oneOf(['c', 'b', 'u', 'p']),
          path: absolutePath,
          ...deviceNumbers,
          // Podman writes the type's bits too.
          fileMode: integer(0, 0o177777),
          uid: id,
          gid: id,
        },
        'type',
        'path',
      ),
    ),
  ),
  netDevices: later(() => map(record({ name: newInterfaceName }), interfaceName)),
  cgroupsPath: text,
  resources: resourcesShape,
  intelRdt: later(() =>
    record({
      closID: matching(
        /^(\/|(?!\.{1,2}$)[^/]*)$/,
        'a folder\'s name, or "/" for the default class',
      ),
      schemata: list(line),
      l3CacheSchema: text,
      memBwSchema: matching(/^(MB:[^\n]*)?$/, 'one line that starts with "MB:"'),
      enableMonitoring: flag,
    }),
  ),
  memoryPolicy: later(() =>
    record(
      { mode: oneOf(memoryPolicyModes), nodes: nodeList, flags: list(oneOf(memoryPolicyFlags)) },
      'mode',
    ),
  ),
  sysctl: map(text),
  seccomp,
  // Empty is Go's way to say nothing.
  rootfsPropagation: oneOf(['', ...propagations]),
  maskedPaths: list(absolutePath),
  readonlyPaths: list(absolutePath),
  mountLabel: text,
  personality: later(() =>
    record({ domain: oneOf(personalityDomains), flags: list(text) }, 'domain'),
  ),
});

/** The whole of config.json. */
export const shape: Check = record(
  {
    ociVersion: text,
    root: record({ path: filled, readonly: flag }, 'path'),
    mounts: list(mount),
    process: processShape,
    hostname: text,
    domainname: text,
    hooks: record(Object.fromEntries(hookKinds.map((kind) => [kind, hooks]))),
    annotations: map(text, filled),
    linux,
  },
  'ociVersion',
);
