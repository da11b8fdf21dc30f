import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from '../container.js';
import type { Context } from '../context.js';
import { section } from '../rule.js';
import { filter, rule } from './seccomp-filter.js';

const HIT = 77;

const notify = section('config-linux.md#containerprocessstate', 'Container process state');

interface Received {
  readonly fds: number;
  readonly later: number;
  readonly closed: boolean;
  readonly payload: {
    readonly ociVersion: string;
    readonly fds: readonly string[];
    readonly pid: number;
    readonly metadata?: string;
    readonly state: {
      readonly id: string;
      readonly status: string;
      readonly pid: number;
      readonly bundle: string;
    };
  };
}

/** What an agent receives, and what getpriority gives in the container when it answers with HIT. */
async function withAgent(
  t: Context,
  more: object = {},
): Promise<{ received: Received; said: string; id: string }> {
  const socket = join(t.folder, 'agent');
  const agent = spawn(t.probe(), ['agent', socket, String(HIT)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.defer(() => agent.kill('SIGKILL'));
  let output = '';
  agent.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  await eventually(() => output.startsWith('ready\n'), 'the agent’s socket');
  const container = await t.start('probe syscall getpriority; exec sleep 1000', (config) => {
    filter({ listenerPath: socket, ...rule('SCMP_ACT_NOTIFY'), ...more })(config);
    config.annotations = { 'com.example.key': 'value' };
  });
  const received = JSON.parse(output.slice('ready\n'.length)) as Received;
  assert.equal(received.payload.state.bundle, container.bundle);
  return { received, said: container.firstLine, id: container.id };
}

notify.property('SCMP_ACT_NOTIFY', 'an agent at listenerPath answers system calls', async (t) => {
  assert.equal((await withAgent(t)).said, String(HIT));
});

notify.must(
  'payload',
  'the state is JSON with version, pid, fds and the container’s state',
  async (t) => {
    const { received, id } = await withAgent(t);
    const { ociVersion, fds, pid, state } = received.payload;
    assert.equal(typeof ociVersion, 'string');
    assert.deepEqual(fds, ['seccompFd']);
    assert.ok(Number.isInteger(pid) && pid > 0);
    assert.equal(state.id, id);
    assert.equal(state.pid, pid);
    assert.match(state.status, /^(creating|created|running)$/);
  },
);

notify.must('first-message', 'one descriptor, with the first message only', async (t) => {
  const { received } = await withAgent(t);
  assert.deepEqual([received.fds, received.later], [1, 0]);
});

notify.must('closed', 'the connection is closed after it', async (t) => {
  assert.ok((await withAgent(t)).received.closed);
});

notify.property('listenerMetadata', 'listenerMetadata is the state’s metadata', async (t) => {
  const { received } = await withAgent(t, { listenerMetadata: 'MKNOD=/dev/null' });
  assert.equal(received.payload.metadata, 'MKNOD=/dev/null');
});

notify.must('sending-fails', 'without an agent at listenerPath it is an error', async (t) => {
  await t.refuses(filter({ listenerPath: join(t.folder, 'nobody'), ...rule('SCMP_ACT_NOTIFY') }));
});

notify.property('ignored', 'listenerPath is ignored without SCMP_ACT_NOTIFY', async (t) => {
  await t.inside('true', filter({ listenerPath: join(t.folder, 'nobody') }));
});

export const sections = [notify];
