import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab, type Mutate } from '../support/lab.js';
import { patience } from '../support/patience.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = process.geteuid?.() === 0;
const ip = (...args: string[]): string =>
  execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const quietly = (...args: string[]): void => void spawnSync('ip', args, { stdio: 'ignore' });

/** Names that nobody else has: the test's pid is in them. */
const name = (letter: string): string => `t${process.pid}${letter}`.slice(-15);
const [a, b, peer, namespace] = [name('a'), name('b'), name('p'), `tsrunc-${process.pid}`];
const hasVeth =
  root && spawnSync('ip', ['link', 'add', a, 'type', 'veth', 'peer', peer]).status === 0;
quietly('link', 'del', a);
const veth = skipUnless(hasVeth, 'root, iproute2 and veth devices');

interface Device {
  readonly ifindex: number;
  readonly mtu: number;
  readonly address: string;
  readonly up: boolean;
  readonly addresses: readonly string[];
}

/** What a device is like, in this network namespace or the named one. Link-local addresses are the kernel's own affair. */
function look(device: string, ...where: string[]): Device | undefined {
  const { status, stdout } = spawnSync('ip', [...where, '-j', 'address', 'show', 'dev', device], {
    encoding: 'utf8',
  });
  if (status !== 0) return undefined;
  const [found] = JSON.parse(stdout);
  return {
    ifindex: found.ifindex,
    mtu: found.mtu,
    address: found.address,
    up: found.flags.includes('UP'),
    addresses: found.addr_info
      .filter(
        ({ scope, dynamic }: { scope: string; dynamic?: boolean }) => scope !== 'link' && !dynamic,
      )
      .map((one: Record<string, unknown>) =>
        [
          one['local'],
          one['prefixlen'],
          one['broadcast'],
          one['label'],
          one['metric'],
          one['address'],
        ]
          .filter((part) => part !== undefined)
          .join(' '),
      ),
  };
}

/** A pair of devices of which `a`, with addresses of all sorts, is for containers. */
function makeDevices(): void {
  ip('link', 'add', a, 'mtu', '1432', 'type', 'veth', 'peer', peer);
  ip('link', 'set', peer, 'up');
  ip('link', 'set', a, 'up');
  ip('address', 'add', '10.99.7.2/24', 'brd', '10.99.7.255', 'dev', a, 'label', a);
  ip('address', 'add', '10.99.7.3/24', 'dev', a, 'label', `${a}:x`);
  ip('address', 'add', '10.99.8.1', 'peer', '10.99.8.2/32', 'dev', a, 'metric', '77');
  ip('address', 'add', '169.254.9.9/16', 'scope', 'link', 'dev', a);
  ip('address', 'add', '10.99.9.9/24', 'valid_lft', '900', 'preferred_lft', '900', 'dev', a);
  ip('address', 'add', 'fd00:99::1/64', 'dev', a, 'nodad');
  ip('address', 'add', 'fd00:99::2/64', 'dev', a, 'nodad');
}

/** Runs a body with devices, which are gone afterwards wherever they were left. */
const withDevices = (body: () => void) => (): void => {
  makeDevices();
  ip('netns', 'add', namespace);
  try {
    body();
  } finally {
    quietly('netns', 'del', namespace);
    quietly('link', 'del', peer);
    quietly('link', 'del', a);
    quietly('link', 'del', b);
  }
};

const withNetDevices =
  (netDevices: Record<string, { name?: string }>, args: string[] = ['true']): Mutate =>
  (spec) => {
    spec.process.args = args;
    spec.linux.netDevices = netDevices;
  };

const joining =
  (netDevices: Record<string, { name?: string }>, args?: string[]): Mutate =>
  (spec, bundle) => {
    withNetDevices(netDevices, args)(spec, bundle);
    spec.linux.namespaces = spec.linux.namespaces.map((entry) =>
      entry.type === 'network' ? { ...entry, path: `/run/netns/${namespace}` } : entry,
    );
  };

veth(test)(
  'a device is moved into a new network namespace, renamed, up and with its addresses',
  withDevices(() => {
    const out = lab.inside(
      'cat /sys/class/net/eth0/mtu /sys/class/net/eth0/flags; cat /proc/net/if_inet6 /proc/net/fib_trie /proc/net/dev; cat /proc/sys/net/ipv4/conf/eth0/rp_filter',
      (spec) => {
        spec.linux.netDevices = { [a]: { name: 'eth0' } };
        // A device's own sysctl, so the device has to be there first.
        spec.linux.sysctl = { 'net.ipv4.conf.eth0.rp_filter': '2' };
      },
    );
    assert.match(out, /^1432\n0x1003\n/);
    for (const address of ['10.99.7.2', '10.99.7.3', '10.99.8.1'])
      assert.match(out, `${address}\n`);
    assert.match(out, /^fd000099000000000000000000000001 .* eth0$/m);
    assert.match(out, /^fd000099000000000000000000000002 .* eth0$/m);
    assert.match(out, /\n2$/);
    // Neither global nor permanent, or not there under its old name any more.
    for (const absent of ['169.254.9.9', '10.99.9.9', a]) assert.not.match(out, absent);
    // It went with its namespace, and the host's side with it: the kernel takes its time for that.
    assert.is(look(a), undefined);
    for (const late = Date.now() + patience(30_000); look(peer) !== undefined; )
      assert.ok(Date.now() < late, `${peer} is still there`);
  }),
);

veth(test)(
  'every attribute of an address goes along into a namespace that is joined, where the device stays',
  withDevices(() => {
    const before = look(a);
    lab.ok(['run', '--bundle', lab.bundle(joining({ [a]: {} })), lab.name()]);
    const after = look(a, '-n', namespace);
    assert.equal(after, {
      ...before,
      ifindex: after?.ifindex,
      addresses: before?.addresses.filter((address) => !address.startsWith('10.99.9.9')),
    });
    assert.is(after?.up, true);
    assert.is(look(a), undefined);
  }),
);

veth(test)(
  'labels follow the new name, and a device that was down is up',
  withDevices(() => {
    ip('link', 'set', a, 'down');
    lab.ok(['run', '--bundle', lab.bundle(joining({ [a]: { name: 'net7' } })), lab.name()]);
    const after = look('net7', '-n', namespace);
    assert.is(after?.up, true);
    assert.match(after?.addresses.join('\n') ?? '', '10.99.7.3 24 net7:x');
  }),
);

veth(test)(
  'a template gets the next free number; two devices can change names',
  withDevices(() => {
    ip('link', 'add', b, 'type', 'veth', 'peer', name('q'));
    ip('-n', namespace, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'other0');
    const devices = { [a]: { name: 'eth%d' }, [b]: { name: 'eth%d' } };
    lab.ok(['run', '--bundle', lab.bundle(joining(devices)), lab.name()]);
    assert.is(look('eth1', '-n', namespace)?.mtu, 1432);
    assert.is(look('eth2', '-n', namespace)?.mtu, 1500);
  }),
);

veth(test)(
  'two devices take each other’s name',
  withDevices(() => {
    ip('link', 'add', b, 'type', 'veth', 'peer', name('q'));
    const devices = { [a]: { name: b }, [b]: { name: a } };
    lab.ok(['run', '--bundle', lab.bundle(joining(devices)), lab.name()]);
    assert.is(look(b, '-n', namespace)?.mtu, 1432);
    assert.is(look(a, '-n', namespace)?.mtu, 1500);
  }),
);

veth(test)(
  'a create that fails afterwards gives the devices back as they were',
  withDevices(() => {
    const before = look(a);
    const late: Mutate = (spec) => {
      spec.linux.netDevices = { [a]: { name: 'eth0' } };
      spec.process.args = ['/not/there'];
    };
    assert.match(lab.refuses(late), 'no such file');
    assert.equal(look(a), before);
    assert.match(lab.refuses(joining({ [a]: { name: 'x' } }, ['/not/there'])), 'no such file');
    assert.equal(look(a), before);
    assert.is(look('x', '-n', namespace), undefined);
  }),
);

veth(test)(
  'a failed hook of createRuntime has seen the devices in the container, and they come back',
  withDevices(() => {
    const before = look(a);
    const message = lab.refuses((spec) => {
      spec.linux.netDevices = { [a]: { name: 'eth0' } };
      const script = `grep -o '"pid":[0-9]*' | (IFS=: read x pid; nsenter -t $pid -n ip -o link show eth0) >&2; exit 3`;
      spec.hooks.createRuntime = [{ path: '/bin/sh', args: ['sh', '-c', script] }];
    });
    assert.match(message, /eth0.* mtu 1432/);
    assert.equal(look(a), before);
  }),
);

veth(test)(
  'nothing is moved when one of several devices is missing or its name is taken',
  withDevices(() => {
    const before = look(a);
    const missing = lab.refuses(withNetDevices({ [a]: {}, nosuch0: {} }));
    assert.match(missing, 'linux.netDevices["nosuch0"]');
    assert.match(missing, 'there is no such network device');
    ip('link', 'add', b, 'type', 'veth', 'peer', name('q'));
    ip('-n', namespace, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'other0');
    const taken = lab.refuses(joining({ [a]: {}, [b]: { name: 'eth0' } }));
    assert.match(taken, `linux.netDevices["${b}"]`);
    assert.match(taken, 'has a device "eth0" already');
    assert.equal(look(a), before);
  }),
);

veth(test)(
  'a namespace that is the runtime’s own, and a device that can’t be moved, are refused',
  withDevices(() => {
    const before = look(a);
    const own = lab.refuses((spec, bundle) => {
      joining({ [a]: { name: 'eth9' } })(spec, bundle);
      for (const entry of spec.linux.namespaces)
        if (entry.type === 'network') entry.path = '/proc/self/ns/net';
    });
    assert.match(own, "is the runtime's own");
    const lo = lab.refuses(withNetDevices({ [a]: {}, lo: { name: 'eth9' } }));
    assert.match(lo, 'linux.netDevices["lo"]: cannot move the device into the container');
    assert.equal(look(a), before);
  }),
);

veth(test)(
  'the root of a user namespace gets devices too',
  withDevices(() => {
    const out = lab.inside(
      'cat /sys/class/net/eth0/mtu; ip link set eth0 mtu 1400 && cat /sys/class/net/eth0/mtu',
      (spec) => {
        spec.linux.netDevices = { [a]: { name: 'eth0' } };
        spec.linux.namespaces.push({ type: 'user' });
        spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
        spec.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
        for (const set of ['bounding', 'effective', 'permitted'] as const)
          spec.process.capabilities[set] = ['CAP_NET_ADMIN'];
      },
    );
    assert.is(out, '1432\n1400');
  }),
);

lab.finish(test);
