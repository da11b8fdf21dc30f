import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Context } from '../context.js';
import { section } from '../rule.js';

const devices = section('config-linux.md#configLinuxNetworkDevices', 'Network devices');

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

let made = 0;

/** A network device of the suite's own network namespace: one end of a pair. */
function device(t: Context): string {
  const name = `cf${++made}`;
  try {
    ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`);
  } catch {
    t.skip('wants ip(8) and a kernel with veth');
  }
  t.defer(() => existsSync(`/sys/class/net/${name}p`) && ip('link', 'delete', `${name}p`));
  return name;
}

/** What `ip` says of the devices in a container into which one was moved. */
const inside = (
  t: Context,
  name: string,
  value: object,
  script = 'ip -o addr; ip -o link',
): Promise<string> =>
  t.inside(script, (config) => {
    config.linux.netDevices = { [name]: value };
  });

devices.must(
  'available',
  'a device of the host is in the container, and gone from the host',
  async (t) => {
    const name = device(t);
    const container = await t.start('ip -o link; exec sleep 1000', (config) => {
      config.linux.netDevices = { [name]: {} };
    });
    const seen = readFileSync(`/proc/${await container.pid()}/net/dev`, 'utf8');
    assert.match(seen, new RegExp(`^ *${name}:`, 'm'));
    assert.doesNotMatch(readFileSync('/proc/net/dev', 'utf8'), new RegExp(`^ *${name}:`, 'm'));
  },
);

devices.property('name', 'name is its name in the container', async (t) => {
  const said = await inside(t, device(t), { name: 'eth7' });
  assert.match(said, / eth7[@:]/);
});

devices.must('name-template', 'a name with %d gets a number from the kernel', async (t) => {
  const said = await inside(t, device(t), { name: 'net%d' });
  assert.match(said, / net0[@:]/);
});

devices.must('name-taken', 'a name that is taken in the container is an error', async (t) => {
  const name = device(t);
  await t.refuses(
    (config) => {
      config.linux.netDevices = { [name]: { name: 'lo' } };
    },
    (config) => {
      config.linux.netDevices = { [device(t)]: { name: 'free' } };
    },
  );
  assert.match(
    readFileSync('/proc/net/dev', 'utf8'),
    new RegExp(`^ *${name}:`, 'm'),
    'the device is back',
  );
});

devices.must('missing', 'a device that is not there is an error', async (t) => {
  await t.refuses(
    (config) => {
      config.linux.netDevices = { 'no-such-dev': {} };
    },
    (config) => {
      config.linux.netDevices = { [device(t)]: {} };
    },
  );
});

devices.must('up', 'the device is up', async (t) => {
  const name = device(t);
  const said = await inside(t, name, {}, `cat /sys/class/net/${name}/flags`);
  assert.equal(Number(said) & 1, 1, said);
});

devices.must('addresses', 'permanent global addresses are kept', async (t) => {
  const name = device(t);
  ip('addr', 'add', '10.77.0.5/24', 'dev', name);
  ip('addr', 'add', 'fd77::5/64', 'dev', name);
  const said = await inside(t, name, { name: 'eth0' });
  assert.match(said, /eth0 .*inet 10\.77\.0\.5\/24/);
  assert.match(said, /eth0 .*inet6 fd77::5\/64/);
});

devices.must('attributes', 'its hardware address and MTU are kept', async (t) => {
  const name = device(t);
  ip('link', 'set', name, 'address', '02:00:00:00:77:05', 'mtu', '1234');
  const script = `cat /sys/class/net/${name}/address /sys/class/net/${name}/mtu`;
  assert.equal(await inside(t, name, {}, script), '02:00:00:00:77:05\n1234');
});

devices.mustNot(
  'not-moved-back',
  'delete does not move the device out of its namespace',
  async (t) => {
    const name = device(t);
    const owner = await t.start('echo up; exec sleep 1000');
    const pid = await owner.pid();
    const container = await t.start('echo up', (config) => {
      for (const each of config.linux.namespaces)
        if (each.type === 'network') each.path = `/proc/${pid}/ns/net`;
      config.linux.netDevices = { [name]: {} };
    });
    await container.stopped();
    await container.delete();
    const line = new RegExp(`^ *${name}:`, 'm');
    assert.match(readFileSync(`/proc/${pid}/net/dev`, 'utf8'), line);
    assert.doesNotMatch(readFileSync('/proc/net/dev', 'utf8'), line);
  },
);

export const sections = [devices];
