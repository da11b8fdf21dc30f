import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TsruncError } from '../../../ts/errors.js';
import {
  awaitCreated,
  commit,
  type FailureOf,
  type Parent,
  STAGE_ENDED,
} from '../../../ts/lifecycle/conversation.js';
import type { Native } from '../../../ts/native/native.js';
import { type MessageName, messages } from '../../../ts/plan/messages.js';
import type { State } from '../../../ts/state/state.js';

/** What happens when init and the stage say this, and the stage has ended in the end. */
async function hear(...said: readonly (MessageName | 'stageEnded')[]): Promise<string[]> {
  const happened: string[] = [];
  if (!said.includes('stageEnded')) said = [...said, 'stageEnded'];
  const note = (what: string) => async (): Promise<void> => void happened.push(what);
  const queue = said.map((name) => {
    if (name === 'stageEnded') return { data: STAGE_ENDED, fds: [] };
    const code = Object.keys(messages).indexOf(name) + 1;
    return name === 'cloned'
      ? { data: Uint8Array.of(code, 7, 0, 0, 0), fds: [99] }
      : { data: Uint8Array.of(code), fds: [] };
  });
  const native = {
    receive: async () => queue.shift(),
    send: () => void happened.push('reply'),
    memfd: () => 5,
    close: () => {},
  } as unknown as Native;
  const parent: Parent = {
    needIdMaps: note('id maps'),
    cloned: (pid) => void happened.push(`cloned ${pid}`),
    console: () => {},
    netDevicesDue: note('devices'),
    hooksDue: async () => {
      happened.push('hooks');
      return { pid: process.pid } as State;
    },
  };
  const silent = async () => new TsruncError('ended', { code: 'INIT_FAILED' });
  await awaitCreated(native, 1, parent, { silent } as unknown as FailureOf);
  return happened;
}

test('devices are moved, then the hooks run', async () => {
  assert.equal(await hear('cloned', 'netDevicesDue', 'hooksDue', 'created'), [
    'cloned 7',
    'devices',
    'reply',
    'hooks',
    'reply',
  ]);
});

test("what needs init's pid waits for it, since the stage may be slower than init", async () => {
  const devices = ['cloned 7', 'devices', 'reply'];
  assert.equal(await hear('netDevicesDue', 'cloned', 'created'), devices);
  assert.equal(await hear('hooksDue', 'cloned', 'created'), ['cloned 7', 'hooks', 'reply']);
  assert.equal(await hear('created', 'cloned'), ['cloned 7']);
});

test('a stage that ends without a word of init leaves nothing to wait for', async () => {
  for (const said of [['stageEnded'], ['created', 'stageEnded']] as const) {
    try {
      await hear(...said);
      assert.unreachable('it must fail');
    } catch (error) {
      assert.is((error as TsruncError).code, 'INIT_FAILED');
    }
  }
  assert.equal(await hear('cloned', 'stageEnded', 'created'), ['cloned 7']);
});

test('an init that has ended when it is told to wait is told of, not the broken pipe', async () => {
  const broken = Object.assign(new Error('EPIPE: broken pipe, sendmsg'), {
    code: 'EPIPE',
    errno: -32,
    syscall: 'sendmsg',
  });
  const native = {
    send: () => {
      throw broken;
    },
  } as unknown as Native;
  const silent = async () => new TsruncError('ended', { code: 'INIT_FAILED' });
  try {
    await commit(native, 1, { silent } as unknown as FailureOf);
    assert.unreachable('it must fail');
  } catch (error) {
    assert.is((error as TsruncError).code, 'INIT_FAILED');
  }
});

test.run();
