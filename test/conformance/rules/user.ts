import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mapUsers } from '../config.js';
import type { Context } from '../context.js';
import { section } from '../rule.js';

const user = section('config.md#configPOSIXUser', 'POSIX-platform user');

user.property('uid', 'uid is the process’s, in all four places', async (t) => {
  const said = await t.inside('grep Uid /proc/self/status', (config) => {
    config.process.user.uid = 1234;
  });
  assert.equal(said, 'Uid:\t1234\t1234\t1234\t1234');
});

user.property('gid', 'gid is the process’s, in all four places', async (t) => {
  const said = await t.inside('grep Gid /proc/self/status', (config) => {
    config.process.user.gid = 1235;
  });
  assert.equal(said, 'Gid:\t1235\t1235\t1235\t1235');
});

user.property(
  'additionalGids',
  'additionalGids are the supplementary groups, and no others',
  async (t) => {
    const said = await t.inside('grep Groups /proc/self/status', (config) => {
      config.process.user.additionalGids = [5, 66_000, 7];
    });
    assert.deepEqual(said.replace('Groups:', '').trim().split(/\s+/).map(Number), [5, 7, 66_000]);
  },
);

user.property('additionalGids-none', 'without them there are none', async (t) => {
  assert.equal((await t.inside('grep Groups /proc/self/status')).replace('Groups:', '').trim(), '');
});

user.property('umask', 'umask is the process’s', async (t) => {
  const said = await t.inside('umask', (config) => {
    config.process.user.umask = 0o137;
  });
  assert.equal(said, '0137');
});

user.property('umask-unset', 'without umask it stays the caller’s', async (t) => {
  assert.equal(await t.inside('umask', undefined, { prelude: 'umask 031' }), '0031');
});

user.property('namespace', 'the ids are those of the container’s user namespace', async (t) => {
  const container = await t.start(
    'grep -E "^[UG]id|Groups" /proc/self/status; exec sleep 1000',
    (config) => {
      mapUsers(config, 100_000);
      config.process.user = { uid: 11, gid: 12, additionalGids: [13] };
    },
  );
  assert.match(container.firstLine, /^Uid:\t11\t/);
  const status = readFileSync(`/proc/${await container.pid()}/status`, 'utf8');
  assert.match(status, /^Uid:\t100011\t/m);
  assert.match(status, /^Gid:\t100012\t/m);
  assert.match(status, /^Groups:\t100013/m);
});

const capabilities = section('config.md#configLinuxProcess', 'Capabilities');

const numbers = { CAP_CHOWN: 0, CAP_KILL: 5, CAP_SETUID: 7, CAP_NET_BIND_SERVICE: 10 };
const mask = (...names: (keyof typeof numbers)[]): string =>
  names
    .reduce((sum, name) => sum | (1n << BigInt(numbers[name])), 0n)
    .toString(16)
    .padStart(16, '0');

/** Each set differs from every other one. */
const sets = {
  bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID', 'CAP_NET_BIND_SERVICE'],
  permitted: ['CAP_KILL', 'CAP_SETUID', 'CAP_NET_BIND_SERVICE'],
  inheritable: ['CAP_KILL', 'CAP_SETUID'],
  effective: ['CAP_KILL', 'CAP_NET_BIND_SERVICE'],
  ambient: ['CAP_SETUID'],
} as const satisfies Record<string, readonly (keyof typeof numbers)[]>;

async function capabilityOf(t: Context, line: string, uid = 1000) {
  const said = await t.inside(`grep ${line} /proc/self/status`, (config) => {
    config.process.user = { uid, gid: uid };
    config.process.capabilities = structuredClone(sets) as unknown as Record<string, string[]>;
  });
  return said.split('\t')[1];
}

// Of a user other than root an exec leaves P'(permitted) = P(ambient), capabilities(7): the sets are seen through it.
capabilities.property(
  'capabilities.bounding',
  'the bounding set is the configured one',
  async (t) => {
    assert.equal(await capabilityOf(t, 'CapBnd'), mask(...sets.bounding));
  },
);
capabilities.property(
  'capabilities.inheritable',
  'the inheritable set is the configured one',
  async (t) => {
    assert.equal(await capabilityOf(t, 'CapInh'), mask(...sets.inheritable));
  },
);
capabilities.property(
  'capabilities.ambient',
  'the ambient set is the configured one',
  async (t) => {
    assert.equal(await capabilityOf(t, 'CapAmb'), mask(...sets.ambient));
  },
);
capabilities.property(
  'capabilities.permitted',
  'a user keeps of permitted what is ambient',
  async (t) => {
    assert.equal(await capabilityOf(t, 'CapPrm'), mask(...sets.ambient));
  },
);
capabilities.property(
  'capabilities.effective',
  'a user keeps of effective what is ambient',
  async (t) => {
    assert.equal(await capabilityOf(t, 'CapEff'), mask(...sets.ambient));
  },
);

capabilities.property('capabilities.root', 'root has what the bounding set leaves', async (t) => {
  for (const line of ['CapPrm', 'CapEff'])
    assert.equal(await capabilityOf(t, line, 0), mask(...sets.bounding), line);
});

capabilities.property('capabilities.none', 'without capabilities there are none', async (t) => {
  const said = await t.inside('grep -E "Cap(Prm|Eff|Bnd|Inh|Amb)" /proc/self/status', (config) => {
    config.process.capabilities = {};
  });
  assert.equal(said.match(/\t0{16}/g)?.length, 5, said);
});

capabilities.must(
  'capabilities.unknown-warning',
  'an unknown capability is warned of',
  async (t) => {
    const { stderr, code } = await t.run('true', (config) => {
      config.process.capabilities.bounding?.push('CAP_NO_SUCH_THING');
    });
    assert.match(stderr, /CAP_NO_SUCH_THING/i);
    assert.equal(code, 0, 'a warning does not change the flow');
  },
);

capabilities.shouldNot(
  'capabilities.not-granted',
  'a capability that the caller lacks is no failure',
  async (t) => {
    const own = BigInt(
      `0x${/CapBnd:\t(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]}`,
    );
    const lacking = (['CAP_SYS_RESOURCE', 'CAP_SYS_BOOT', 'CAP_SYS_MODULE'] as const).find(
      (_, index) => (own & (1n << ([24n, 22n, 16n][index] ?? 0n))) === 0n,
    );
    t.needs(lacking !== undefined, 'a caller without some capability');
    await t.inside('true', (config) => {
      for (const set of ['bounding', 'permitted', 'effective'])
        config.process.capabilities[set]?.push(lacking ?? '');
    });
  },
);

const rlimits = section('config.md#configPOSIXProcess', 'POSIX process');

/** The name in the configuration and the line of /proc/self/limits; all below what a host has as its hard limits. */
const resources: readonly [type: string, line: string, soft: number, hard: number][] = [
  ['RLIMIT_AS', 'Max address space', 1 << 30, 2 ** 31],
  ['RLIMIT_CORE', 'Max core file size', 0, 4096],
  ['RLIMIT_CPU', 'Max cpu time', 100, 200],
  ['RLIMIT_DATA', 'Max data size', 1 << 30, 2 ** 31],
  ['RLIMIT_FSIZE', 'Max file size', 1 << 20, 1 << 21],
  ['RLIMIT_LOCKS', 'Max file locks', 10, 20],
  ['RLIMIT_MEMLOCK', 'Max locked memory', 4096, 8192],
  ['RLIMIT_MSGQUEUE', 'Max msgqueue size', 4096, 8192],
  ['RLIMIT_NICE', 'Max nice priority', 0, 0],
  ['RLIMIT_NOFILE', 'Max open files', 100, 200],
  ['RLIMIT_NPROC', 'Max processes', 100, 200],
  ['RLIMIT_RSS', 'Max resident set', 1 << 30, 2 ** 31],
  ['RLIMIT_RTPRIO', 'Max realtime priority', 0, 0],
  ['RLIMIT_RTTIME', 'Max realtime timeout', 1000, 2000],
  ['RLIMIT_SIGPENDING', 'Max pending signals', 100, 200],
  ['RLIMIT_STACK', 'Max stack size', 1 << 20, 1 << 21],
];
for (const [type, line, soft, hard] of resources) {
  rlimits.must(`rlimits.${type}`, `soft and hard of ${type} are the configured ones`, async (t) => {
    const said = await t.inside(`grep "${line}" /proc/self/limits`, (config) => {
      config.process.rlimits = [{ type, soft, hard }];
    });
    assert.deepEqual(said.slice(26).trim().split(/\s+/).slice(0, 2).map(Number), [soft, hard]);
  });
}

rlimits.must('rlimits.unknown', 'a type that the kernel does not have is an error', async (t) => {
  await t.refuses((config) => {
    config.process.rlimits = [{ type: 'RLIMIT_NO_SUCH', soft: 1, hard: 1 }];
  });
});

rlimits.must('rlimits.duplicate', 'the same type twice is an error', async (t) => {
  const one = { type: 'RLIMIT_NOFILE', soft: 100, hard: 100 };
  await t.refuses((config) => {
    config.process.rlimits = [one, { ...one, soft: 90 }];
  });
});

rlimits.must(
  'rlimits.soft-above-hard',
  'a soft limit above the hard one is an error',
  async (t) => {
    await t.refuses((config) => {
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 200, hard: 100 }];
    });
  },
);

rlimits.property('rlimits.none', 'without rlimits they stay the caller’s', async (t) => {
  assert.equal(await t.inside('ulimit -Sn', undefined, { prelude: 'ulimit -Sn 123' }), '123');
});

export const sections = [user, rlimits, capabilities];
