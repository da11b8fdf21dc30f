/** config.json's properties, their types and which are required (config.md, config-linux.md of 1.3). */
import {
  hookKinds,
  namespaceTypes,
  propagations,
  rlimitTypes,
  seccompActions,
  seccompArchitectures,
  seccompFlags,
  seccompOperators,
} from './names.js';
import {
  absolutePath,
  type Check,
  filled,
  flag,
  id,
  int32,
  int64,
  integer,
  list,
  map,
  oneOf,
  record,
  text,
  uint16,
  uint32,
  uint64,
} from './schema.js';

const idMappings = list(
  record(
    { containerID: id, hostID: id, size: integer(1, 0xffff_ffff) },
    'containerID',
    'hostID',
    'size',
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

const process = record(
  {
    terminal: flag,
    consoleSize: record({ height: uint16, width: uint16 }, 'height', 'width'),
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
    scheduler: record(
      {
        policy: oneOf([
          'SCHED_OTHER',
          'SCHED_FIFO',
          'SCHED_RR',
          'SCHED_BATCH',
          'SCHED_ISO',
          'SCHED_IDLE',
          'SCHED_DEADLINE',
        ]),
        nice: integer(-20, 19),
        priority: int32,
        flags: list(
          oneOf([
            'SCHED_FLAG_RESET_ON_FORK',
            'SCHED_FLAG_RECLAIM',
            'SCHED_FLAG_DL_OVERRUN',
            'SCHED_FLAG_KEEP_POLICY',
            'SCHED_FLAG_KEEP_PARAMS',
            'SCHED_FLAG_UTIL_CLAMP_MIN',
            'SCHED_FLAG_UTIL_CLAMP_MAX',
          ]),
        ),
        runtime: uint64,
        deadline: uint64,
        period: uint64,
      },
      'policy',
    ),
    ioPriority: record(
      {
        class: oneOf(['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE']),
        priority: integer(0, 7),
      },
      'class',
      'priority',
    ),
    execCPUAffinity: record({ initial: text, final: text }),
  },
  'cwd',
  'user',
);

const hooks = list(
  record(
    { path: absolutePath, args: list(text), env: list(text), timeout: integer(1, 0x7fff_ffff) },
    'path',
  ),
);

const seccomp = record(
  {
    defaultAction: oneOf(seccompActions),
    defaultErrnoRet: uint32,
    architectures: list(oneOf(seccompArchitectures)),
    flags: list(oneOf(seccompFlags)),
    listenerPath: text,
    listenerMetadata: text,
    syscalls: list(
      record(
        {
          names: list(filled),
          action: oneOf(seccompActions),
          errnoRet: uint32,
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
);

const deviceNumbers = { major: int64, minor: int64 };
const throttle = list(record({ ...deviceNumbers, rate: uint64 }, 'major', 'minor', 'rate'));

const resources = record({
  devices: list(
    record({ allow: flag, type: oneOf(['a', 'b', 'c']), ...deviceNumbers, access: text }, 'allow'),
  ),
  memory: record({
    limit: int64,
    reservation: int64,
    swap: int64,
    kernel: int64,
    kernelTCP: int64,
    swappiness: uint64,
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
    cpus: text,
    mems: text,
    idle: int64,
  }),
  pids: record({ limit: int64 }),
  blockIO: record({
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
  hugepageLimits: list(record({ pageSize: filled, limit: uint64 }, 'pageSize', 'limit')),
  network: record({
    classID: uint32,
    priorities: list(record({ name: filled, priority: uint32 }, 'name', 'priority')),
  }),
  rdma: map(record({ hcaHandles: uint32, hcaObjects: uint32 })),
  unified: map(text),
});

const linux = record({
  namespaces: list(record({ type: oneOf(namespaceTypes), path: text }, 'type')),
  uidMappings: idMappings,
  gidMappings: idMappings,
  timeOffsets: map(record({ secs: int64, nanosecs: uint32 })),
  devices: list(
    record(
      {
        type: oneOf(['c', 'b', 'u', 'p']),
        path: absolutePath,
        ...deviceNumbers,
        fileMode: integer(0, 0o7777),
        uid: id,
        gid: id,
      },
      'type',
      'path',
    ),
  ),
  netDevices: map(record({ name: text })),
  cgroupsPath: text,
  resources,
  intelRdt: record({
    closID: text,
    schemata: list(text),
    l3CacheSchema: text,
    memBwSchema: text,
    enableMonitoring: flag,
  }),
  memoryPolicy: record({ mode: filled, nodes: text, flags: list(text) }, 'mode'),
  sysctl: map(text),
  seccomp,
  // Empty is Go's way to say nothing.
  rootfsPropagation: oneOf(['', ...propagations]),
  maskedPaths: list(absolutePath),
  readonlyPaths: list(absolutePath),
  mountLabel: text,
  personality: record({ domain: oneOf(['LINUX', 'LINUX32']), flags: list(text) }, 'domain'),
});

/** The whole of config.json. */
export const shape: Check = record(
  {
    ociVersion: text,
    root: record({ path: filled, readonly: flag }, 'path'),
    mounts: list(mount),
    process,
    hostname: text,
    domainname: text,
    hooks: record(Object.fromEntries(hookKinds.map((kind) => [kind, hooks]))),
    annotations: map(text),
    linux,
  },
  'ociVersion',
);
