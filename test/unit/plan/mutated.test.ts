/**
 * Configurations with anything wrong in them: each is refused in words, or planned and encoded. Never another
 * exception, and nothing of the names in it changes what all objects have. TSRUNC_ROUNDS says how many.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TsruncError } from '../../../ts/errors.js';
import { encode } from '../../../ts/native/encode.js';
import { plan } from '../../../ts/plan/plan.js';
import { defaultSpec, rootlessSpec } from '../../../ts/spec/default.js';
import { parseSpec } from '../../../ts/spec/parse.js';
import { layouts, requestFor } from './fixture.js';

/** With something of every kind in it, so that there is much to change. */
const rich = {
  ...defaultSpec(),
  process: {
    ...defaultSpec().process,
    user: { uid: 1, gid: 2, umask: 18, additionalGids: [3, 4] },
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 10, hard: 20 }],
    oomScoreAdj: 5,
    scheduler: { policy: 'SCHED_OTHER', nice: 3, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 4 },
    execCPUAffinity: { initial: '0', final: '0-1' },
    consoleSize: { width: 80, height: 24 },
  },
  mounts: [
    ...(defaultSpec().mounts ?? []),
    { destination: '/a', type: 'tmpfs', source: 'tmpfs', options: ['size=1m', 'tmpcopyup', 'rro'] },
    { destination: 'b', type: 'bind', source: '/etc', options: ['rbind', 'ro', 'rslave'] },
  ],
  hooks: {
    prestart: [{ path: '/bin/true', args: ['true'], env: ['A=1'], timeout: 3 }],
    poststop: [{ path: '/bin/true' }],
  },
  annotations: { 'org.example.a': 'b' },
  domainname: 'there',
  linux: {
    ...defaultSpec().linux,
    uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
    gidMappings: [{ containerID: 0, hostID: 1000, size: 10 }],
    namespaces: [...(defaultSpec().linux?.namespaces ?? []), { type: 'user' }, { type: 'time' }],
    timeOffsets: { monotonic: { secs: 1, nanosecs: 2 } },
    devices: [{ type: 'c', path: '/dev/x', major: 1, minor: 5, fileMode: 438, uid: 0, gid: 0 }],
    sysctl: { 'net.ipv4.ip_forward': '1' },
    netDevices: { eth0: { name: 'eth1' } },
    personality: { domain: 'LINUX32', flags: [] },
    memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] },
    rootfsPropagation: 'slave',
    resources: {
      memory: { limit: 10_000_000, swap: 20_000_000, reservation: 5_000_000 },
      cpu: { shares: 100, quota: 1000, period: 10_000, cpus: '0-1', mems: '0' },
      pids: { limit: 5 },
      blockIO: { weight: 10, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 600 }] },
      hugepageLimits: [{ pageSize: '2MB', limit: 1000 }],
      network: { classID: 1, priorities: [{ name: 'eth0', priority: 5 }] },
      devices: [{ allow: false, access: 'rwm' }],
      unified: { 'memory.high': '10000' },
    },
    seccomp: {
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['SCMP_ARCH_X86_64'],
      syscalls: [
        {
          names: ['read', 'write'],
          action: 'SCMP_ACT_ALLOW',
          args: [{ index: 0, value: 1, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }],
        },
      ],
    },
  },
};

const bases = [rich, defaultSpec(), rootlessSpec(1000, 100)].map((spec) => JSON.stringify(spec));

/** What a value may be replaced by; `undefined` takes it out. */
const surprise = fc.oneof(
  fc.constantFrom<unknown>(
    ...[undefined, null, true, false, 0, -1, 1.5, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 63), 1e308],
    ...['', '.', '..', '/', '/..', '\0', 'a\nb', '-', '%s', '\u{10ffff}', 'x'.repeat(5000)],
    ...[[], [[]], {}, { __proto__: null, path: '/' }, [null], ['']],
  ),
  fc.jsonValue(),
);
const name = fc.constantFrom('__proto__', 'constructor', 'toString', 'path', 'type', '', 'uid');

interface Change {
  readonly steps: readonly number[];
  readonly kind: 'value' | 'twice' | 'name';
  readonly value: unknown;
  readonly key: string;
}

const change: fc.Arbitrary<Change> = fc.record({
  steps: fc.array(fc.nat(1000), { minLength: 1, maxLength: 8 }),
  kind: fc.constantFrom('value', 'value', 'value', 'twice', 'name'),
  value: surprise,
  key: name,
});

/** As JSON.parse makes it, of any name. */
const own = (value: unknown): PropertyDescriptor => ({
  value: value === undefined ? undefined : JSON.parse(JSON.stringify(value)),
  enumerable: true,
  configurable: true,
  writable: true,
});

/** Goes down as far as there is something, and changes what it finds there. */
function apply(spec: object, { steps, kind, value, key }: Change): void {
  let parent = spec as Record<string, unknown>;
  let at = '';
  for (const step of steps) {
    const keys = Object.keys(parent);
    if (keys.length === 0) break;
    at = keys[step % keys.length] as string;
    const below = parent[at];
    if (typeof below !== 'object' || below === null || step % 7 === 0) break;
    if (Object.keys(below).length > 0) parent = below as Record<string, unknown>;
  }
  if (kind === 'twice' && Array.isArray(parent)) parent.push(parent[Number(at)]);
  else if (kind === 'name') Object.defineProperty(parent, key, own(value));
  else if (value === undefined) delete parent[at];
  else if (at !== '') Object.defineProperty(parent, at, own(value));
}

test('any configuration is refused in words, or planned', () => {
  let planned = 0;
  let refused = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...bases),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...(Object.keys(layouts) as (keyof typeof layouts)[])),
      (base, changes, layout) => {
        const spec = JSON.parse(base);
        for (const each of changes) apply(spec, each);
        try {
          const program = plan(requestFor(parseSpec(JSON.stringify(spec)), { layout }));
          // Filters are libseccomp's affair.
          const start = program.start.filter(({ op }) => op !== 'loadSeccomp');
          assert.ok(encode({ ...program, start }).length > 0);
          planned++;
        } catch (error) {
          assert.instance(error, TsruncError, String((error as Error).stack));
          assert.match((error as Error).message, /^[^\n]{5,}$/);
          refused++;
        }
        assert.equal(Object.keys(Object.prototype), []);
      },
    ),
    { numRuns: Number(process.env['TSRUNC_ROUNDS'] ?? 3000), includeErrorInReport: true },
  );
  assert.ok(planned > 100 && refused > 100, `${planned} planned, ${refused} refused`);
});

test.run();
